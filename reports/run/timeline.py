"""A run as a picture, timeline.png: workers as rows, analyses as bars, waits as gaps.

What is not analysis is grey or hatched. At the top is the whole run, in the middle one window of it (by
default the last measured pass), below that what the sampler measured in the window. All times are seconds
from the start of the run, as in result.json.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from clipbench.bench.runs.results import Result
from clipbench.bench.runs.utilization import Window
from clipbench.executors.base import Span
from clipbench.reports import formatting
from clipbench.reports.drawing.bars import draw_bars, draw_label, text_size
from clipbench.reports.drawing.colours import FAINT, IDLE, INK
from clipbench.reports.drawing.legend import draw_legend, legend_entries, legend_height
from clipbench.reports.drawing.passes import groups_in, last_pass, pass_groups, run_end
from clipbench.reports.drawing.spans import (
    WorkerLanes,
    busy_share,
    inside,
    is_analysis,
    worker_lanes,
)
from clipbench.reports.drawing.telemetry_series import Series, all_series

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Sizes in pixels, at DPI.
WIDTH, DPI, LEFT, RIGHT = 1400, 100, 160, 30
HEAD, GAP, SERIES, FOOT = 98, 56, 54, 52
#: The names of series that are drawn end in one of these.
SERIES_SHOWN = ("CPU", "memory", "utilisation")
#: Up to this many workers that analyze → pixels for each.
HEIGHTS = {1: 150, 2: 128, 3: 104, 4: 88, 8: 72, 16: 52}
#: Pixels for a worker that does not analyze.
LOW = 36


@dataclass(frozen=True)
class WorkerRow:
    """Where one worker is drawn, in pixels from the top."""

    spans: WorkerLanes
    low: float
    high: float

    def bars(self) -> Iterable[tuple[Span, float, float]]:
        """Each span with the lower and the upper end of its bar."""
        step = (self.high - self.low) / len(self.spans.lanes)
        for number, lane in enumerate(self.spans.lanes):
            for span in lane:
                yield span, self.low + number * step, self.low + (number + 1) * step


def draw(result: Result, path: Path, window: Window | None = None) -> Path:
    """Draw `result` into the PNG `path`, looking at `window` (start and end in seconds); returns `path`.

    Raises ValueError for a window of no length, OSError where `path` cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    window = window or last_pass(result)
    if not window[0] < window[1]:
        raise ValueError(f"a window from {window[0]} to {window[1]} s has no length")
    rows = worker_rows(result)
    entries = legend_entries(result, window)
    series = [one for one in all_series(result.telemetry) if one.name.endswith(SERIES_SHOWN)]
    strip = max(36, 9 * len(rows))
    parts = [(HEAD, strip), (GAP, int(rows[-1].high if rows else 60)), *[(14, SERIES)] * len(series)]
    height = sum(gap + part for gap, part in parts) + FOOT + legend_height(entries)

    figure = Figure(figsize=(WIDTH / DPI, height / DPI), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    axes, top = [], height
    for gap, part in parts:
        top -= gap + part
        box = (LEFT / WIDTH, top / height, 1 - (LEFT + RIGHT) / WIDTH, part / height)
        axes.append(figure.add_axes(box))
    draw_title(figure, result, height)
    draw_overview(axes[0], result, rows, window)
    draw_rows(axes[1], result, rows, window)
    for axis, one in zip(axes[2:], series, strict=True):
        draw_series(axis, one, window)
    for axis in axes[1:-1]:
        axis.tick_params(labelbottom=False)
    axes[-1].set_xlabel("seconds from the start of the run", color=FAINT, fontsize=8.5, labelpad=1)
    draw_legend(figure, entries)
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", "Glyph"
        )  # the name of a clip may have any character: a box is drawn
        figure.savefig(path, format="png")
    return path


def worker_rows(result: Result) -> list[WorkerRow]:
    """A row for each worker: the fewer workers analyze, the higher their rows."""
    workers = worker_lanes(result.spans)
    analyzing = sum(worker.analyzes for worker in workers)
    full = next((height for limit, height in HEIGHTS.items() if analyzing <= limit), LOW)
    rows, low = [], 0.0
    for worker in workers:
        high = low + (full if worker.analyzes else LOW)
        rows.append(WorkerRow(worker, low + 3, high - 3))
        low = high
    return rows


def draw_title(figure: Figure, result: Result, height: int) -> None:
    """What was run, and its key figures."""
    title = formatting.run_title(result.run)
    facts = [" ".join(formatting.printable(Path(result.run.clip.path).name).split())]
    for name, label in (("rtf_warm", "real-time factor, warm:"), ("efficiency", "efficiency:")):
        value = next((m.value for m in result.metrics if m.name == name), None)
        facts += [f"{label} {formatting.number(value)}"] if value is not None else []
    left = 16 / WIDTH
    figure.text(left, 1 - 12 / height, title, va="top", fontsize=12, color=INK, weight="bold")
    figure.text(
        left, 1 - 36 / height, "   ".join(facts), va="top", fontsize=9.5, color=FAINT, parse_math=False
    )


def style_axis(axis: Axes, limits: Window) -> None:
    """Show the seconds `limits` on the axis, without a frame."""
    axis.set_xlim(*limits)
    axis.tick_params(colors=FAINT, labelsize=8.5, length=3, pad=2)
    axis.spines[:].set_visible(False)


