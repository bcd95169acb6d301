"""Spans of time: of sampled frames, and how segments cover them."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Generic, TypeVar

from clipbench.analyzers.base import ClipFacts, Segment

if TYPE_CHECKING:
    import numpy as np

T = TypeVar("T")


def frame_spans(times_s: np.ndarray, clip: ClipFacts) -> list[tuple[float, float]]:
    """Start and end in seconds of each sampled frame, which lasts until the next one or the clip's end."""
    edges = [round(float(time), 6) for time in (*times_s, max(clip.duration_s, *times_s[-1:]))]
    return list(pairwise(edges))


def pieces(
    duration_s: float, borders_s: Sequence[float], step_s: float, least_s: float
) -> list[tuple[float, float]]:
    """`[0, duration_s)` in spans that end at each border and at the multiples of `step_s`.

    No span goes across a border. A multiple that is closer than `least_s` to a border or to the clip's ends
    does not count, so only stretches between two borders are shorter than that.
    """
    ends = [0.0, *sorted({at for at in borders_s if 0 < at < duration_s}), duration_s]
    found: list[tuple[float, float]] = []
    for start_s, end_s in pairwise(ends):
        first = math.ceil((start_s + least_s) / step_s - 1e-6)
        last = math.floor((end_s - least_s) / step_s + 1e-6)
        inner = [number * step_s for number in range(first, last + 1)]
        found += pairwise([start_s, *inner, end_s])
    return found


class Lookup(Generic[T]):
    """Things that last from a start to an end, looked up by time without going through all of them.

    Of things in order of time, only those are looked at that may overlap.
    """

    def __init__(self, things: Sequence[T], spans: Sequence[tuple[float, float]]) -> None:
        """`spans` has the start and end of each of `things`, in seconds."""
        self._things, self._spans = things, spans
        self._order = sorted(range(len(things)), key=lambda at: spans[at][0])
        self._starts = [spans[at][0] for at in self._order]
        # The latest end so far only grows: what begins before it has passed a time is over by then.
        self._ends = list(accumulate((spans[at][1] for at in self._order), max))

    def overlapping(self, start_s: float, end_s: float) -> list[T]:
        """Those that overlap `[start_s, end_s)`, in their own order."""
        first, stop = bisect_right(self._ends, start_s), bisect_left(self._starts, end_s)
        return [self._things[at] for at in sorted(self._order[first:stop]) if self._spans[at][1] > start_s]


def by_time(segments: Sequence[Segment]) -> Lookup[Segment]:
    """Segments, to be looked up by time."""
    return Lookup(segments, [(segment.start_s, segment.end_s) for segment in segments])


def covered_s(segments: Sequence[Segment], start_s: float, end_s: float) -> float:
    """For how many seconds of `[start_s, end_s)` there is at least one of the segments."""
    total, reached = 0.0, start_s
    for segment in sorted(segments, key=lambda s: s.start_s):
        begin, stop = max(segment.start_s, reached), min(segment.end_s, end_s)
        if stop > begin:
            total += stop - begin
            reached = stop
    return total
