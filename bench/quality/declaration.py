"""How a quality figure is declared, and what its function gets to see."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from clipbench.analyzers.base import Segment, Settings
from clipbench.bench.quality.labelled_times import Stretch, inside, runs, stated
from clipbench.bench.quality.truth import Truth
from clipbench.plugins import Part

#: What a frame shows is an answer for moments that are at most this far from it, in seconds.
NEAR_S = 0.5


class NotLabelled(Exception):
    """Nothing to score: the truth has no such label. A target on the figure is not measured."""


class NothingFound(Exception):
    """The analyzer gave nothing that could be compared with what the truth has: its targets are missed."""


@dataclass(frozen=True)
class Scored:
    """One analyzer's segments and settings, with the ground truth to compare them with."""

    segments: list[Segment]
    truth: Truth
    settings: Settings
    duration_s: float

    def labelled(self, key: str) -> Any:
        """The truth's labels under `key`, which may be empty: that nothing is there is a label too.

        Raises NotLabelled if the truth has no such key, or null.
        """
        labels = self.truth.labels.get(key)
        if labels is None:
            raise NotLabelled(f"the ground truth labels no {key}")
        return labels

    def has(self, key: str) -> bool:
        """Whether the truth labels `key`."""
        return self.truth.labels.get(key) is not None

    def optional(self, key: str) -> list[dict[str, Any]]:
        """The truth's labels under `key`; an empty list if it has no such key."""
        labels: list[dict[str, Any]] | None = self.truth.labels.get(key)
        return labels or []

    def stretches(self, key: str) -> list[Stretch]:
        """The stretches in which the truth labels `key`: the whole clip unless its `labelled` says less."""
        said = stated(self.truth.labels, key)
        return [(0.0, self.duration_s)] if said is None else said[1]

    def within(self, key: str, segments: Sequence[Segment]) -> list[Segment]:
        """Those of the segments that lie, at least in part, where the truth labels `key`."""
        stretches = self.stretches(key)
        if stretches == [(0.0, self.duration_s)]:
            return list(segments)  # also what begins after the end, by a rounding
        return [
            s
            for s in segments
            if inside(s.start_s, stretches) or any(s.start_s < a < s.end_s for a, _ in stretches)
        ]

    def times(self, key: str, samples: Iterable[float]) -> list[float]:
        """The moments at which findings are compared with labels that have samples at these times.

        `labelled` in the truth names moments and stretches for `key`. Without it, neighbouring samples make
        a stretch and lone ones are moments; where there is no sample, the whole clip is labelled as empty. In
        a stretch, the moments are those at which the analyzer sampled frames, and one for each second that it
        did not look at. Of several moments that are nearest to one sampled frame, the nearest one counts.
        """
        samples = list(samples)
        said = stated(self.truth.labels, key)
        moments, stretches = said if said is not None else runs(samples)
        if said is None and not samples:
            stretches = [(0.0, self.duration_s)]
        nearest: dict[float, float] = {}  # sampled time → the moment
        for moment in moments:
            frame = self.sample_of(moment) if self.was_looked_at(moment) else moment
            if frame not in nearest or abs(moment - frame) < abs(nearest[frame] - frame):
                nearest[frame] = moment
        found = [*self.sample_times().tolist(), *self.unseen()] if stretches else []
        return sorted({*nearest.values(), *(t for t in found if inside(t, stretches))})

    def unseen(self) -> list[float]:
        """Moments, one for each second, that no sampled frame is near to."""
        seconds = np.arange(0.0, self.duration_s - 1e-6, 2 * NEAR_S).tolist()
        return [time_s for time_s in seconds if not self.was_looked_at(time_s)]

    def was_looked_at(self, time_s: float) -> bool:
        """Whether a frame was sampled at most NEAR_S from `time_s`."""
        return float(np.abs(self.sample_times() - time_s).min()) <= NEAR_S + 1e-6

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

    def near(self, time_s: float) -> list[Segment]:
        """What was found in the sampled frame of `time_s`.

        A frame is rarely exactly at the time that it was asked for, so the segments are those in the middle
        of the time that it stands for. Nothing, where no frame was sampled near it.
        """
        if not self.was_looked_at(time_s):
            return []
        start_s = self.sample_of(time_s)
        end_s = min(start_s + 1.0 / vars(self.settings)["fps"], self.duration_s)
        return self.at((start_s + end_s) / 2)

    def sample_of(self, time_s: float) -> float:
        """The sampled time nearest to `time_s`, in the same shot (by the cuts) if one is there."""
        times = self.sample_times()
        cuts = sorted(cut["time_s"] for cut in self.optional("cuts"))
        same = np.searchsorted(cuts, times, "right") == np.searchsorted(cuts, time_s, "right")
        times = times[same] if same.any() else times
        return float(times[np.abs(times - time_s).argmin()])

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
