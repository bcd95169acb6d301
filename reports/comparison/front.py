"""Latency against cost, for every kind of report: the rows of a table, and the chart as numbers."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clipbench.bench.comparing.pareto import WORDS
from clipbench.reports import formatting
from clipbench.reports.drawing.axis import Axis, axis_around, place, round_step

if TYPE_CHECKING:
    from clipbench.bench.comparing.comparison import Comparison
    from clipbench.bench.comparing.pareto import Front, Point

#: The heading over it, which says that all of it is predicted.
TITLE = "predicted: latency against cost"
#: The height of the chart in pixels, and the part of it that the highest latency takes.
HEIGHT, TOP = 260, 0.92
#: Unit → how what a clip costs is counted, in a sentence.
COUNTED = {
    "price": "The cost is what machine.price_per_hour comes to for 1000 clips, for as long as the machine is "
    "held",
    "GPU-seconds": "Not every machine has a price (machine.price_per_hour), so the cost is all GPUs of the "
    "machine × the seconds for which it is held",
    "core-seconds": "Not every machine has a price (machine.price_per_hour), so the cost is all cores of the "
    "machine × the seconds for which it is held",
}


@dataclass(frozen=True)
class Dot:
    """A candidate in the chart: x in percent, y in pixels, and its number in the table."""

    x: float
    y: float
    number: int
    best: bool
    tooltip: str


@dataclass(frozen=True)
class Chart:
    """Latency (y, in pixels) against cost; `steps` are the lines of the front, (x1, y1, x2, y2) each."""

    axis: Axis
    height: int
    dots: list[Dot]
    steps: list[tuple[float, float, float, float]]
    ticks: list[tuple[float, str]]


def heads(front: Front) -> list[str]:
    """The heads of the table."""
    latency = front.latency if front.latency.startswith("latency") else "a clip"
    return ["", "candidate", latency, WORDS[front.unit], "on the front"]


def row(number: int, point: Point) -> list[str]:
    """The row of a candidate."""
    place = f"no: {point.beaten_by} is no slower and costs no more" if point.beaten_by else "yes"
    if point.barred:
        place += f"; cannot be recommended: {point.barred}"
    latency, cost = formatting.seconds(point.latency_s), formatting.number(point.cost)
    return [str(number), point.candidate, latency, cost, place]


def rows(front: Front) -> list[list[str]]:
    """The table: the candidates by latency, the fastest first."""
    return [row(number, point) for number, point in enumerate(front.points, start=1)]


def legend(comparison: Comparison, front: Front) -> str:
    """What latency and cost are, and how near two points have to be to be alike."""
    latency = (
        f"The latency is {front.latency}, from a clip's arrival to its last outcome"
        if front.latency.startswith("latency")
        else "The latency is the seconds of a clip from its beginning to its last outcome"
    )
    held = "from the first clip that counts to the last outcome, idle time included"
    error = 100 * max(floor.value for floor in comparison.noise.values())
    return (
        f"{latency}. {COUNTED[front.unit]}, {held}. On the front is what no other beats in one without "
        f"being worse in the other. Points that are nearer than {error:.2g} %, the error of the costs, may "
        "change places."
    )


def chart(front: Front) -> Chart | None:
    """The chart; None where nothing can be placed."""
    if not front.points:
        return None
    axis = axis_around([point.cost for point in front.points])
    most = max(point.latency_s for point in front.points) / TOP
    step = round_step(most / 5)

    def y(value: float) -> float:
        return round(HEIGHT - HEIGHT * place(value, 0.0, most) / 100, 2)

    dots = [
        Dot(
            axis.place(point.cost),
            y(point.latency_s),
            number,
            not point.beaten_by,
            f"{point.candidate}: {formatting.seconds(point.latency_s)}, {formatting.number(point.cost)} "
            f"({WORDS[front.unit]})",
        )
        for number, point in enumerate(front.points, start=1)
    ]
    best = sorted(((dot.x, dot.y) for dot in dots if dot.best), key=lambda at: (at[0], -at[1]))
    steps = []
    for (x1, y1), (x2, y2) in itertools.pairwise(best):
        steps += [(x1, y1, x2, y1), (x2, y1, x2, y2)]
    ticks = [(y(n * step), f"{n * step:g} s") for n in range(1, int(most / step) + 1)]
    return Chart(axis, HEIGHT, dots, steps, ticks)
