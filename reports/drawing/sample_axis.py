"""The repeats of every side on one axis, as numbers for the template: x in percent of the width."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clipbench.reports import formatting
from clipbench.reports.drawing.timeline_layout import round_step

if TYPE_CHECKING:
    from clipbench.bench.comparing.comparison import Comparison

#: Rows, in pixels down: where the dots of repeats that follow each other go, so that equal ones are all seen.
DOTS = (8, 13, 18, 11, 16)
#: A limit is on the axis only where the repeats still take at least this share of it.
SHARE = 0.3


@dataclass(frozen=True)
class Strips:
    """`rows` are (side, [(x, y, tooltip)], x of the median, the median in words); `limits` (x, label), with
    what lies outside of the axis in words in `beyond`."""

    rows: list[tuple[str, list[tuple[float, int, str]], float, str]]
    ticks: list[tuple[float, str]]
    limits: list[tuple[float, str]]
    beyond: str


def strips(comparison: Comparison) -> Strips | None:
    """Every side's samples of the metric that the comparison is about; None where there are none."""
    row = next((row for row in comparison.rows if row.metric == comparison.metric), None)
    values = {name: m for name, m in row.values.items() if m.samples} if row else {}
    if not values:
        return None
    everything = [x for m in values.values() for x in m.samples]
    low, high = min(everything), max(everything)
    room = max(0.06 * (high - low), 0.01 * abs(high), 1e-9)
    low, high = low - room, high + room
    target = next((t for ts in comparison.targets.values() for t in ts if t.metric == row.metric), None)
    limits = target.limit if target and isinstance(target.limit, list) else [target.limit] if target else []
    near = [x for x in limits if high - low >= SHARE * (max(high, x + room) - min(low, x - room))]
    far = [x for x in limits if x not in near]
    low, high = min([low, *(x - room for x in near)]), max([high, *(x + room for x in near)])

    def place(value: float) -> float:
        return round(100 * (value - low) / (high - low), 3)

    step = round_step((high - low) / 6)
    first, last = math.ceil(low / step), math.floor(high / step)
    return Strips(
        rows=[
            (
                name,
                [
                    (place(x), DOTS[n % len(DOTS)], f"repeat {n + 1}: {formatting.number(x, row.unit)}")
                    for n, x in enumerate(m.samples)
                ],
                place(m.value),
                formatting.number(m.value, row.unit),
            )
            for name, m in values.items()
        ],
        ticks=[(place(n * step), f"{n * step:g}") for n in range(first, last + 1)],
        limits=[(place(x), f"limit {formatting.number(x)}") for x in near],
        beyond=", ".join(
            f"The limit, {formatting.number(x, row.unit)}, "
            f"is {'right' if x > high else 'left'} of what is shown."
            for x in far
        ),
    )
