"""How a quality figure is declared, and what its function gets to see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from clipbench.analyzers.base import Segment, Settings
from clipbench.bench.quality.truth import Truth
from clipbench.plugins import Part


class NotLabelled(Exception):
    """Nothing to score: the truth has no such label, or the analyzer gave nothing that could be compared."""


@dataclass(frozen=True)
class Scored:
    """One analyzer's segments and settings, with the ground truth to compare them with."""

    segments: list[Segment]
    truth: Truth
    settings: Settings
    duration_s: float

    def labelled(self, key: str) -> Any:
        """The truth's labels under `key`. Raises NotLabelled if there are none."""
        labels = self.truth.labels.get(key)
        if not labels:
            raise NotLabelled(f"the ground truth labels no {key}")
        return labels

    def optional(self, key: str) -> list[dict[str, Any]]:
        """The truth's labels under `key`; an empty list if there are none."""
        labels: list[dict[str, Any]] = self.truth.labels.get(key, [])
        return labels

    def frame_size(self) -> np.ndarray:
        """The clip's [width, height] in pixels. Raises NotLabelled if the truth does not say them."""
        if self.truth.width is None or self.truth.height is None:
            raise NotLabelled("the ground truth does not say the clip's width and height")
        return np.array([self.truth.width, self.truth.height])

    def of(self, *labels: str) -> list[Segment]:
        """The segments with one of these labels."""
        return [s for s in self.segments if s.label in labels]

    def at(self, time_s: float) -> list[Segment]:
        """The segments that contain the moment `time_s`."""
        return [s for s in self.segments if s.start_s <= time_s + 1e-6 < s.end_s]

    def sample_times(self) -> np.ndarray:
        """The times, in seconds, at which the analyzer's settings had it read frames."""
        return np.arange(0.0, self.duration_s - 1e-6, 1.0 / vars(self.settings)["fps"])


@dataclass(frozen=True)
class Figure(Part):
    """A quality figure: what it says of which analyzer, its unit, and which direction is better.

    `reads` are the keys of the user's own that it reads from a truth file.
    """

    analyzer: str
    name: str
    unit: str
    better: Literal["lower", "higher"]
    meaning: str
    compute: Callable[[Scored], float]
    reads: tuple[str, ...] = ()

    @property
    def metric(self) -> str:
        """The figure's name in result.json and in targets."""
        return f"quality.{self.analyzer}.{self.name}"


def figure(
    analyzer: str,
    name: str,
    better: Literal["lower", "higher"],
    unit: str = "",
    reads: Sequence[str] = (),
) -> Callable[[Callable[[Scored], float]], Figure]:
    """Declare the decorated function as a quality figure; the first line of its docstring is the meaning.

    The decorated name becomes a `Figure`, and that is all: figures are found in the modules that hold them,
    so declaring one has no side effects. In `reads` a plugin's figure names the keys of its own that it reads
    from the truth.
    """

    def declare(compute: Callable[[Scored], float]) -> Figure:
        meaning = (compute.__doc__ or "").strip().partition("\n")[0]
        return Figure(analyzer, name, unit, better, meaning, compute, tuple(reads))

    return declare
