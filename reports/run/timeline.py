"""A run as a picture: workers as rows, analyses as bars, waits as gaps; `timeline.png`.

What is no analysis is grey or hatched. Above is the whole run, in the middle the part that is looked at (by
default the last measured pass), below what the sampler saw in it. All times are seconds from the start of the
run, as in result.json.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from clipbench.bench.runs.results import Result
from clipbench.reports.drawing.bars import FAINT, INK, draw_bar, draw_label, extent
from clipbench.reports.drawing.legend import draw_legend, entries_in, height_of
from clipbench.reports.drawing.telemetry_series import Series, all_series
from clipbench.reports.run.trace import complete_passes, lanes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Sizes in pixels, at DPI.
WIDTH, DPI, LEFT, RIGHT = 1400, 100, 160, 30
HEAD, GAP, SERIES, FOOT = 98, 56, 54, 52
IDLE = "#eef1f4"
#: What telemetry's series that are drawn end in, of the processes and of each GPU.
SERIES_SHOWN = ("CPU", "memory", "utilisation")
#: Up to so many workers that analyze → pixels for each.
HEIGHTS = {1: 150, 2: 128, 3: 104, 4: 88, 8: 72, 16: 52}
LOW = 36


class Row(NamedTuple):
    """One worker: its spans in lanes (one, unless it did several things at once), and where it is drawn."""

    worker: str
    lanes: list[list[dict[str, Any]]]
    low: float
    high: float

    def bars(self) -> Iterable[tuple[dict[str, Any], float, float]]:
        """Each span with the lower and the upper end of its bar."""
        step = (self.high - self.low) / len(self.lanes)
        for number, lane in enumerate(self.lanes):
            for span in lane:
                yield span, self.low + number * step, self.low + (number + 1) * step


def draw(result: Result, path: Path, window: tuple[float, float] | None = None) -> Path:
    """Draw `result` into the PNG `path`, looking at `window` (start and end in seconds); returns `path`.

    Raises ValueError for a window of no length, OSError where `path` cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    window = window or default_window(result)
    if not window[0] < window[1]:
        raise ValueError(f"a window from {window[0]} to {window[1]} s has no length")
    rows = make_rows(result.spans)
    entries = entries_in(result, window)
    series = [one for one in all_series(result.telemetry) if one.name.endswith(SERIES_SHOWN)]
    strip = max(36, 9 * len(rows))
    parts = [(HEAD, strip), (GAP, int(rows[-1].high if rows else 60)), *[(14, SERIES)] * len(series)]
    legend = height_of(entries)
    height = sum(gap + part for gap, part in parts) + FOOT + legend

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
    draw_legend(figure, entries, legend)
    figure.savefig(path, format="png")
    return path


def bursts(result: Result) -> list[dict[str, Any]]:
    """Passes in order, with those that overlap (a queue of clips) as one: {warmup, start_s, end_s, clips}."""
    found: list[dict[str, Any]] = []
    for one in complete_passes(result.run.get("passes", [])):
        last = found[-1] if found else None
        if last and last["warmup"] == one["warmup"] and one["start_s"] < last["end_s"]:
            last["end_s"], last["clips"] = max(last["end_s"], one["end_s"]), last["clips"] + 1
        else:
            found.append({**one, "clips": 1})
    return found


def default_window(result: Result) -> tuple[float, float]:
    """The last measured pass, else the last pass, else all there is."""
    passes = bursts(result)
    if chosen := [p for p in passes if not p["warmup"]] or passes:
        return chosen[-1]["start_s"], chosen[-1]["end_s"]
    return 0.0, run_end(result)


def run_end(result: Result) -> float:
    """The end of the last thing that happened, in seconds; 1 where nothing did."""
    return max([s["end_s"] for s in result.spans] + [p["end_s"] for p in bursts(result)], default=1.0)


def make_rows(spans: Sequence[dict[str, Any]]) -> list[Row]:
    """A row per worker, by first work, in pixels from the top: the fewer workers, the higher; those that
    analyze nothing are low."""
    workers: dict[str, list[dict[str, Any]]] = {}
    for span in sorted(spans, key=lambda s: s["start_s"]):
        workers.setdefault(span["worker"], []).append(span)
    analyzing = sum(any(s["phase"] == "analyze" for s in own) for own in workers.values())
    full = next((height for limit, height in HEIGHTS.items() if analyzing <= limit), LOW)
    rows, low = [], 0.0
    for worker, own in workers.items():
        high = low + (full if any(s["phase"] == "analyze" for s in own) else LOW)
        rows.append(Row(worker, lanes(own), low + 3, high - 3))
        low = high
    return rows


def busy_share(row: Row, window: tuple[float, float]) -> float:
    """The part of `window` in which the worker was doing something."""
    busy, until = 0.0, window[0]
    for span in sorted((s for lane in row.lanes for s in lane), key=lambda s: s["start_s"]):
        start, end = max(span["start_s"], until), min(span["end_s"], window[1])
        if end > start:
            busy, until = busy + end - start, end
    return busy / (window[1] - window[0])


