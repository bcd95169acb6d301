"""What can be set for an executor, as `executor.<key>=value` on the command line."""

from __future__ import annotations

from dataclasses import dataclass

from clipbench.analyzers.base import setting

#: The states in which `cleanup` can leave the workers.
CLEANUPS = ("exit", "unload", "offload")


@dataclass(frozen=True)
class ExecutorSettings:
    """The settings that every executor has. An executor with more derives its own dataclass from this one."""

    threads: int | None = setting(None, "threads per worker; null shares out the cores", low=1, high=4096)
    timeout_s: float = setting(
        120.0,
        "seconds that analyzing up to 10 s of clip may take; a longer clip gets more",
        low=0.001,
        high=1e9,
    )
    load_timeout_s: float = setting(600.0, "seconds that loading one analyzer may take", low=0.001, high=1e9)
    cleanup: str = setting("exit", "how workers are left between bursts of work: exit, unload or offload")
    memory_fraction: float | None = setting(
        None, "share of its GPU's memory that a worker's process may use; null: all of it", low=0.001, high=1
    )


@dataclass(frozen=True)
class VirtualSettings(ExecutorSettings):
    """The settings that every virtual executor has."""

    like: str = setting("gpu_pinned", "the executor whose workers and overheads are pretended")
