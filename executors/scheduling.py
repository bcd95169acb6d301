"""The scheduling policy: which analyzer runs next, on which piece of which clip, and on which worker.

It knows names, tasks and outcomes, and no processes, connections or clocks, so that a simulation can use it
as it is. The ready task with the longest way to go comes first, on the oldest clip.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from clipbench.analyzers.base import Segment
from clipbench.executors.base import Clip, Outcome, Piece
from clipbench.executors.flight import Flight
from clipbench.executors.layout import Task
from clipbench.executors.steps import Fed, Step


@dataclass(frozen=True)
class Assignment:
    """A step that a worker is to take, on which piece of which clip, and the results that it reads."""

    worker: str
    clip: int
    task: Task
    step: Step
    piece: Piece
    results: dict[str, Sequence[Segment]]


class Scheduler:
    """Gives the ready tasks of the clips in flight to idle workers.

    `tasks` are those of the plan, each after those that it waits for.
    """

    def __init__(self, tasks: Sequence[Task]) -> None:
        self.tasks = tuple(tasks)
        self.flights: dict[int, Flight] = {}
        self._readers = {
            task.analyzer: [t.analyzer for t in tasks if task.analyzer in {*t.upstream, *t.after}]
            for task in tasks
        }
        self._durations: dict[str, float] = {}
        self._urgency = self._urgency_by(self._durations)

    def admit(self, number: int, clip: Clip) -> None:
        """Take a clip in flight."""
        self.flights[number] = Flight.of(number, clip, self.tasks)

    def assign(self, idle: Iterable[str], holds: Callable[[str, str], bool]) -> list[Assignment]:
        """Give each of these workers a step that it `holds` the analyzer of, if one is ready."""
        idle, urgency = list(idle), self._urgency
        if not idle:
            return []
        ready = [(flight, task) for flight in self.flights.values() for task in flight.ready()]
        ready.sort(key=lambda each: (each[0].number, each[1].spent_s - urgency[each[1].task.analyzer]))
        assigned = []
        for worker in idle:
            chosen = next((each for each in ready if holds(worker, each[1].task.analyzer)), None)
            if chosen is None:
                continue
            ready.remove(chosen)
            flight, next_one = chosen
            task, results = next_one.task, flight.results_for(next_one.task)
            step = flight.take(task)
            assigned.append(Assignment(worker, flight.number, task, step, next_one.piece, results))
        return assigned

    def awaited(self) -> list[str]:
        """The analyzers that have something left to do on a clip in flight, the most urgent first."""
        waiting = {name for flight in self.flights.values() for name in flight.waiting}
        names = [task.analyzer for task in self.tasks if task.analyzer in waiting]
        return sorted(names, key=lambda name: -self._urgency[name])

    def drop(self, analyzers: Collection[str]) -> list[tuple[int, str]]:
        """Take these analyzers off what waits: (clip, analyzer) for each that no worker will run."""
        return [
            (flight.number, self._take(flight, name))
            for flight in self.flights.values()
            for name, progress in flight.waiting.items()
            if name in analyzers and not progress.running
        ]

    def drop_lost_clips(self) -> list[tuple[int, str, str]]:
        """(clip, analyzer, reason) for all that waits on clips that were lost while they were decoded."""
        return [
            (flight.number, self._take(flight, name), flight.lost)
            for flight in self.flights.values()
            if flight.lost
            for name, progress in flight.waiting.items()
            if not progress.running
        ]

    @staticmethod
    def _take(flight: Flight, name: str) -> str:
        flight.waiting[name].running = True  # until its outcome is recorded
        return name

    def fed(self, number: int, fed: Fed) -> None:
        """Take note that an analyzer has read a chunk."""
        self.flights[number].fed(fed)

    def forgettable(self) -> list[tuple[int, str]]:
        """(clip, piece) for all that workers may let go of, each named once."""
        return [(flight.number, name) for flight in self.flights.values() for name in flight.forgettable()]

    def record(self, number: int, outcome: Outcome) -> bool:
        """Take note of an outcome; returns whether it was the last one on its clip."""
        flight = self.flights[number]
        flight.record(outcome)
        if outcome.analyze_s is not None:
            self._durations[outcome.analyzer] = outcome.analyze_s
            self._urgency = self._urgency_by(self._durations)
        if flight.finished:
            del self.flights[number]
        return flight.finished

    def _urgency_by(self, durations: Mapping[str, float]) -> dict[str, float]:
        """Analyzer → seconds from its start to the end of all that waits for it, as last measured.

        Longest remaining path first: R. L. Graham, Bounds on Multiprocessing Timing Anomalies, 1969.
        """
        urgency: dict[str, float] = {}
        for task in reversed(self.tasks):
            name = task.analyzer
            own = durations.get(name, 1.0)
            urgency[name] = own + max((urgency[reader] for reader in self._readers[name]), default=0.0)
        return urgency
