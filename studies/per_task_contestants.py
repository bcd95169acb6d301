"""Who hands out tasks that do nothing: clipbench's executors, and what one would write instead.

A contestant is made for so many analyzers and workers, and goes through clips, `IN_FLIGHT` at once: the
analyzers of a clip are its tasks, and some of them read what others have found (studies/noop_analyzers.py).
"""

from __future__ import annotations

import itertools
import logging
import os
import secrets
import tempfile
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Protocol

from clipbench import plugins
from clipbench.analyzers.base import Settings
from clipbench.executors import registry
from clipbench.executors.arrivals import AllThere
from clipbench.executors.base import Executor, Plan
from clipbench.executors.layout import Group, Machine, Task
from studies import noop_analyzers
from studies.workers_at_once import AtOnce, EmptyClip, Nobody

IN_FLIGHT = 16
#: Seconds that the workers of a rival have for being there.
START_S = 300


class Contestant(Protocol):
    """One that hands out tasks."""

    def once(self, clips: int) -> int:
        """Go through so many clips; returns how many tasks were done."""

    def close(self) -> None:
        """End the workers."""


def nothing(*found: object) -> None:
    """A rival's task."""


class Ours:
    """An executor of clipbench, with one group for each worker."""

    def __init__(self, executor: type[Executor], analyzers: int, workers: int) -> None:
        plugins.use([noop_analyzers.__name__])
        tasks = [
            Task(
                noop_analyzers.name_of(n),
                Settings(),
                tuple(map(noop_analyzers.name_of, noop_analyzers.reads(n))),
            )
            for n in range(analyzers)
        ]
        groups = [Group(f"group{n}", "cpu", tuple(tasks[n::workers])) for n in range(workers)]
        settings = executor.settings_type(threads=1)
        layout = executor.layout(groups, Machine(workers), settings)
        self.executor = executor(Nobody())
        self.executor.start(Plan(tuple(groups), layout, settings))

    def once(self, clips: int) -> int:
        """Go through so many clips."""
        queue = AllThere(itertools.repeat(EmptyClip(), clips))
        outcomes = [outcome for _, outcome in self.executor.run_many(queue, IN_FLIGHT)]
        if bad := next((outcome for outcome in outcomes if outcome.status != "ok"), None):
            raise RuntimeError(f"{bad.analyzer}: {bad.reason}")
        return len(outcomes)

    def close(self) -> None:
        """End the workers."""
        self.executor.close()


class Pool:
    """`concurrent.futures.ProcessPoolExecutor`: a job is submitted as soon as what it reads is there."""

    def __init__(self, analyzers: int, workers: int) -> None:
        context = get_context("spawn")
        self.reads = [noop_analyzers.reads(n) for n in range(analyzers)]
        self.readers = [[r for r, names in enumerate(self.reads) if n in names] for n in range(analyzers)]
        barrier = context.Barrier(workers)
        self.pool = ProcessPoolExecutor(workers, context, remember, (barrier,))
        for waiting in [self.pool.submit(wait_for_all) for _ in range(workers)]:
            waiting.result()

    def once(self, clips: int) -> int:
        """Go through so many clips."""
        done: SimpleQueue[tuple[int, int]] = SimpleQueue()
        left: dict[int, list[int]] = {}
        count = 0

        def submit(clip: int, task: int) -> None:
            def tell(future: Future[None]) -> None:
                done.put((clip, task))

            self.pool.submit(nothing, *self.reads[task]).add_done_callback(tell)

        def begin(clip: int) -> None:
            left[clip] = [len(reads) for reads in self.reads]
            for task, reads in enumerate(self.reads):
                if not reads:
                    submit(clip, task)

        waiting, ended = deque(range(clips)), [len(self.reads)] * clips
        while waiting or left:
            while waiting and len(left) < IN_FLIGHT:
                begin(waiting.popleft())
            clip, task = done.get()
            count += 1
            for reader in self.readers[task]:
                left[clip][reader] -= 1
                if not left[clip][reader]:
                    submit(clip, reader)
            ended[clip] -= 1
            if not ended[clip]:
                del left[clip]
        return count

    def close(self) -> None:
        """End the workers."""
        self.pool.shutdown(cancel_futures=True)


_barrier: Any = None


def remember(barrier: Any) -> None:
    """A pool worker's initializer."""
    global _barrier
    _barrier = barrier


def wait_for_all() -> None:
    """Wait until every worker of the pool is there."""
    _barrier.wait(START_S)


class Futures:
    """A library that follows the graph itself: all tasks of a clip are handed over at once."""

    def __init__(
        self, analyzers: int, submit: Callable[..., Any], gather: Callable[[list[Any]], Any]
    ) -> None:
        self.reads = [noop_analyzers.reads(n) for n in range(analyzers)]
        self.submit, self.gather = submit, gather

    def once(self, clips: int) -> int:
        """Go through so many clips; the oldest one is waited for."""
        flying: deque[list[Any]] = deque()
        count = 0
        for _ in range(clips):
            if len(flying) == IN_FLIGHT:
                count += len(self.gather(flying.popleft()))
            handles: list[Any] = []
            for reads in self.reads:
                handles.append(self.submit(*(handles[n] for n in reads)))
            flying.append(handles)
        return count + sum(len(self.gather(handles)) for handles in flying)


class Dask(Futures):
    """dask.distributed on this machine, a process for each worker. Raises ImportError where it is missing."""

    def __init__(self, analyzers: int, workers: int) -> None:
        from dask.distributed import Client, LocalCluster

        self.cluster = LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None,
            silence_logs=logging.ERROR,
        )  # fmt: skip
        self.client = Client(self.cluster)
        self.client.wait_for_workers(workers, timeout=START_S)

        def submit(*reads: Any) -> Any:
            return self.client.submit(nothing, *reads, pure=False)

        super().__init__(analyzers, submit, self.client.gather)

    def close(self) -> None:
        """End the workers."""
        self.client.close()
        self.cluster.close()


class RayTasks(Futures):
    """Plain Ray tasks. Raises ImportError where Ray is not installed."""

    def __init__(self, analyzers: int, workers: int) -> None:
        # Ray reads these when it is imported: it reports to nobody, and keeps no token in the user's home.
        os.environ |= {
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": secrets.token_hex(32),
            "PYTHONPATH": str(Path(__file__).resolve().parents[1]),
        }
        import ray

        # Ray's sockets lie in it, and a socket's path must be short.
        self.folder = tempfile.TemporaryDirectory("", "ray-", "/tmp", ignore_cleanup_errors=True)
        ray.init(
            address="local", num_cpus=workers, include_dashboard=False, log_to_driver=False,
            logging_level=logging.ERROR, _temp_dir=self.folder.name, object_store_memory=100 << 20,
        )  # fmt: skip
        self.ray = ray
        super().__init__(analyzers, ray.remote(num_cpus=1)(nothing).remote, ray.get)

    def close(self) -> None:
        """End the workers, and what Ray started."""
        self.ray.shutdown()
        self.folder.cleanup()


def ours(name: str) -> Callable[[int, int], Contestant]:
    """An executor by its name."""
    return lambda analyzers, workers: Ours(registry.strategy(name), analyzers, workers)


#: Contestant → how it is made for so many analyzers and workers.
MAKE: dict[str, Callable[[int, int], Contestant]] = {
    "the driver alone": lambda analyzers, workers: Ours(AtOnce, analyzers, workers),
    "gpu_pinned": ours("gpu_pinned"),
    "ProcessPoolExecutor": Pool,
    "dask.distributed": Dask,
    "Ray tasks": RayTasks,
}
