"""One spawned worker per group, pinned to its GPU and its cores before anything heavy is imported."""

from __future__ import annotations

from collections.abc import Sequence

from clipbench.executors.layout import Group, Machine, WorkerPlan, one_per_group
from clipbench.executors.processes import Processes
from clipbench.executors.settings import ExecutorSettings


class GpuPinned(Processes):
    """The groups of the plan, each a process on cores of its own."""

    name = "gpu_pinned"

    @classmethod
    def layout(
        cls, groups: Sequence[Group], machine: Machine, settings: ExecutorSettings
    ) -> tuple[WorkerPlan, ...]:
        return one_per_group(groups, machine, settings.threads, pinned=True)
