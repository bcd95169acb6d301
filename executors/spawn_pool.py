"""N spawned workers that all can do everything: whoever is idle takes the most urgent ready analyzer."""

from __future__ import annotations

from clipbench.executors.base import Group, Plan, Task
from clipbench.executors.devices import on_gpu
from clipbench.executors.processes import Processes
from clipbench.executors.remote import Remote


class SpawnPool(Processes):
    """`executor.workers` equal processes; the groups of the plan only say which analyzers there are."""

    name = "spawn_pool"

    def groups(self, plan: Plan) -> tuple[Group, ...]:
        devices = [group.device for group in plan.groups if on_gpu(group.device)] or ["cpu"]
        return tuple(
            Group(f"worker{n}", devices[n % len(devices)], tuple(plan.tasks())) for n in range(plan.workers)
        )

    def may_run(self, remote: Remote, task: Task) -> bool:
        return task.analyzer in remote.loaded
