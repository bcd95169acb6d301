"""What is ready, in the order in which it is to be started: kept in order, so that nobody sorts it anew."""

from __future__ import annotations

import heapq
from bisect import insort
from collections.abc import Callable
from typing import TypeAlias

from clipbench.executors.graph import Graph, Urgency

#: Its rank by urgency, the analyzer's place in the plan, which decides between equals, and its name.
Entry: TypeAlias = tuple[float, int, str]


class Queue:
    """The ready tasks of one clip: analyzer → seconds spent on it before.

    They are put in order when somebody first looks. What changes afterwards is added to the order, and what
    it replaces is passed over.
    """

    def __init__(self, graph: Graph, urgency: Urgency) -> None:
        self._graph, self._urgency = graph, urgency
        self.spent_s: dict[str, float] = {}
        self._entries: dict[str, Entry] = {}
        self._order: list[Entry] = []

    def put(self, analyzer: str, spent_s: float) -> None:
        """Have a task in the queue."""
        self.spent_s[analyzer] = spent_s
        if self._entries:
            heapq.heappush(self._order, self._entry(analyzer))

    def _entry(self, analyzer: str) -> Entry:
        key = self._urgency.rank(analyzer, self.spent_s[analyzer])
        self._entries[analyzer] = entry = (key, self._graph.place[analyzer], analyzer)
        return entry

    def changed(self, analyzer: str) -> None:
        """The urgency of an analyzer has changed."""
        if analyzer in self._entries:
            heapq.heappush(self._order, self._entry(analyzer))

    def discard(self, analyzer: str) -> None:
        """Have a task no more."""
        self.spent_s.pop(analyzer, None)
        self._entries.pop(analyzer, None)

    def first(self, holds: Callable[[str], bool]) -> Entry | None:
        """The most urgent task that somebody `holds` the analyzer of."""
        if not self._entries:
            self._order = [self._entry(analyzer) for analyzer in self.spent_s]
            heapq.heapify(self._order)
        others: list[Entry] = []
        found = None
        while self._order and found is None:
            entry = self._order[0]
            if self._entries.get(entry[2]) == entry and holds(entry[2]):
                found = entry
            elif self._entries.get(entry[2]) == entry:
                others.append(heapq.heappop(self._order))
            else:
                heapq.heappop(self._order)
        for entry in others:
            heapq.heappush(self._order, entry)
        return found


class Lane:
    """The ready tasks of those analyzers that the same workers hold: the oldest clip first."""

    def __init__(self, graph: Graph, urgency: Urgency) -> None:
        self._graph, self._urgency = graph, urgency
        self._clips: list[int] = []
        self._queues: dict[int, Queue] = {}

    def put(self, clip: int, analyzer: str, spent_s: float) -> None:
        """Have a task on a clip in the lane."""
        if clip not in self._queues:
            insort(self._clips, clip)
            self._queues[clip] = Queue(self._graph, self._urgency)
        self._queues[clip].put(analyzer, spent_s)

    def discard(self, clip: int, analyzer: str) -> None:
        """Have a task on a clip no more: it is taken, or will not be run."""
        if (queue := self._queues.get(clip)) is not None:
            queue.discard(analyzer)
            if not queue.spent_s:
                self._clips.remove(clip)
                del self._queues[clip]

    def changed(self, analyzer: str) -> None:
        """The urgency of an analyzer has changed."""
        for queue in self._queues.values():
            queue.changed(analyzer)

    def first(self, holds: Callable[[str], bool]) -> tuple[int, Entry] | None:
        """The clip and the task that come first of those that somebody `holds` the analyzer of."""
        for clip in self._clips:
            if (entry := self._queues[clip].first(holds)) is not None:
                return clip, entry
        return None