def label_left_of(axis: Axes, y: float, text: str, below: str = "") -> None:
    """Write `text` to the left of the axis at the height `y` (data), and `below` under it, fainter."""
    while len(text) > 5 and text_size(axis, [text], 9.5)[0] > LEFT - 24:
        text = text[:-2] + "…"
    lines = [(text, 6 if below else 0, 9.5, INK), *([(below, -7, 8.5, FAINT)] if below else [])]
    for line, rise, size, ink in lines:
        axis.annotate(
            line, (0, y), (-10, rise), xycoords=axis.get_yaxis_transform(), textcoords="offset points",
            ha="right", va="center", fontsize=size, color=ink,
        )  # fmt: skip


def draw_overview(axis: Axes, result: Result, rows: list[WorkerRow], window: Window) -> None:
    """The whole run, small, with its passes, and `window` marked."""
    limits = (0.0, run_end(result))
    style_axis(axis, limits)
    axis.set_ylim(len(rows) or 1, 0)
    axis.set_yticks([])
    label_left_of(axis, (len(rows) or 1) / 2, "whole run")
    spans = ((span, number) for number, row in enumerate(rows) for span, _, _ in row.bars())
    draw_bars(axis, ((span, number + 0.06, number + 0.94) for span, number in spans), 0)
    mark_passes(axis, result, limits)
    axis.axvspan(*window, fill=False, edgecolor=INK, linewidth=1.5, clip_on=False, zorder=4)


def draw_rows(axis: Axes, result: Result, rows: list[WorkerRow], window: Window) -> None:
    """The workers in `window`: bars with labels on a grey ground, which shows where they wait.

    Where several clips were processed at once, labels have the number of the clip.
    """
    style_axis(axis, window)
    axis.set_ylim(rows[-1].high + 3 if rows else 1, 0)
    axis.set_yticks([])
    queue = any(group.clips > 1 for group in pass_groups(result))
    for row in rows:
        axis.axhspan(row.low, row.high, facecolor=IDLE, linewidth=0)
        worker = row.spans
        label_left_of(axis, (row.low + row.high) / 2, worker.worker, f"{busy_share(worker, window):.0%} busy")
        seen = [bar for bar in row.bars() if inside([bar[0]], window)]
        draw_bars(axis, seen, 0.8)
        for span, low, high in seen:
            any(draw_label(axis, span, text, low, high, window) for text in labels(span, queue))
    mark_passes(axis, result, window)


def labels(span: Span, queue: bool) -> list[str]:
    """What a bar could say, the longest first: chunks as "#3" or "#3 +2", clips in a `queue`."""
    text = span.analyzer.replace("_", " ") if is_analysis(span) else span.phase
    clip = f" ·{span.clip + 1}" if queue else ""
    chunk = "" if span.chunk is None else f" #{span.chunk + 1}"
    if span.count > 1 and span.chunk is not None:
        chunk += f" +{span.count - 1}"
    return list(dict.fromkeys((text + chunk + clip, text + clip, text)))


def mark_passes(axis: Axes, result: Result, limits: Window) -> None:
    """Thin lines between passes, and above the axis their kind; narrow neighbours share one label."""
    box = axis.get_window_extent()
    pixels = box.width / (limits[1] - limits[0])
    named: list[tuple[float, float, str, int]] = []
    counted = "predicted" if result.run.simulated else "measured"
    for group in groups_in(pass_groups(result), limits):
        for edge in group.window:
            axis.axvline(edge, ymax=1 + 8 / box.height, color=INK, linewidth=0.7, clip_on=False, zorder=3)
        name = "warm-up" if group.warmup else counted
        name += f", {group.clips} clips" if group.clips > 1 else ""
        if group.length_s * pixels < 66 and named and named[-1][2] == name:
            first, _, _, number = named.pop()
            named.append((first, group.end_s, name, number + 1))
        else:
            named.append((*group.window, name, 1))
    for start, end, name, number in named:
        short = f"{name} ×{number}" if number > 1 else name
        for text in (f"{short}, {end - start:.2f} s", short):
            if text_size(axis, [text], 8.5)[0] + 10 < (end - start) * pixels:
                axis.annotate(
                    text, ((start + end) / 2, 1), (0, 7), xycoords=axis.get_xaxis_transform(),
                    textcoords="offset points", ha="center", va="bottom", fontsize=8.5, color=FAINT,
                )  # fmt: skip
                break


def draw_series(axis: Axes, series: Series, window: Window) -> None:
    """One sampled series; a value stands for the time since the sample before it."""
    style_axis(axis, window)
    pairs = zip(series.times_s, series.values, strict=True)
    most = max([value for t, value in pairs if window[0] <= t <= window[1]] or series.values) or 1.0
    axis.fill_between(
        series.times_s, series.values, step="pre", facecolor="#c9d6e4", edgecolor="#5a7fa8", linewidth=1
    )
    axis.set_ylim(0, 1.15 * most)
    axis.set_yticks([0, most], ["0", f"{most:.3g}"])
    label_left_of(axis, 0.57 * most, f"{series.name}, {series.unit}")
