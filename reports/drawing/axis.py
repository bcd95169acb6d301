"""A horizontal axis that places values in percent of its width, with round ticks and a target's limits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from clipbench.bench.runs.results import TargetResult
from clipbench.reports import formatting

#: A limit lies on the axis only where the values still take at least this fraction of it.
MIN_FRACTION = 0.3


@dataclass(frozen=True)
class Axis:
    """From `low` to `high`. `ticks` and `limits` are (x in percent, label).

    `beyond` says in a sentence which limits do not lie on the axis; "" where all do.
    """

    low: float
    high: float
    ticks: list[tuple[float, str]]
    limits: list[tuple[float, str]]
    beyond: str

    def place(self, value: float) -> float:
        """The x of `value`, in percent of the width."""
        return place(value, self.low, self.high)


def place(value: float, low: float, high: float) -> float:
    return round(100 * (value - low) / (high - low), 3)


def axis_around(values: Sequence[float], target: TargetResult | None = None, unit: str = "") -> Axis:
    """The axis on which all `values` (at least one) and the near limits of `target` lie, with some margin."""
    low, high = min(values), max(values)
    margin = max(0.1 * (high - low), 0.01 * abs(high), 1e-9)
    low, high = low - margin, high + margin
    limits = limits_of(target) if target else []
    near = [x for x in limits if high - low >= MIN_FRACTION * (max(high, x + margin) - min(low, x - margin))]
    low, high = min([low, *(x - margin for x in near)]), max([high, *(x + margin for x in near)])
    step = round_step((high - low) / 6)
    ticks = range(math.ceil(low / step), math.floor(high / step) + 1)
    return Axis(
        low,
        high,
        ticks=[(place(n * step, low, high), f"{n * step:g}") for n in ticks],
        limits=[(place(x, low, high), f"limit {formatting.number(x)}") for x in near],
        beyond=" ".join(
            f"The limit {formatting.number(x, unit)} lies beyond the {'right' if x > high else 'left'} end."
            for x in limits
            if x not in near
        ),
    )


def limits_of(target: TargetResult) -> list[float]:
    """The one limit of a target, or both of them."""
    return target.limit if isinstance(target.limit, list) else [target.limit]


def round_step(least: float) -> float:
    """The smallest of 1, 2, 5, 10, … (times a power of ten) that is not below `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * 0.999)
