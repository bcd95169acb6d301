"""The scheduling policy: which analyzer runs next, on which piece of which clip, and on which worker.

It knows names, tasks and outcomes, and no processes, connections or clocks, so that a simulation can use it
as it is. The ready task with the longest way to go comes first, on the oldest clip. What is ready is kept in
order, so that a decision takes the same with more analyzers, workers and clips in flight.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from clipbench.analyzers.base import Segment
from clipbench.executors.base import Clip, Outcome, Piece
from clipbench.executors.flight import Flight
from clipbench.executors.graph import Graph, Urgency
from clipbench.executors.lanes import Lane
from clipbench.executors.layout import Task, WorkerPlan
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

    `tasks` are those of the plan, each after those that it waits for. `workers` says which of them share the
    work: without it any worker may hold any analyzer, and to find what one holds may take longer.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        workers: Sequence[WorkerPlan] = (),
        ranking: type[Urgency] = Urgency,
    ) -> None:
        self.graph = Graph(tasks)
        self.flights: dict[int, Flight] = {}
        self._urgency = ranking(self.graph)
        self._lane_of, self._lanes_of = self._lanes(workers)
        self._undecoded: set[int] = set()  # clips with tasks that wait for nothing but a piece, if for that
        self._lost: dict[int, Flight] = {}
        self._forgettable: list[tuple[int, str]] = []

    def _lanes(self, workers: Sequence[WorkerPlan]) -> tuple[dict[str, Lane], dict[str, list[Lane]]]:
        """Analyzer → its lane, and worker → the lanes of what it holds."""
        holders: dict[str, list[str]] = {name: [] for name in self.graph.names}
        for worker in workers:
            for task in worker.tasks:
                holders[task.analyzer].append(worker.name)
        lanes: dict[tuple[str, ...], Lane] = defaultdict(lambda: Lane(self.graph, self._urgency))
        lane_of = {name: lanes[tuple(those)] for name, those in holders.items()}
        lanes_of = {w.name: [lane for those, lane in lanes.items() if w.name in those] for w in workers}
        return lane_of, lanes_of or defaultdict(lambda: list(lanes.values()))

    def admit(self, number: int, clip: Clip) -> None:
        """Take a clip in flight."""
        self.flights[number] = flight = Flight.of(number, clip, self.graph)
        self._moved(flight)

    @property
    def awaits_pieces(self) -> bool:
        """Whether any task waits for nothing but a piece of its clip that was not there when asked for."""
        return bool(self._undecoded)

    def _moved(self, flight: Flight) -> None:
        """Take note of what has changed on a clip."""
        if flight.undecoded:
            self._undecoded.add(flight.number)
        if flight.unforgotten:
            self._forgettable += [(flight.number, name) for name in flight.forgettable()]

    def assign(self, idle: Iterable[str], holds: Callable[[str, str], bool]) -> list[Assignment]:
        """Give each of these workers a step that it `holds` the analyzer of, if one is ready."""
        idle = list(idle)
        if not idle:
            return []
        self._update()
        unasked = deque(sorted(self._undecoded))
        found = [self._next(worker, partial(holds, worker), unasked) for worker in idle]
        return [assignment for assignment in found if assignment is not None]

    def _update(self) -> None:
        """Have what was measured count."""
        for name in self._urgency.update():
            self._lane_of[name].changed(name)

    def _next(self, worker: str, holds: Callable[[str], bool], unasked: deque[int]) -> Assignment | None:
        """What a worker is to do; those clips are asked for what is decoded that it could come from."""
        while True:
            firsts = [first for lane in self._lanes_of[worker] if (first := lane.first(holds)) is not None]
            clip, entry = min(firsts, default=(None, None))
            if unasked and (clip is None or unasked[0] <= clip):
                self._ask(self.flights[unasked.popleft()])
            elif clip is None or entry is None:
                return None
            elif (assignment := self._assigned(worker, self.flights[clip], entry[2])) is not None:
                return assignment

    def _ask(self, flight: Flight) -> None:
        """Put in their lanes those tasks of a clip that have become ready."""
        for progress in flight.newly_ready():
            name = progress.task.analyzer
            self._lane_of[name].put(flight.number, name, progress.seconds)
        if not flight.undecoded:
            self._undecoded.discard(flight.number)
        if flight.lost:
            self._lose(flight)

    def _lose(self, flight: Flight) -> None:
        """Nothing more is started on a clip that cannot be decoded further."""
        self._undecoded.discard(flight.number)
        self._lost[flight.number] = flight
        for name in flight.waiting:
            self._lane_of[name].discard(flight.number, name)

    def _assigned(self, worker: str, flight: Flight, analyzer: str) -> Assignment | None:
        """The next step of a task; None where its clip turns out to be lost."""
        progress = flight.waiting[analyzer]
        piece = flight.piece(progress)
        if piece is None:
            assert flight.lost, f"{analyzer}: a piece of the clip is gone that was there and is not released"
            self._lose(flight)
            return None
        self._lane_of[analyzer].discard(flight.number, analyzer)
        task, results = progress.task, flight.results_for(progress.task)
        return Assignment(worker, flight.number, task, flight.take(task), piece, results)

    def awaited(self) -> list[str]:
        """The analyzers that have something left to do on a clip in flight, the most urgent first."""
        self._update()
        waiting = {name for flight in self.flights.values() for name in flight.waiting}
        names = [name for name in self.graph.names if name in waiting]
        return sorted(names, key=lambda name: self._urgency.rank(name, 0.0))

    def drop(self, analyzers: Collection[str]) -> list[tuple[int, str]]:
        """Take these analyzers off what waits: (clip, analyzer) for each that no worker will run."""
        if not analyzers:
            return []
        return [
            (flight.number, name)
            for flight in self.flights.values()
            for name in sorted(flight.waiting.keys() & analyzers, key=self.graph.place.__getitem__)
            if self._stop(flight, name)
        ]

    def drop_lost_clips(self) -> list[tuple[int, str, str]]:
        """(clip, analyzer, reason) for all that waits on clips that were lost while they were decoded."""
        return [
            (flight.number, name, flight.lost)
            for flight in self._lost.values()
            for name in flight.waiting
            if self._stop(flight, name)
        ]

    def _stop(self, flight: Flight, name: str) -> bool:
        """Let a task wait no more, until its outcome is recorded; False if it is at work."""
        progress = flight.waiting[name]
        if progress.running:
            return False
        flight.stop(progress)
        self._lane_of[name].discard(flight.number, name)
        return True

    def fed(self, number: int, fed: Fed) -> None:
        """Take note that an analyzer has read a chunk."""
        flight = self.flights[number]
        self._lane_of[fed.analyzer].discard(number, fed.analyzer)
        flight.fed(fed)
        self._moved(flight)

    def forgettable(self) -> list[tuple[int, str]]:
        """(clip, piece) for all that workers may let go of, each named once."""
        names, self._forgettable = self._forgettable, []
        return names

    def record(self, number: int, outcome: Outcome) -> bool:
        """Take note of an outcome; returns whether it was the last one on its clip."""
        flight = self.flights[number]
        self._lane_of[outcome.analyzer].discard(number, outcome.analyzer)
        flight.record(outcome)
        if outcome.analyze_s is not None:
            self._urgency.measured(outcome.analyzer, outcome.analyze_s)
        if not flight.finished:
            self._moved(flight)
            return False
        del self.flights[number]
        self._undecoded.discard(number)
        self._lost.pop(number, None)
        return True
