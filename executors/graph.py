"""Who waits for whom: the tasks of a plan as a graph, made once for all clips, and what is urgent in it."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import ClassVar

from clipbench.executors.layout import Task

#: Seconds that an analyzer is taken to need before it was measured.
UNKNOWN_S = 1.0


class Graph:
    """The tasks of a plan, each after those that it waits for.

    By analyzer: its `place` in that order, the analyzers that it `waits_for`, whether for their results or
    only for their end, and its `readers`, which wait for it.
    """

    def __init__(self, tasks: Sequence[Task]) -> None:
        self.tasks = tuple(tasks)
        self.names = [task.analyzer for task in self.tasks]
        self.place = {name: place for place, name in enumerate(self.names)}
        self.waits_for = {task.analyzer: frozenset((*task.upstream, *task.after)) for task in self.tasks}
        self.readers: dict[str, list[str]] = {name: [] for name in self.names}
        for reader in self.names:
            for name in self.waits_for[reader]:
                self.readers[name].append(reader)


class Urgency:
    """How urgent each analyzer is: the seconds from its start to the end of all that waits for it.

    Durations are those that were measured last. Longest remaining path first: R. L. Graham, Bounds on
    Multiprocessing Timing Anomalies, 1969.
    """

    #: Whether a clip may be begun before the one before it is finished.
    several_clips: ClassVar[bool] = True

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._own_s = dict.fromkeys(graph.names, UNKNOWN_S)
        self._after_s = dict.fromkeys(graph.names, 0.0)  # the most urgent of its readers
        self._of = dict.fromkeys(graph.names, 0.0)
        self._measured: set[str] = set(graph.names)
        self.update()

    def __getitem__(self, analyzer: str) -> float:
        return self._of[analyzer]

    def rank(self, analyzer: str, spent_s: float) -> float:
        """What ready tasks are ordered by, the lowest first; so much time was spent on this one before."""
        return spent_s - self._of[analyzer]

    def measured(self, analyzer: str, seconds: float) -> None:
        """Take note of how long an analyzer has taken; it counts from the next `update` on."""
        self._own_s[analyzer] = seconds
        self._measured.add(analyzer)

    def update(self) -> list[str]:
        """The analyzers whose urgency has changed by what was measured since the last time.

        It goes from those that were measured towards the beginning, and no further than something changes.
        """
        if not self._measured:
            return []
        place, names, waits_for = self._graph.place, self._graph.names, self._graph.waits_for
        left = [-place[name] for name in self._measured]  # the last of the graph first
        heapq.heapify(left)
        queued, changed = self._measured, []
        self._measured = set()
        while left:
            name = names[-heapq.heappop(left)]
            before, now = self._of[name], self._own_s[name] + self._after_s[name]
            if now == before:
                continue
            self._of[name] = now
            changed.append(name)
            for earlier in waits_for[name]:
                if self._passed_on(earlier, before, now) and earlier not in queued:
                    queued.add(earlier)
                    heapq.heappush(left, -place[earlier])
        return changed

    def _passed_on(self, analyzer: str, before: float, now: float) -> bool:
        """Whether it changes what comes after an analyzer that one of its readers has become this urgent."""
        most = self._after_s[analyzer]
        if now < most and before < most:
            return False  # another reader is more urgent
        if now < most:
            now = max(self._of[reader] for reader in self._graph.readers[analyzer])
        self._after_s[analyzer] = now
        return now != most


class PlanOrder(Urgency):
    """No analyzer is more urgent than another: they go on in the order of the plan, one clip at a time."""

    several_clips = False

    def rank(self, analyzer: str, spent_s: float) -> float:
        return 0.0
