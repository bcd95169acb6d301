"""Where the bars of a timeline go, in percent of its width and pixels down; and which passes to look at."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median_low
from typing import Any

from clipbench.bench.runs.results import Result
from clipbench.reports import formatting
from clipbench.reports.drawing import bars
from clipbench.reports.run.timeline import bursts, busy_share, default_window, make_rows, run_end

#: Pixels: a bar, the line with a worker's name above its bars, the gap below them; the axis at the top, and
#: the names of passes below it.
BAR, NAME, GAP, AXIS, PASS = 24, 20, 10, 28, 10
#: In percent of the width: a bar narrower than this has no edge, one narrower than that no label.
THIN, LABELLED = 0.3, 3.5
#: A timeline has at most so many bars.
MOST = 3000
#: How much wider the timeline can be made; for each there is an axis with about so many ticks more.
ZOOMS = (1, 4, 16)
TICKS = 8


@dataclass(frozen=True)
class Bar:
    """One span in its row: `x` and `width` in percent, `y` in pixels."""

    x: float
    width: float
    y: int
    label: str
    tooltip: str
    phase: str
    fill: str
    ink: str
    failed: bool

    @property
    def thin(self) -> bool:
        return self.width < THIN

    @property
    def solid(self) -> bool:
        return self.phase == "analyze"

    @property
    def zoom(self) -> int | None:
        """The zoom from which there is room for the label."""
        return next((zoom for zoom in ZOOMS if self.width * zoom >= LABELLED), None)


@dataclass(frozen=True)
class Row:
    """One worker; `y` and `height` in pixels."""

    worker: str
    busy: str
    y: int
    height: int
    bars: list[Bar]


@dataclass(frozen=True)
class Timeline:
    """All that timeline.svg.j2 draws.

    `ticks` are (x in percent, label, zoom from which it is shown), `passes` (x, width, label).
    """

    description: str
    height: int
    end: float
    rows: list[Row]
    ticks: list[tuple[float, str, int]]
    passes: list[tuple[float, float, str]]
    phases: list[str]


def typical_pass(result: Result) -> tuple[float, float]:
    """The measured pass (or queue of clips) of median length; else what timeline.png looks at."""
    measured = [p for p in bursts(result) if not p["warmup"]]
    if not measured:
        return default_window(result)
    length = median_low([p["end_s"] - p["start_s"] for p in measured])
    chosen = next(p for p in measured if p["end_s"] - p["start_s"] == length)
    return chosen["start_s"], chosen["end_s"]


def windows(result: Result) -> list[tuple[str, tuple[float, float]]]:
    """What a reader may want to look at, by name: the typical pass, the slowest, the cold one, all."""
    passes, end = bursts(result), run_end(result)
    measured = [p for p in passes if not p["warmup"]]
    found: dict[str, tuple[float, float]] = {}
    if measured and measured[0]["clips"] > 1:
        found[f"queue of {measured[0]['clips']} clips"] = typical_pass(result)
    elif measured:
        found["warm pass" if len(measured) == 1 else "typical pass"] = typical_pass(result)
    if len(measured) > 2:
        slowest = max(measured, key=lambda p: p["end_s"] - p["start_s"])
        found["slowest pass"] = slowest["start_s"], slowest["end_s"]
    if passes:
        found["cold start"] = 0.0, passes[0]["end_s"]
    found["whole run"] = 0.0, end
    return [cut(name, window, result.spans) for name, window in found.items()]


def cut(
    name: str, window: tuple[float, float], spans: list[dict[str, Any]]
) -> tuple[str, tuple[float, float]]:
    """The window, or as much from its start as has MOST spans: browsers are slow with more. trace.json has
    what is left out."""
    starts = sorted(s["start_s"] for s in spans if s["end_s"] > window[0] and s["start_s"] < window[1])
    if len(starts) <= MOST:
        return name, window
    return f"{name}, its beginning", (window[0], starts[MOST])


def timeline(
    result: Result, window: tuple[float, float] | None = None, length_s: float | None = None
) -> Timeline:
    """The spans in `window`, in seconds from the start of the run; see page.timeline_svg."""
    start, end = window or typical_pass(result)
    length = max(length_s or end - start, 1e-9)
    queue = any(one["clips"] > 1 for one in bursts(result))
    passes = marks(result, start, end, length)
    rows, y = [], AXIS + (PASS if passes else 0)
    spans = [s for s in result.spans if s["end_s"] > start and s["start_s"] < end]
    for row in make_rows(spans):
        drawn = []
        for lane, of_lane in enumerate(row.lanes):
            top = y + NAME + lane * (BAR + 2)
            drawn += [bar(result, span, (start, end), length, top, queue) for span in of_lane]
        height = NAME + len(row.lanes) * (BAR + 2) - 2
        rows.append(Row(row.worker, f"{busy_share(row, (start, end)):.0%} busy", y, height, drawn))
        y += height + GAP
    present = {span["phase"] for span in spans}
    return Timeline(
        description=f"timeline of {formatting.title(result.run)}, {formatting.seconds(end - start)}, "
        f"{len(rows)} workers; times of the analyzers are in the table",
        height=max(y, AXIS + BAR),
        end=min(100.0, 100 * (end - start) / length),
        rows=rows,
        ticks=ticks(length),
        passes=passes,
        phases=[phase for phase in bars.PHASES if phase in present],
    )


def bar(
    result: Result, span: dict[str, Any], window: tuple[float, float], length: float, y: int, queue: bool
) -> Bar:
    """The part of one span that lies in the window."""
    start, end = max(span["start_s"], window[0]), min(span["end_s"], window[1])
    analysis = span["phase"] == "analyze"
    name = (
        span["analyzer"].replace("_", " ")
        if analysis
        else " ".join((span["phase"], span["analyzer"])).strip()
    )
    outcome = result.analyzers.get(span["analyzer"])
    failed = analysis and outcome is not None and outcome.status != "ok"
    number = f" · pass {span['clip'] + 1}" if queue and span.get("clip") is not None else ""
    took = formatting.seconds(span["end_s"] - span["start_s"])
    tooltip = f"{name}{number}: {took}, from {span['start_s'] - window[0]:.2f} s on, {span['worker']}"
    fill = bars.colour(span["analyzer"]) if analysis else f"url(#{span['phase']})"
    return Bar(
        x=round(100 * (start - window[0]) / length, 4),
        width=round(100 * (end - start) / length, 4),
        y=y,
        label=("✗ " if failed else "") + formatting.shortened(name + number, 60),
        tooltip=formatting.shortened(tooltip) + (f" ({outcome.status} in this run)" if failed else ""),
        phase=span["phase"],
        fill=fill,
        ink=bars.ink_on(fill) if analysis else "var(--ink)",
        failed=failed,
    )


def ticks(length: float) -> list[tuple[float, str, int]]:
    """Round times along `length` seconds, denser ones for each zoom."""
    found: dict[float, int] = {}
    for zoom in ZOOMS:
        step = round_step(length / (TICKS * zoom))
        for number in range(int(length / step) + 1):
            found.setdefault(round(number * step, 9), zoom)
    return [(round(100 * t / length, 4), f"{t:g} s", zoom) for t, zoom in sorted(found.items())]


def round_step(least: float) -> float:
    """The smallest of 1, 2, 5, 10, … (times a power of ten) that is not below `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * 0.999)


def marks(result: Result, start: float, end: float, length: float) -> list[tuple[float, float, str]]:
    """The passes in the window, where there is more than one of them."""
    inside = [p for p in bursts(result) if p["end_s"] > start and p["start_s"] < end]
    if len(inside) < 2:
        return []
    measured = 0
    found = []
    for one in inside:
        measured += not one["warmup"]
        low, high = max(one["start_s"], start), min(one["end_s"], end)
        name = "warm-up" if one["warmup"] else f"{one['clips']} clips" if one["clips"] > 1 else f"{measured}"
        found.append((round(100 * (low - start) / length, 4), round(100 * (high - low) / length, 4), name))
    return found
