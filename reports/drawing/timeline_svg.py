"""The timeline of a run as SVG: a row per worker, a bar per span; x in percent of the width, y in pixels."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from clipbench.bench.measuring.bounds import node_of
from clipbench.bench.measuring.replay import bound_of_pass
from clipbench.bench.runs.results import Result
from clipbench.bench.runs.utilization import Window
from clipbench.executors.base import Span
from clipbench.reports import formatting
from clipbench.reports.drawing import colours
from clipbench.reports.drawing.axis import round_step
from clipbench.reports.drawing.html_page import template_environment
from clipbench.reports.drawing.passes import groups_in, pass_groups, run_end, typical_pass
from clipbench.reports.drawing.spans import (
    busy_share,
    clipped,
    fed_chunks,
    inside,
    is_analysis,
    span_title,
    worker_lanes,
)

if TYPE_CHECKING:
    from markupsafe import Markup

#: Pixels: a bar, the line with a worker's name above its bars, the gap below them; the axis at the top, and
#: the names of passes below it.
BAR, NAME, GAP, AXIS, PASS = 24, 20, 10, 28, 10
#: In percent of the width: a narrower bar has no edge; a narrower one has no label.
MIN_WIDTH_WITH_EDGE, MIN_WIDTH_WITH_LABEL = 0.3, 3.5
#: A timeline has at most this many bars, since browsers are slow with more.
MAX_BARS = 3000
#: How much wider the timeline can be made; each zoom has about this many ticks more on its axis.
ZOOMS = (1, 4, 16)
TICKS = 8


@dataclass(frozen=True)
class Bar:
    """One span: `x` and `width` in percent, `y` in pixels. `fill` and `ink` are CSS colours.

    It is `critical` where it is on the critical path of its pass.
    """

    x: float
    width: float
    y: int
    label: str
    tooltip: str
    analysis: bool
    fill: str
    ink: str
    failed: bool
    critical: bool

    @property
    def thin(self) -> bool:
        return self.width < MIN_WIDTH_WITH_EDGE

    @property
    def zoom(self) -> int | None:
        """The zoom from which there is room for the label."""
        return next((zoom for zoom in ZOOMS if self.width * zoom >= MIN_WIDTH_WITH_LABEL), None)


@dataclass(frozen=True)
class WorkerRow:
    """One worker; `y` and `height` in pixels."""

    worker: str
    busy: str
    y: int
    height: int
    bars: list[Bar]


@dataclass(frozen=True)
class PassMark:
    """Where a pass begins and how long it is, in percent of the width."""

    x: float
    width: float
    label: str


@dataclass(frozen=True)
class Link:
    """From the end of one piece of work on the critical path to the start of the next: x in percent."""

    x1: float
    y1: int
    x2: float
    y2: int


@dataclass(frozen=True)
class Layout:
    """All that timeline.svg.j2 draws. `ticks` are (x in percent, label, zoom from which it is shown)."""

    description: str
    height: int
    end: float
    rows: list[WorkerRow]
    ticks: list[tuple[float, str, int]]
    passes: list[PassMark]
    path: list[Link]


def timeline_svg(result: Result, window: Window | None = None, length_s: float | None = None) -> Markup:
    """What happened in `window` (by default the typical measured pass) as an `<svg>`.

    It is as wide as the element around it. Its time axis counts from the window's start and is `length_s`
    long, so that timelines under each other can share a scale; by default it ends with the window. The
    hatches of bars that are not analyses are on the page (page.html.j2).
    """
    from markupsafe import Markup

    template = template_environment().get_template("timeline.svg.j2")
    return Markup(template.render(t=layout(result, window, length_s)))


def layout(result: Result, window: Window | None = None, length_s: float | None = None) -> Layout:
    """Where everything goes; the arguments are those of `timeline_svg`."""
    window = window or typical_pass(result)
    length = max(length_s or window[1] - window[0], 1e-9)
    passes = pass_marks(result, window, length)
    queue = any(group.clips > 1 for group in pass_groups(result))
    fed = fed_chunks(result.spans)
    critical = critical_spans(result, window)
    drawn: list[tuple[Span, Bar]] = []
    rows: list[WorkerRow] = []
    y = AXIS + (PASS if passes else 0)
    for row in worker_lanes(inside(result.spans, window)):
        bars = [
            bar(result, span, window, length, y + NAME + number * (BAR + 2), queue, fed, critical)
            for number, lane in enumerate(row.lanes)
            for span in lane
        ]
        drawn += zip((span for lane in row.lanes for span in lane), bars, strict=True)
        height = NAME + len(row.lanes) * (BAR + 2) - 2
        rows.append(WorkerRow(row.worker, f"{busy_share(row, window):.0%} busy", y, height, bars))
        y += height + GAP
    return Layout(
        description=f"timeline of {formatting.run_title(result.run)}, "
        f"{formatting.seconds(window[1] - window[0])}, {len(rows)} workers; "
        "the times of the analyzers are in the table",
        height=max(y, AXIS + BAR),
        end=min(100.0, 100 * (window[1] - window[0]) / length),
        rows=rows,
        ticks=ticks(length),
        passes=passes,
        path=links([(span, bar) for span, bar in drawn if bar.critical]),
    )


def critical_spans(result: Result, window: Window) -> set[int]:
    """The ids of the spans on the critical path of each pass in the window (bench/measuring/bounds.py)."""
    shown = {span.clip for span in inside(result.spans, window)}
    passes: dict[int, list[Span]] = {}
    for span in result.spans:
        if span.clip in shown and span.phase in ("decode", "analyze"):
            passes.setdefault(span.clip, []).append(span)
    bounds = {number: bound_of_pass(result, own) for number, own in passes.items()}
    return {
        id(span)
        for number, bound in bounds.items()
        if bound
        for span in passes[number]
        if node_of(span) in bound.critical_path
    }


def links(path: Sequence[tuple[Span, Bar]]) -> list[Link]:
    """From each bar of a critical path to the next one of the same pass."""
    ordered = sorted(path, key=lambda pair: (pair[0].clip, pair[0].start_s))
    return [
        Link(round(one.x + one.width, 4), one.y + BAR, other.x, other.y + BAR)
        for (before, one), (after, other) in pairwise(ordered)
        if before.clip == after.clip
    ]


def bar(
    result: Result,
    span: Span,
    window: Window,
    length: float,
    y: int,
    queue: bool,
    fed: Collection[tuple[int, str]],
    critical: Collection[int] = (),
) -> Bar:
    """The part of one span that lies in the window; `fed` is what `fed_chunks` finds in the run.

    `critical` has the ids of the spans on a critical path.

    In a `queue`, its label says which clip it was for.
    """
    start, end = clipped(span, window)
    analysis = is_analysis(span)
    name = span_title(span, fed).replace("_", " ")
    outcome = result.analyzers.get(span.analyzer) if analysis else None
    failed = outcome is not None and outcome.status != "ok"
    clip = f" · clip {span.clip + 1}" if queue else ""
    took = formatting.seconds(span.end_s - span.start_s)
    tooltip = formatting.shortened(
        f"{name}{clip}: {took}, starting at {span.start_s - window[0]:.2f} s, {span.worker}"
    )
    if id(span) in critical:
        tooltip += ", on the critical path"
    fill = colours.colour(span.analyzer) if analysis else f"url(#{span.phase})"
    return Bar(
        x=round(100 * (start - window[0]) / length, 4),
        width=round(100 * (end - start) / length, 4),
        y=y,
        label=("✗ " if failed else "") + formatting.shortened(name + clip, 60),
        tooltip=f"{tooltip} ({outcome.status} in this run)" if outcome and failed else tooltip,
        analysis=analysis,
        fill=fill,
        ink=colours.ink_on(fill) if analysis else "var(--ink)",
        failed=failed,
        critical=id(span) in critical,
    )


def ticks(length: float) -> list[tuple[float, str, int]]:
    """Round times along `length` seconds, denser ones for each zoom: (x in percent, label, zoom)."""
    found: dict[float, int] = {}
    for zoom in ZOOMS:
        step = round_step(length / (TICKS * zoom))
        for number in range(int(length / step) + 1):
            found.setdefault(round(number * step, 9), zoom)
    return [(round(100 * t / length, 4), f"{t:g} s", zoom) for t, zoom in sorted(found.items())]


def pass_marks(result: Result, window: Window, length: float) -> list[PassMark]:
    """The passes in the window, on an axis of `length` seconds; none where there is only one of them."""
    groups = groups_in(pass_groups(result), window)
    if len(groups) < 2:
        return []
    return [
        PassMark(
            x=round(100 * (group.start_s - window[0]) / length, 4),
            width=round(100 * group.length_s / length, 4),
            label="warm-up"
            if group.warmup
            else f"{group.clips} clips"
            if group.clips > 1
            else str(group.number),
        )
        for group in groups
    ]


def named_windows(result: Result) -> list[tuple[str, Window]]:
    """The windows that a reader can choose: the typical pass, the slowest, the cold start, the whole run."""
    groups = pass_groups(result)
    measured = [group for group in groups if not group.warmup]
    found: dict[str, Window] = {}
    if measured and measured[0].clips > 1:
        found[f"queue of {measured[0].clips} clips"] = typical_pass(result)
    elif measured:
        found["warm pass" if len(measured) == 1 else "typical pass"] = typical_pass(result)
    if len(measured) > 2:
        found["slowest pass"] = max(measured, key=lambda group: group.length_s).window
    if groups:
        found["cold start"] = 0.0, groups[0].end_s
    found["whole run"] = 0.0, run_end(result)
    return [limited(name, window, result.spans) for name, window in found.items()]


def limited(name: str, window: Window, spans: Sequence[Span]) -> tuple[str, Window]:
    """The window, or its beginning with MAX_BARS spans. trace.json has what is left out."""
    starts = sorted(span.start_s for span in inside(spans, window))
    if len(starts) <= MAX_BARS:
        return name, window
    return f"{name}, its beginning", (window[0], starts[MAX_BARS])
