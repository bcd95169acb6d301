"""What one would write instead of an executor: a process pool whose jobs open the file, and Ray actors.

Both are written as well as such code is: models are kept once loaded, a job reads of the file only what its
analyzer needs, everything that can start starts, and each process has its share of the cores and no more.
What they lack is what the harness is for: one decoding for all, shared frames and shared derived data.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import secrets
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from pathlib import Path
from typing import Any

from clipbench.analyzers.base import Analyzer, ClipView, Segment
from clipbench.analyzers.threads import limit
from clipbench.bench.clips.decoding import decode
from clipbench.executors.base import now
from clipbench.executors.layout import Group, Task
from studies.handwritten_loop import found, loaded

Results = dict[str, list[Segment]]
#: Seconds for loading the models, which no pass includes.
LOAD_S = 300


def follow(
    tasks: Sequence[Task],
    submit: Callable[[Task, Results], Any],
    finished: Callable[[list[Any]], list[tuple[Any, list[Segment]]]],
) -> Results:
    """Submit each task as soon as what it reads is there; `finished` waits for one or more of the handles."""
    waiting, running, results = list(tasks), {}, {}
    while waiting or running:
        for task in [t for t in waiting if results.keys() >= set(t.upstream)]:
            waiting.remove(task)
            running[submit(task, {name: results[name] for name in task.upstream})] = task.analyzer
        for handle, segments in finished(list(running)):
            results[running.pop(handle)] = segments
    return results


# In a worker process of the pool.
_threads = 1
_barrier: Any = None
_models: dict[str, Analyzer] = {}


def begin(threads: int, barrier: Any) -> None:
    """A worker's initializer; loads nothing."""
    global _threads, _barrier
    _threads, _barrier = threads, barrier
    limit(threads)


def model(task: Task) -> Analyzer:
    """The analyzer of `task`, loaded when this process first needs it."""
    if task.analyzer not in _models:
        _models[task.analyzer] = loaded(task)
    return _models[task.analyzer]


def load_in_every_worker(task: Task) -> None:
    """Load, and wait for the other workers to do so too, so that none of them takes two of these jobs."""
    model(task)
    _barrier.wait(LOAD_S)


def job(task: Task, path: Path, upstream: Results) -> list[Segment]:
    """One analyzer on the file at `path`."""
    analyzer = model(task)
    with decode(path, [analyzer.needs()], _threads) as clip:
        return found(analyzer, clip, upstream)


class Pool:
    """A contestant: `concurrent.futures.ProcessPoolExecutor`, spawned workers, one job per analyzer."""

    def __init__(self, tasks: Sequence[Task], workers: int, threads: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.tasks = tasks
        self.pool = ProcessPoolExecutor(workers, context, begin, (threads, context.Barrier(workers)))
        for task in tasks:  # all models in all workers, so that every later pass is warm
            for loading in [self.pool.submit(load_in_every_worker, task) for _ in range(workers)]:
                loading.result()

    def once(self, path: Path) -> tuple[float, Results]:
        """One pass over the clip at `path`."""

        def submit(task: Task, upstream: Results) -> Future:
            return self.pool.submit(job, task, path, upstream)

        def finished(futures: list[Future]) -> list[tuple[Future, list[Segment]]]:
            return [(future, future.result()) for future in wait(futures, None, FIRST_COMPLETED).done]

        begun = now()
        results = follow(self.tasks, submit, finished)
        return now() - begun, results

    def close(self) -> None:
        """End the workers."""
        self.pool.shutdown(cancel_futures=True)


class Member:
    """One group of analyzers; as a Ray actor, a worker that decodes for itself."""

    def __init__(self, tasks: Sequence[Task], threads: int) -> None:
        limit(threads)
        self.threads = threads
        self.analyzers = {task.analyzer: loaded(task) for task in tasks}
        self.clip = contextlib.ExitStack()
        self.view: ClipView | None = None

    def analyze(self, name: str, path: Path, upstream: Results) -> list[Segment]:
        """One analyzer on the file at `path`, which is opened once for the group."""
        if self.view is None:
            needs = [analyzer.needs() for analyzer in self.analyzers.values()]
            self.view = self.clip.enter_context(decode(path, needs, self.threads))
        return found(self.analyzers[name], self.view, upstream)

    def forget(self) -> None:
        """Let go of the clip."""
        self.view = None
        self.clip.close()


class Actors:
    """A contestant: the same groups as plain Ray actors. Raises ImportError where Ray is not installed."""

    def __init__(self, groups: Sequence[Group], tasks: Sequence[Task], threads: int) -> None:
        # Ray reads these when it is imported: it reports to nobody, and keeps no token in the user's home.
        os.environ |= {
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": secrets.token_hex(32),
        }
        # Ray's workers import the project from where this process does.
        os.environ["PYTHONPATH"] = str(Path(__file__).resolve().parents[1])
        import ray

        self.ray, self.tasks = ray, tasks
        # Ray's sockets lie in it, and a socket's path must be short.
        self.folder = tempfile.TemporaryDirectory("", "ray-", "/tmp", ignore_cleanup_errors=True)
        ray.init(
            address="local",
            num_cpus=len(groups),
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
            _temp_dir=self.folder.name,
            object_store_memory=100 << 20,
        )
        remote = ray.remote(num_cpus=1)(Member)
        self.actors = {group.name: remote.remote(group.tasks, threads) for group in groups}
        self.actor_of = {t.analyzer: self.actors[group.name] for group in groups for t in group.tasks}
        ray.get([actor.forget.remote() for actor in self.actors.values()])  # the models are loaded

    def once(self, path: Path) -> tuple[float, Results]:
        """One pass over the clip at `path`."""

        def submit(task: Task, upstream: Results) -> Any:
            return self.actor_of[task.analyzer].analyze.remote(task.analyzer, path, upstream)

        def finished(references: list[Any]) -> list[tuple[Any, list[Segment]]]:
            return [(done, self.ray.get(done)) for done in self.ray.wait(references)[0]]

        begun = now()
        results = follow(self.tasks, submit, finished)
        seconds = now() - begun
        self.ray.get([actor.forget.remote() for actor in self.actors.values()])
        return seconds, results

    def close(self) -> None:
        """End the actors and what Ray started."""
        self.ray.shutdown()
        self.folder.cleanup()
