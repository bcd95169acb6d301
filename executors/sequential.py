"""The debug executor and the reference for results: this process, one analyzer after another.

It contains what an analyzer raises. A hang, or a crash of the process, it cannot contain.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzers.base import ClipView
from executors.base import Executor, Outcome, Plan
from executors.worker import Worker


class Sequential(Executor):
    """One worker, in this process."""

    name = "sequential"

    worker: Worker | None = None

    def start(self, plan: Plan) -> None:
        self.tasks = plan.tasks()
        self.worker = Worker("main", "cpu", plan.threads, self.observer)
        for task in self.tasks:
            self.worker.load(task)

    def run(self, clip: ClipView) -> Iterator[Outcome]:
        results = {}
        for task in self.tasks:
            upstream = {name: results[name] for name in task.upstream if name in results}
            outcome = self.worker.analyze(task, clip, upstream)
            if outcome.status == "ok":
                results[task.analyzer] = outcome.segments
            yield outcome

    def cleanup(self) -> None:
        self.worker.unload()

    def close(self) -> None:
        if self.worker is not None:
            self.worker.close()
            self.worker = None
