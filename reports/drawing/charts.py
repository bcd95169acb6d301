"""The small charts of reports, as numbers for the templates: x in percent of the width, y in pixels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import TYPE_CHECKING, TypeVar

from clipbench.bench.runs.results import TargetResult
from clipbench.reports import formatting
from clipbench.reports.drawing.axis import Axis, axis_around, limits_of

if TYPE_CHECKING:
    from clipbench.bench.comparing.comparison import Comparison

T = TypeVar("T")

#: A row of bars has at most this many; each is then as high as the highest value that it stands for.
MAX_BARS = 50
#: Heights, in pixels, of the dots of consecutive samples in a row, so that equal ones are all seen.
DOT_HEIGHTS = (8, 13, 18, 11, 16)


@dataclass(frozen=True)
class RepeatStrip:
    """The repeats of one metric: a dot (x, y, tooltip) for each, the first at the top, and quartiles."""

    axis: Axis
    height: int
    dots: list[tuple[float, float, str]]
    box: tuple[float, float]
    median: float


def repeat_strip(
    values: Sequence[float], target: TargetResult | None, what: str = "repeat", unit: str = ""
) -> RepeatStrip:
    """The values of a metric, at least two, with the limits of its target; `what` is what each is called."""
    axis = axis_around(values, target, unit)
    quartiles = quantiles(values, n=4, method="inclusive")
    height = min(max(44, 11 * len(values)), 240)
    step = (height - 16) / (len(values) - 1)
    return RepeatStrip(
        axis,
        height,
        dots=[
            (axis.place(value), round(8 + n * step, 1), f"{what} {n + 1}: {formatting.number(value, unit)}")
            for n, value in enumerate(values)
        ],
        box=(axis.place(quartiles[0]), axis.place(quartiles[2])),
        median=axis.place(median(values)),
    )


@dataclass(frozen=True)
class SampleRow:
    """The samples of one candidate: a dot (x, y, tooltip) for each, and their median."""

    name: str
    dots: list[tuple[float, int, str]]
    median: float
    median_text: str


@dataclass(frozen=True)
class SampleStrips:
    """The samples of each candidate of a comparison, on one axis."""

    axis: Axis
    rows: list[SampleRow]


def sample_strips(comparison: Comparison) -> SampleStrips | None:
    """Each candidate's samples of the metric that is compared; None where there are none."""
    row = next((row for row in comparison.metrics if row.metric == comparison.metric), None)
    if row is None or not any(value.samples for value in row.values.values()):
        return None
    everything = [x for value in row.values.values() for x in value.samples]
    targets = (t for targets in comparison.targets.values() for t in targets if t.metric == row.metric)
    axis = axis_around(everything, next(targets, None), row.unit)
    rows = []
    for name, value in row.values.items():
        if value.samples and value.value is not None:
            dots = [
                (
                    axis.place(x),
                    DOT_HEIGHTS[n % len(DOT_HEIGHTS)],
                    f"sample {n + 1}: {formatting.number(x, row.unit)}",
                )
                for n, x in enumerate(value.samples)
            ]
            middle = formatting.number(value.value, row.unit)
            rows.append(SampleRow(name, dots, axis.place(value.value), middle))
    return SampleStrips(axis, rows)


@dataclass(frozen=True)
class RepeatBar:
    """A bar from zero: place and size in percent."""

    x: float
    width: float
    height: float
    tooltip: str


def repeat_bars(values: Sequence[float]) -> list[RepeatBar]:
    """A bar for each of `values`, in seconds; with many, a bar for the highest of each few."""
    parts = list(evenly_split(values, MAX_BARS))
    most = max(values, default=0) or 1.0
    width = 100 / max(len(parts), 4)
    return [
        RepeatBar(
            x=round(n * width, 2),
            width=round(0.8 * width, 2),
            height=round(max(100 * high / most, 2), 1),
            tooltip=formatting.seconds(high),
        )
        for n, high in enumerate(map(max, parts))
    ]


def evenly_split(values: Sequence[T], most: int) -> Iterable[Sequence[T]]:
    """`values` in at most `most` parts; all but the last are equally long."""
    size = -(-len(values) // most)
    return (values[n : n + size] for n in range(0, len(values), size or 1))


@dataclass(frozen=True)
class Meter:
    """An observed value and the limits on it, in percent of a scale that starts at zero."""

    observed: float
    limits: list[float]


def meter(target: TargetResult) -> Meter | None:
    """The scale of a target; None where nothing was observed or a number is negative."""
    limits = limits_of(target)
    if target.observed is None or min(*limits, target.observed) < 0:
        return None
    most = max(100.0 if target.unit == "%" else 1.3 * max(limits), target.observed) or 1.0
    return Meter(round(100 * target.observed / most, 2), [round(100 * x / most, 2) for x in limits])
