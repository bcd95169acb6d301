"""The scheduling policy: which analyzer runs next, on which clip and on which worker.

It knows names, tasks and outcomes, and no processes, connections or clocks, so that a simulation can use it
as it is. The ready task with the longest way to go comes first, on the oldest clip.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field

from clipbench.analyzers.base import Segment
from clipbench.executors.base import Outcome, Shared
from clipbench.executors.layout import Task


@dataclass
class Flight:
    """One clip on its way: the tasks that wait, those that run, those that are done, and what they found."""

    number: int
    clip: Shared
    waiting: dict[str, Task]
    running: set[str] = field(default_factory=set)
    done: set[str] = field(default_factory=set)
    results: dict[str, list[Segment]] = field(default_factory=dict)

    def ready(self) -> list[Task]:
        """The tasks that could start now."""
        frames = self.clip.decoded()
        return [
            task
            for task in self.waiting.values()
            if (frames or not task.frames) and self.done.issuperset({*task.upstream, *task.after})
        ]


@dataclass(frozen=True)
class Assignment:
    """A task that a worker is to run, on which clip, and the results that it reads."""

    worker: str
    clip: int
    shared: Shared
    task: Task
    results: dict[str, list[Segment]]


class Scheduler:
    """Gives the ready tasks of the clips in flight to idle workers.

    `tasks` are those of the plan, each after those that it waits for.
    """

    def __init__(self, tasks: Sequence[Task]) -> None:
        self.tasks = tuple(tasks)
        self.flights: dict[int, Flight] = {}
        self._durations: dict[str, float] = {}

    def admit(self, number: int, clip: Shared) -> None:
        """Take a clip in flight."""
        self.flights[number] = Flight(number, clip, {task.analyzer: task for task in self.tasks})

    def assign(self, idle: Iterable[str], holds: Callable[[str, str], bool]) -> list[Assignment]:
        """Give each of these workers a task that it `holds` (worker, analyzer), if one is ready."""
        urgency = self._urgency()
        ready = [(flight, task) for flight in self.flights.values() for task in flight.ready()]
        ready.sort(key=lambda each: (each[0].number, -urgency[each[1].analyzer]))
        assigned = []
        for worker in idle:
            chosen = next((each for each in ready if holds(worker, each[1].analyzer)), None)
            if chosen is None:
                continue
            ready.remove(chosen)
            flight, task = chosen
            del flight.waiting[task.analyzer]
            flight.running.add(task.analyzer)
            results = {name: flight.results[name] for name in task.upstream if name in flight.results}
            assigned.append(Assignment(worker, flight.number, flight.clip, task, results))
        return assigned

    def drop(self, analyzers: Collection[str]) -> list[tuple[int, str]]:
        """Take these analyzers off what waits: (clip, analyzer) for each that no worker will run."""
        dropped = []
        for flight in self.flights.values():
            for name in [name for name in flight.waiting if name in analyzers]:
                del flight.waiting[name]
                flight.running.add(name)  # until its outcome is recorded, so that the clip is not finished
                dropped.append((flight.number, name))
        return dropped

    def record(self, number: int, outcome: Outcome) -> bool:
        """Take note of an outcome; returns whether it was the last one on its clip."""
        flight = self.flights[number]
        flight.running.discard(outcome.analyzer)
        flight.done.add(outcome.analyzer)
        if outcome.status == "ok":
            flight.results[outcome.analyzer] = outcome.segments
        if outcome.analyze_s is not None:
            self._durations[outcome.analyzer] = outcome.analyze_s
        finished = not flight.waiting and not flight.running
        if finished:
            del self.flights[number]
        return finished

    def _urgency(self) -> dict[str, float]:
        """Analyzer → seconds from its start to the end of all that waits for it, as last measured.

        Longest remaining path first: R. L. Graham, Bounds on Multiprocessing Timing Anomalies, 1969.
        """
        urgency: dict[str, float] = {}
        for task in reversed(self.tasks):
            name = task.analyzer
            readers = [t.analyzer for t in self.tasks if name in {*t.upstream, *t.after}]
            own = self._durations.get(name, 1.0)
            urgency[name] = own + max((urgency[reader] for reader in readers), default=0.0)
        return urgency
