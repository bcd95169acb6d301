"""rates.html: latency against the rate of clips, in one file that loads nothing from elsewhere."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from clipbench.bench.sweeping.rate_search import RateSearch
from clipbench.reports import formatting
from clipbench.reports.drawing.axis import Axis, axis_around, place, round_step
from clipbench.reports.drawing.html_page import template_environment
from clipbench.reports.rates import wording

#: The height of the chart in pixels, and the part of it that the highest latency takes.
HEIGHT, TOP = 280, 0.92


@dataclass(frozen=True)
class Point:
    """A latency that was measured at a rate: x in percent, y in pixels."""

    x: float
    y: float
    kept: bool
    tooltip: str


@dataclass(frozen=True)
class Curve:
    """A percentile at all rates; `lines` join neighbours, (x1, y1, x2, y2) each."""

    name: str
    points: list[Point]
    lines: list[tuple[float, float, float, float]]


@dataclass(frozen=True)
class Chart:
    """Latency against rate. `limit` is the y of the limit, `ticks` are (y, label), and `crosses` the rates
    at which the percentile that decides has no value: (x, why)."""

    axis: Axis
    height: int
    curves: list[Curve]
    ticks: list[tuple[float, str]]
    limit: float
    crosses: list[tuple[float, str]]


def render(search: RateSearch) -> str:
    """The page."""
    environment = search.environment and formatting.environment_rows(search.environment)
    return (
        template_environment()
        .get_template("rates.html.j2")
        .render(
            search=search,
            answer=wording.answer(search),
            limit=wording.limit(search),
            heads=wording.HEADS,
            rows=wording.rows(search),
            chart=chart(search) if search.tries else None,
            environment=environment or [],
        )
    )


def chart(search: RateSearch) -> Chart:
    """The curves of a search in which at least one rate was tried."""
    tries = sorted(search.tries, key=lambda one: one.rate)
    axis = axis_around([one.rate for one in tries])
    latencies = [value for one in tries for value in one.latency.values() if value is not None]
    most = max([search.latency_limit_s, *latencies]) / TOP
    step = round_step(most / 5)

    def y(value: float) -> float:
        return round(HEIGHT - HEIGHT * place(value, 0.0, most) / 100, 2)

    curves = []
    for name in ("50", "95", "99"):
        points = [
            Point(axis.place(one.rate), y(value), one.kept, tooltip(name, one.rate, value))
            for one in tries
            if (value := one.latency.get(name)) is not None
        ]
        if points:
            lines = [(a.x, a.y, b.x, b.y) for a, b in itertools.pairwise(points)]
            curves.append(Curve(f"p{name}", points, lines))
    return Chart(
        axis=axis,
        height=HEIGHT,
        curves=curves,
        ticks=[(y(n * step), f"{n * step:g} s") for n in range(1, int(most / step) + 1)],
        limit=y(search.latency_limit_s),
        crosses=[
            (axis.place(one.rate), f"{one.rate:g} clips per second: {one.reason}")
            for one in tries
            if one.latency.get(str(search.percentile)) is None
        ],
    )


def tooltip(percentile: str, rate: float, value: float) -> str:
    """What a point of a curve says."""
    return f"p{percentile} at {rate:g} clips per second: {formatting.seconds(value)}"
