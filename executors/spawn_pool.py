"""N spawned workers that all can do everything: whoever is idle takes the most urgent ready analyzer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clipbench.analyzers.base import setting
from clipbench.executors.layout import Group, Machine, WorkerPlan, gpu_memory, in_order, thread_budget
from clipbench.executors.processes import Processes
from clipbench.executors.settings import ExecutorSettings


@dataclass(frozen=True)
class PoolSettings(ExecutorSettings):
    """The settings of the pool."""

    workers: int | None = setting(
        None,
        "how many workers; null: as many as the groups' replicas, or without replicas one for each core",
        low=1,
        high=4096,
    )


class SpawnPool(Processes):
    """Equal processes; the groups of the plan only say which analyzers and GPUs, and how many replicas."""

    name = "spawn_pool"
    settings_type = PoolSettings

    @classmethod
    def layout(
        cls, groups: Sequence[Group], machine: Machine, settings: ExecutorSettings
    ) -> tuple[WorkerPlan, ...]:
        assert isinstance(settings, PoolSettings)
        replicated = any(group.replicas > 1 for group in groups)
        count = settings.workers or (sum(g.replicas for g in groups) if replicated else machine.cores)
        tasks = tuple(in_order(groups))
        memory_gb = gpu_memory(tasks)
        on_gpus = [group for group in groups if group.device != "cpu" and memory_gb is not None]
        wished = [group.device for group in on_gpus for _ in range(group.replicas)]
        devices = wished or ["cpu"]
        threads = thread_budget(machine, count, settings.threads)
        return tuple(
            WorkerPlan(f"worker{n}", devices[n % len(devices)], tasks, threads, (), memory_gb)
            for n in range(count)
        )