def draw_title(figure: Figure, result: Result, height: int) -> None:
    """What run this is, and what it gave."""
    run, clip = result.run, result.run.get("clip", {})
    title = f"grouping={run.get('grouping')}  executor={run.get('executor')}  models={run.get('models')}"
    facts = [Path(clip["path"]).name] if "path" in clip else []
    for name, label in (("rtf_warm", "real-time factor, warm:"), ("efficiency", "efficiency:")):
        value = next((m.value for m in result.metrics if m.name == name), None)
        facts += [f"{label} {value:.3g}"] if value is not None else []
    left = 16 / WIDTH
    figure.text(left, 1 - 12 / height, title, va="top", fontsize=12, color=INK, weight="bold")
    figure.text(left, 1 - 36 / height, "   ".join(facts), va="top", fontsize=9.5, color=FAINT)


def plain(axis: Axes, limits: tuple[float, float]) -> None:
    """An axis over the seconds `limits` without a frame."""
    axis.set_xlim(*limits)
    axis.tick_params(colors=FAINT, labelsize=8.5, length=3, pad=2)
    axis.spines[:].set_visible(False)


def beside(axis: Axes, y: float, text: str, below: str = "") -> None:
    """`text` left of the axis at the height `y` (data), and fainter under it `below`."""
    place = {"xycoords": axis.get_yaxis_transform(), "textcoords": "offset points", "ha": "right"}
    while len(text) > 5 and extent(axis, [text], 9.5)[0] > LEFT - 24:
        text = text[:-2] + "…"
    axis.annotate(text, (0, y), (-10, 6 if below else 0), va="center", fontsize=9.5, color=INK, **place)
    if below:
        axis.annotate(below, (0, y), (-10, -7), va="center", fontsize=8.5, color=FAINT, **place)


def draw_overview(axis: Axes, result: Result, rows: list[Row], window: tuple[float, float]) -> None:
    """The whole run in little, with its passes, and `window` marked."""
    limits = (0.0, run_end(result))
    plain(axis, limits)
    axis.set_ylim(len(rows) or 1, 0)
    axis.set_yticks([])
    beside(axis, (len(rows) or 1) / 2, "whole run")
    for number, row in enumerate(rows):
        for lane in row.lanes:
            for span in lane:
                draw_bar(axis, span, number + 0.06, number + 0.94, 0)
    mark_passes(axis, bursts(result), limits)
    axis.axvspan(*window, fill=False, edgecolor=INK, linewidth=1.5, clip_on=False, zorder=4)


def draw_rows(axis: Axes, result: Result, rows: list[Row], window: tuple[float, float]) -> None:
    """The workers in `window`: bars with labels on a grey ground, which shows where they wait.

    Where clips were under way at once, their numbers are in the labels.
    """
    plain(axis, window)
    axis.set_ylim(rows[-1].high + 3 if rows else 1, 0)
    axis.set_yticks([])
    queue = any(one["clips"] > 1 for one in bursts(result))
    for row in rows:
        axis.axhspan(row.low, row.high, facecolor=IDLE, linewidth=0)
        beside(axis, (row.low + row.high) / 2, row.worker, f"{busy_share(row, window):.0%} busy")
        for span, low, high in row.bars():
            if span["end_s"] > window[0] and span["start_s"] < window[1]:
                draw_bar(axis, span, low, high, 0.8)
                text = span["analyzer"].replace("_", " ") if span["phase"] == "analyze" else span["phase"]
                numbered = f"{text} ·{span.get('clip', '')}" if queue else text
                if not draw_label(axis, span, numbered, low, high, window):
                    draw_label(axis, span, text, low, high, window)
    mark_passes(axis, bursts(result), window)


def mark_passes(axis: Axes, passes: list[dict[str, Any]], limits: tuple[float, float]) -> None:
    """Thin lines between passes and above the axis their kind, told once for narrow neighbours."""
    box = axis.get_window_extent()
    pixels = box.width / (limits[1] - limits[0])
    named: list[tuple[float, float, str, int]] = []
    for one in passes:
        start, end = max(one["start_s"], limits[0]), min(one["end_s"], limits[1])
        if start >= end:
            continue
        for edge in (start, end):
            axis.axvline(edge, ymax=1 + 8 / box.height, color=INK, linewidth=0.7, clip_on=False, zorder=3)
        name = "warm-up" if one["warmup"] else "measured"
        name += f", {one['clips']} clips" if one["clips"] > 1 else ""
        if (end - start) * pixels < 66 and named and named[-1][2] == name:
            first, _, _, number = named.pop()
            named.append((first, end, name, number + 1))
        else:
            named.append((start, end, name, 1))
    for start, end, name, number in named:
        short = f"{name} ×{number}" if number > 1 else name
        for text in (f"{short}, {end - start:.2f} s", short):
            if extent(axis, [text], 8.5)[0] + 10 < (end - start) * pixels:
                axis.annotate(
                    text, ((start + end) / 2, 1), (0, 7), xycoords=axis.get_xaxis_transform(),
                    textcoords="offset points", ha="center", va="bottom", fontsize=8.5, color=FAINT,
                )  # fmt: skip
                break


def draw_series(axis: Axes, series: Series, window: tuple[float, float]) -> None:
    """What the sampler saw; a value speaks for the time since the sample before it."""
    plain(axis, window)
    pairs = zip(series.times_s, series.values, strict=True)
    most = max([value for t, value in pairs if window[0] <= t <= window[1]] or series.values) or 1.0
    axis.fill_between(
        series.times_s, series.values, step="pre", facecolor="#c9d6e4", edgecolor="#5a7fa8", linewidth=1
    )
    axis.set_ylim(0, 1.15 * most)
    axis.set_yticks([0, most], ["0", f"{most:.3g}"])
    beside(axis, 0.57 * most, f"{series.name}, {series.unit}")
