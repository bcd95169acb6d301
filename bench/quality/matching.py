"""Matching and counting that several quality figures share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from clipbench.analyzers.base import Segment

F = TypeVar("F")
E = TypeVar("E")
#: Length of a frame of `frames_in`.
FRAME_S = 0.01


def overlap(a_start: float, a_end: float, b_start: float, b_end: float) -> float:
    """Seconds that two intervals share."""
    return max(0.0, min(a_end, b_end) - max(a_start, b_start))


def temporal_iou(found: Segment, labelled: Mapping[str, Any]) -> float:
    """Intersection over union, in time, of a segment and a labelled interval."""
    both = overlap(found.start_s, found.end_s, labelled["start_s"], labelled["end_s"])
    apart = (found.end_s - found.start_s) + (labelled["end_s"] - labelled["start_s"]) - both
    return both / apart if apart > 0 else 1.0


def f1(matches: int, found: int, expected: int) -> float:
    """Harmonic mean of precision and recall; 1 if nothing was expected and nothing found."""
    return 2 * matches / (found + expected) if found + expected else 1.0


def match(
    found: Sequence[F], expected: Sequence[E], cost: Callable[[F, E], float | None]
) -> list[tuple[int, int]]:
    """The one-to-one pairs of least total cost, as indices (found, expected); None as cost forbids a pair."""
    from scipy.optimize import linear_sum_assignment

    if not found or not expected:
        return []
    forbidden = 1e6
    costs = np.array([[forbidden if (c := cost(f, e)) is None else c for e in expected] for f in found])
    rows, columns = linear_sum_assignment(costs)
    return [(int(r), int(c)) for r, c in zip(rows, columns, strict=True) if costs[r, c] < forbidden]


def match_times(found: Sequence[float], expected: Sequence[float], tolerance_s: float) -> int:
    """How many times agree one to one within `tolerance_s`."""

    def near(f: float, e: float) -> float | None:
        return abs(f - e) if abs(f - e) <= tolerance_s + 1e-9 else None

    return len(match(found, expected, near))


def majority(pieces: Sequence[tuple[float, float, str]], start_s: float, end_s: float) -> str | None:
    """The label that covers most of `[start_s, end_s)`, or None if no label does."""
    seconds: dict[str, float] = {}
    for a, b, label in pieces:
        seconds[label] = seconds.get(label, 0.0) + overlap(a, b, start_s, end_s)
    best = max(seconds, key=lambda label: seconds[label], default=None)
    return best if best is not None and seconds[best] > 0 else None


def frames_in(intervals: list[tuple[float, float]], duration_s: float) -> np.ndarray:
    """Which 10 ms frames lie in one of the intervals: bool `[frames]`."""
    centres = np.arange(0, duration_s, FRAME_S) + FRAME_S / 2
    inside = np.zeros(len(centres), bool)
    for start_s, end_s in intervals:
        inside |= (centres >= start_s) & (centres < end_s)
    return inside


def iou(a: Sequence[float], b: Sequence[float]) -> float:
    """Intersection over union of two boxes [x1, y1, x2, y2]."""
    w = min(a[2], b[2]) - max(a[0], b[0])
    h = min(a[3], b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.0
    area = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return w * h / (area - w * h)
