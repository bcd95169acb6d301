"""The debug executor and the reference for results: this process, one analyzer after another.

It contains what an analyzer raises. A hang, or a crash of the process, it cannot contain.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Sequence

from clipbench.executors import devices
from clipbench.executors.arrivals import NEVER, Arrivals
from clipbench.executors.base import Clip, Executor, Observer, Outcome, Plan, skipped
from clipbench.executors.chunks import OpenPieces
from clipbench.executors.faults import RAISED
from clipbench.executors.flight import Flight
from clipbench.executors.graph import Graph, PlanOrder
from clipbench.executors.layout import Group, Machine, WorkerPlan, gpu_memory, in_order, thread_budget
from clipbench.executors.protocol import WorkerSpec
from clipbench.executors.settings import ExecutorSettings
from clipbench.executors.steps import Fed
from clipbench.executors.worker import Worker

#: Seconds between two looks at whether the executor is to go on.
WAIT_S = 0.1


class Sequential(Executor):
    """One worker, in this process."""

    name = "sequential"
    contains = RAISED
    ranking = PlanOrder
    one_process = True

    def __init__(self, observer: Observer) -> None:
        super().__init__(observer)
        self.worker: Worker | None = None
        self._cleanup_failures: dict[str, str] = {}

    @classmethod
    def layout(
        cls, groups: Sequence[Group], machine: Machine, settings: ExecutorSettings
    ) -> tuple[WorkerPlan, ...]:
        wished = [g.device for g in groups if g.device != "cpu" and any(task.gpu for task in g.tasks)]
        tasks = tuple(in_order(groups))
        device, memory_gb = (wished[0], gpu_memory(tasks)) if wished else ("cpu", None)
        return (
            WorkerPlan("main", device, tasks, thread_budget(machine, 1, settings.threads), (), memory_gb),
        )

    def start(self, plan: Plan) -> None:
        self.plan, planned = plan, plan.layout[0]
        device = devices.among_all(planned.device, plan.visible)
        devices.choose(device)
        spec = WorkerSpec(planned, plan.visible, plan.settings.memory_fraction, plan.faults, plan.profile)
        self.worker = Worker(spec, device, self.observer)
        self._cleanup_failures = self.worker.cleanup_failures
        for task in planned.tasks:
            self.worker.load(task)

    def started(self) -> Worker:
        """The worker; raises RuntimeError before `start` and after `close`."""
        if self.worker is None:
            raise RuntimeError("the executor is not started")
        return self.worker

    def run_many(self, clips: Arrivals[Clip], in_flight: int) -> Iterator[tuple[int, Outcome]]:
        worker, graph = self.started(), Graph(self.plan.layout[0].tasks)
        for number, clip in enumerate(self._arriving(clips)):
            flight = Flight.of(number, clip, graph)
            with contextlib.closing(OpenPieces()) as pieces:
                while not flight.finished:
                    for outcome in self._go_on(worker, flight, pieces):
                        flight.record(outcome)
                        yield number, outcome
            worker.clip += 1

    def _arriving(self, clips: Arrivals[Clip]) -> Iterator[Clip]:
        """The clips, each when it has arrived."""
        while clips.next_s < NEVER:
            if clip := clips.take(self.clock()):
                yield clip
            elif clips.next_s < NEVER:
                time.sleep(max(0.0, clips.next_s - self.clock()))

    def _go_on(self, worker: Worker, flight: Flight, pieces: OpenPieces) -> list[Outcome]:
        """Take the first step that can be taken, or wait for more of the clip; the outcomes, if any."""
        ready = next(flight.ready(), None)
        if ready is None:
            if flight.lost:
                return [skipped(name, flight.lost) for name in flight.waiting]
            flight.clip.wait(WAIT_S)
            return []
        piece = pieces.get(ready.piece.name, ready.piece.share)
        step, results = flight.take(ready.task), flight.results_for(ready.task)
        upstream = {name: list(segments) for name, segments in results.items()}
        answer = worker.take(ready.task, step, piece, upstream)
        if not isinstance(answer, Fed):
            return [answer]
        flight.fed(answer)
        for name in flight.forgettable():
            pieces.forget(name)
        return []

    def cleanup(self) -> None:
        if self.plan.settings.cleanup == "offload":
            self.started().offload()
        else:
            self.started().unload()

    def wake(self) -> None:
        self.started().wake(self.plan.layout[0].tasks)

    def cleanup_failures(self) -> dict[str, str]:
        return dict(self._cleanup_failures)

    def state(self) -> dict[str, str]:
        loaded = len(self.worker.loaded) if self.worker else 0
        return {"main": f"alive, {loaded} analyzers loaded"}

    def pids(self) -> dict[str, int]:
        return {"main": os.getpid()}

    def close(self) -> None:
        if self.worker is not None:
            self.worker.close()
            self.worker = None
