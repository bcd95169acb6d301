"""What was sampled during a run, as curves along its time, with its phases and passes beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from clipbench.bench.runs.results import Result
from clipbench.bench.runs.serving import Served
from clipbench.bench.runs.utilization import union
from clipbench.executors.base import Span
from clipbench.reports import formatting
from clipbench.reports.drawing.axis import round_step
from clipbench.reports.drawing.charts import evenly_split
from clipbench.reports.drawing.passes import run_end
from clipbench.reports.drawing.telemetry_series import Series, all_series, not_sampled
from clipbench.reports.drawing.timeline_svg import PassMark, pass_marks

#: A curve has at most this many steps; each is then as high as the highest value that it stands for.
MAX_STEPS = 800
#: Gaps of a phase up to this many seconds are too short to be seen, and are not drawn.
INVISIBLE_GAP_S = 0.001
#: Name of a row → the phases in it.
PHASE_ROWS = {
    "start-up": ("spawn", "import", "load"),
    "decode": ("decode",),
    "analyze": ("analyze",),
    "cleanup": ("cleanup",),
}


@dataclass(frozen=True)
class Curve:
    """A series to draw: `area` and `line` are SVG paths in a box of 1000 × 100; `top` labels its height."""

    name: str
    summary: str
    top: str
    area: str
    line: str


@dataclass(frozen=True)
class PhaseRow:
    """When any worker was in a phase: `places` are (x, width) in percent, `fill` the phase to colour as."""

    name: str
    fill: str
    places: list[tuple[float, float]]


@dataclass(frozen=True)
class OverTime:
    """All that the section "over time" draws. `ticks` are (x, label), `not_sampled` (names, reason)."""

    curves: list[Curve]
    phases: list[PhaseRow]
    passes: list[PassMark]
    ticks: list[tuple[float, str]]
    not_sampled: list[tuple[str, str]]


def over_time(result: Result) -> OverTime:
    """All sampled series of a run, on one time axis with its phases."""
    series = [*queue_series(result.served), *all_series(result.telemetry)]
    end = max([run_end(result), *(one.times_s[-1] for one in series)])
    cores = result.environment.cores_allowed
    step = round_step(end / 8)
    return OverTime(
        curves=[curve(one, end, cores) for one in series],
        phases=phase_rows(result.spans, end),
        passes=pass_marks(result, (0.0, end), end),
        ticks=[(round(100 * n * step / end, 3), f"{n * step:g} s") for n in range(int(end / step) + 1)],
        not_sampled=not_sampled(result.telemetry),
    )


def curve(series: Series, end: float, cores: int) -> Curve:
    """One series as steps: a value stands for the time since the sample before it."""
    pairs = list(zip(series.times_s, series.values, strict=True))
    steps = [(part[-1][0], max(v for _, v in part)) for part in evenly_split(pairs, MAX_STEPS)]
    top = max(v for _, v in steps) or 1.0
    top = 100.0 if series.unit == "%" else max(top, cores) if series.unit == "cores" else 1.08 * top
    path = "".join(f"V{100 - 100 * min(v / top, 1):.1f}H{1000 * t / end:.1f}" for t, v in steps)
    since = series.times_s[1] - series.times_s[0] if len(series.times_s) > 1 else 0.0
    first = 1000 * max(series.times_s[0] - since, 0) / end
    start = f"M{first:.1f} 100"
    most = formatting.number(max(series.values), series.unit)
    summary = f"{formatting.number(mean(series.values))} on average, {most} at most"
    return Curve(
        series.name, summary, formatting.number(top, series.unit), f"{start}{path}V100Z", f"{start}{path}"
    )


def queue_series(served: Served | None) -> list[Series]:
    """How many clips had arrived and were not done, if clips arrived one after another."""
    if served is None or not served.queue.times_s:
        return []
    lengths = tuple(float(length) for length in served.queue.clips)
    return [Series("queue", "clips", tuple(served.queue.times_s), lengths)]


def phase_rows(spans: Sequence[Span], end: float) -> list[PhaseRow]:
    """When any worker started up, decoded, analyzed and cleaned up."""
    rows = []
    for name, phases in PHASE_ROWS.items():
        times = union(((s.start_s, s.end_s) for s in spans if s.phase in phases), INVISIBLE_GAP_S)
        if times:
            places = [(round(100 * a / end, 3), round(100 * (b - a) / end, 3)) for a, b in times]
            rows.append(PhaseRow(name, phases[-1], places))
    return rows
