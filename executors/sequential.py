"""The debug executor and the reference for results: this process, one analyzer after another.

It contains what an analyzer raises. A hang, or a crash of the process, it cannot contain.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from clipbench.executors import devices
from clipbench.executors.base import Clip, Executor, Outcome, Plan
from clipbench.executors.faults import RAISED
from clipbench.executors.worker import Worker


class Sequential(Executor):
    """One worker, in this process."""

    name = "sequential"
    contains = RAISED
    worker: Worker | None = None

    def start(self, plan: Plan) -> None:
        self.plan, self.tasks = plan, plan.tasks()
        groups = sorted(plan.groups, key=lambda group: not devices.on_gpu(group.device))
        device = devices.among_all(groups[0].device, plan.visible)
        devices.choose(device)
        self.worker = Worker("main", device, plan, self.observer, groups[0].device)
        for task in self.tasks:
            self.worker.load(task)

    def run_many(self, clips: Iterator[Clip], in_flight: int) -> Iterator[tuple[int, Outcome]]:
        for number, clip in enumerate(clips):
            results = {}
            for task in self.tasks:
                upstream = {name: results[name] for name in task.upstream if name in results}
                outcome = self.worker.analyze(task, clip, upstream)
                if outcome.status == "ok":
                    results[task.analyzer] = outcome.segments
                yield number, outcome
            self.worker.clip += 1

    def cleanup(self) -> None:
        if self.plan.cleanup == "offload":
            self.worker.offload()
        else:
            self.worker.unload()

    def wake(self) -> None:
        self.worker.wake(tuple(self.tasks))

    def state(self) -> dict[str, str]:
        loaded = len(self.worker.loaded) if self.worker else 0
        return {"main": f"alive, {loaded} analyzers loaded"}

    def pids(self) -> dict[str, int]:
        return {"main": os.getpid()}

    def close(self) -> None:
        if self.worker is not None:
            self.worker.close()
            self.worker = None
