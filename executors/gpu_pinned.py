"""One spawned worker per group, pinned to its GPU and its cores before anything heavy is imported."""

from __future__ import annotations

from clipbench.executors.processes import Processes


class GpuPinned(Processes):
    """The groups of the plan, each a process."""

    name = "gpu_pinned"
