"""What a quality figure is, and the counting that several share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from clipbench.analyzers.base import Segment, Settings


class NotLabelled(Exception):
    """The truth has nothing to score this figure against, or the analyzer gave nothing that could be."""


@dataclass(frozen=True)
class Scored:
    """One analyzer's segments, and what they are to be compared with."""

    segments: list[Segment]
    truth: Mapping[str, Any]
    settings: Settings
    duration_s: float

    def labelled(self, key: str) -> Any:
        """`truth[key]`; raises NotLabelled where it is missing or empty."""
        if not self.truth.get(key):
            raise NotLabelled(f"the ground truth labels no {key}")
        return self.truth[key]

    def of(self, *labels: str) -> list[Segment]:
        """The segments with one of these labels."""
        return [s for s in self.segments if s.label in labels]

    def at(self, time_s: float) -> list[Segment]:
        """The segments that hold at `time_s`."""
        return [s for s in self.segments if s.start_s <= time_s + 1e-6 < s.end_s]

    def sample_times(self) -> np.ndarray:
        """The times at which an analyzer of frames looked."""
        return np.arange(0.0, self.duration_s - 1e-6, 1.0 / self.settings.fps)


@dataclass(frozen=True)
class Figure:
    """A declaration: what is computed of which analyzer, and which direction is better."""

    analyzer: str
    name: str
    unit: str
    better: Literal["lower", "higher"]
    meaning: str
    compute: Callable[[Scored], float]

    @property
    def metric(self) -> str:
        """The name under which it stands in result.json."""
        return f"quality.{self.analyzer}.{self.name}"


FIGURES: list[Figure] = []


def figure(analyzer: str, name: str, better: Literal["lower", "higher"], unit: str = "") -> Callable:
    """Declare the decorated function as a figure; the first line of its docstring is the meaning."""

    def declare(compute: Callable[[Scored], float]) -> Callable[[Scored], float]:
        meaning = (compute.__doc__ or "").strip().splitlines()[0]
        FIGURES.append(Figure(analyzer, name, unit, better, meaning, compute))
        return compute

    return declare


def overlap(a_start: float, a_end: float, b_start: float, b_end: float) -> float:
    """Seconds that two intervals share."""
    return max(0.0, min(a_end, b_end) - max(a_start, b_start))


def f1(matches: int, found: int, expected: int) -> float:
    """Harmonic mean of precision and recall; 1 where nothing was expected and nothing found."""
    return 2 * matches / (found + expected) if found + expected else 1.0


def match(
    found: Sequence, expected: Sequence, cost: Callable[[Any, Any], float | None]
) -> list[tuple[int, int]]:
    """The one-to-one pairs (found, expected) of least total cost; None forbids a pair."""
    from scipy.optimize import linear_sum_assignment

    if not found or not expected:
        return []
    forbidden = 1e6
    costs = np.array([[forbidden if (c := cost(f, e)) is None else c for e in expected] for f in found])
    rows, columns = linear_sum_assignment(costs)
    return [(int(r), int(c)) for r, c in zip(rows, columns, strict=True) if costs[r, c] < forbidden]


def match_times(found: Sequence[float], expected: Sequence[float], tolerance_s: float) -> int:
    """How many times agree one to one within `tolerance_s`."""
    near = lambda f, e: abs(f - e) if abs(f - e) <= tolerance_s + 1e-9 else None  # noqa: E731
    return len(match(found, expected, near))


def majority(pieces: Sequence[tuple[float, float, str]], start_s: float, end_s: float) -> str | None:
    """The label that covers most of `[start_s, end_s)`, or None where none does."""
    seconds: dict[str, float] = {}
    for a, b, label in pieces:
        seconds[label] = seconds.get(label, 0.0) + overlap(a, b, start_s, end_s)
    best = max(seconds, key=seconds.get, default=None)
    return best if best is not None and seconds[best] > 0 else None


def iou(a: Sequence[float], b: Sequence[float]) -> float:
    """Intersection over union of two boxes [x1, y1, x2, y2]."""
    w = min(a[2], b[2]) - max(a[0], b[0])
    h = min(a[3], b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.0
    area = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return w * h / (area - w * h)


def sample_at(samples: Sequence[Mapping[str, Any]], time_s: float, step_s: float) -> Mapping[str, Any] | None:
    """The truth sample nearest to `time_s`, no farther than `step_s` from it."""
    best = min(samples, key=lambda s: abs(s["time_s"] - time_s), default=None)
    return best if best is not None and abs(best["time_s"] - time_s) <= step_s else None
