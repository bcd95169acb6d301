"""A run as a picture: workers as rows, analyses as bars, waits as gaps; `timeline.png`.

A colour belongs to an analyzer in every run. What is no analysis is grey or hatched. Above is the whole run,
in the middle the part that is looked at (by default the last measured pass), below what the sampler saw.
All times are seconds from the start of the run, as in result.json.
"""

from __future__ import annotations

import colorsys
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.results import Result
from reports.labels import fit
from reports.trace import complete_passes, lanes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: The picture's width and the height of its parts, in pixels at DPI.
WIDTH, DPI = 1400, 100
HEAD, GAP, STRIP, SERIES, LEGEND_ROW = 64, 46, 14, 58, 21
LEFT, RIGHT = 150, 24
LEGEND_COLUMNS = 5

INK, FAINT, IDLE = "#1f2933", "#6b7785", "#f1f3f5"
#: By kind of content: things and people red to violet, the picture blue to green, sound yellow to brown.
COLOURS = {
    "object_detection": "#e4572e", "body_pose": "#f28c8c", "background_segmentation": "#b5179e",
    "age_estimation": "#d9a5e8", "eye_tracking": "#8f5fd6", "text_overlay": "#f4a259",
    "cut_analysis": "#2f6fde", "camera_analysis": "#7fb2f0", "visual_effects": "#1f3f8f",
    "scene_segmentation": "#2a9d8f", "color_analysis": "#8fd6c8", "content_quality": "#5b8c2a",
    "qwen2_vl_temporal": "#c1121f", "temporal_flow": "#9c6644", "cross_analyzer_intelligence": "#5c4033",
    "speech_transcription": "#f2c14e", "speech_flow": "#b8e04a", "speech_emotion": "#c9a227",
    "audio_analysis": "#6fcf5a", "audio_environment": "#1b7f4b",
}  # fmt: skip
#: What is no analysis: face colour and hatch.
PHASES = {
    "spawn": ("#ffffff", "...."),
    "import": ("#ffffff", "xxxx"),
    "load": ("#e3e6ea", ""),
    "decode": ("#ffffff", "////"),
    "cleanup": ("#aab2bb", ""),
}
#: Telemetry's series below the rows: key → label and factor.
SERIES_SHOWN = {"cpu_percent": ("cores busy", 0.01), "rss_bytes": ("memory, GB", 1e-9)}


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
    inside = [s for s in result.spans if s["end_s"] > window[0] and s["start_s"] < window[1]]
    series = [key for key in SERIES_SHOWN if result.telemetry.get(key)]
    height = 120 if len(rows) == 1 else max(56, 96 - 8 * len(rows))
    strip = max(34, STRIP * len(rows))
    entries = legend_entries(inside, result)
    legend = LEGEND_ROW * -(-len(entries) // LEGEND_COLUMNS) + 16
    parts = [strip, height * max(1, len(rows)), *[SERIES] * len(series)]
    gaps = [HEAD, GAP, *[12] * len(series)]
    total = sum(parts) + sum(gaps) + 40 + legend

    figure = Figure(figsize=(WIDTH / DPI, total / DPI), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    axes, top = [], total
    for gap, part in zip(gaps, parts, strict=True):
        top -= gap + part
        axes.append(figure.add_axes((LEFT / WIDTH, top / total, 1 - (LEFT + RIGHT) / WIDTH, part / total)))
    draw_title(figure, result, total)
    draw_overview(axes[0], result, rows, window)
    draw_rows(axes[1], rows, window, bursts(result))
    for axis, key in zip(axes[2:], series, strict=True):
        draw_series(axis, result.telemetry, key, window)
    for axis in axes[1:-1]:
        axis.tick_params(labelbottom=False)
    axes[-1].set_xlabel("seconds from the start of the run", color=FAINT, fontsize=8.5, labelpad=2)
    draw_legend(figure, entries, legend / total)
    figure.savefig(path, format="png")
    return path


def colour(analyzer: str) -> str:
    """The analyzer's colour: chosen for the known ones, made from the name for any other."""
    if analyzer in COLOURS:
        return COLOURS[analyzer]
    seed = zlib.crc32(analyzer.encode())
    rgb = colorsys.hls_to_rgb(seed % 360 / 360, 0.45 + seed // 360 % 4 * 0.1, 0.5)
    return "#" + "".join(f"{round(255 * c):02x}" for c in rgb)


def bursts(result: Result) -> list[dict[str, Any]]:
    """Passes in order; those that overlap in time (a queue of clips) as one: {warmup, start_s, end_s, clips}."""
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
    return 0.0, extent(result)


def extent(result: Result) -> float:
    """The end of the last thing that happened, in seconds; at least 1 ms."""
    return max([1e-3, *(s["end_s"] for s in result.spans), *(p["end_s"] for p in bursts(result))])


def make_rows(spans: Sequence[dict[str, Any]]) -> list[tuple[str, list[list[dict[str, Any]]]]]:
    """Worker → its lanes, in the order of their first work; a worker with one thing at a time has one lane."""
    workers = dict.fromkeys(s["worker"] for s in sorted(spans, key=lambda s: s["start_s"]))
    return [(worker, lanes(s for s in spans if s["worker"] == worker)) for worker in workers]


def busy_share(spans: Sequence[dict[str, Any]], window: tuple[float, float]) -> float:
    """The part of `window` in which at least one of `spans` goes on."""
    busy, until = 0.0, window[0]
    for span in sorted(spans, key=lambda s: s["start_s"]):
        start, end = max(span["start_s"], until), min(span["end_s"], window[1])
        if end > start:
            busy, until = busy + end - start, end
    return busy / (window[1] - window[0])


def draw_title(figure: Figure, result: Result, height: float) -> None:
    """What run this is, in one line, and in another what it gave."""
    run = result.run
    title = f"grouping={run.get('grouping')}  executor={run.get('executor')}  models={run.get('models')}"
    clip = run.get("clip", {})
    facts = [f"{Path(clip.get('path', '')).name}, {clip.get('duration_s', 0):.1f} s"]
    for name, label in (("rtf_warm", "real-time factor, warm"), ("efficiency", "efficiency")):
        value = next((m.value for m in result.metrics if m.name == name), None)
        facts += [f"{label} {value:.3g}"] if value is not None else []
    left = 20 / WIDTH
    figure.text(left, 1 - 14 / height, title, va="top", fontsize=12, color=INK, weight="bold")
    figure.text(1 - RIGHT / WIDTH, 1 - 16 / height, "  ·  ".join(facts), va="top", ha="right", fontsize=9.5,
                color=FAINT)  # fmt: skip


def plain(axis: Axes, x: tuple[float, float]) -> None:
    """No frame, small ticks, `x` as the limits."""
    axis.set_xlim(*x)
    axis.tick_params(colors=FAINT, labelsize=8.5, length=3, pad=3)
    for side in ("top", "right", "left", "bottom"):
        axis.spines[side].set_visible(False)


def draw_bar(axis: Axes, span: dict[str, Any], low: float, height: float, line: float) -> None:
    """One span as a bar from `low` upwards."""
    face, hatch = (colour(span["analyzer"]), "") if span["phase"] == "analyze" else PHASES[span["phase"]]
    axis.broken_barh(
        [(span["start_s"], span["end_s"] - span["start_s"])], (low, height), facecolor=face, hatch=hatch,
        edgecolor="white" if span["phase"] == "analyze" else "#9aa3ad", linewidth=line,
    )  # fmt: skip


def draw_overview(axis: Axes, result: Result, rows: list, window: tuple[float, float]) -> None:
    """The whole run in little, its passes named above, the window marked."""
    end = extent(result)
    plain(axis, (0.0, end))
    axis.set_ylim(len(rows), 0)
    axis.set_yticks([])
    axis.text(-12, 0.5, "whole run", transform=pixels_left_of(axis), ha="right", va="center", fontsize=9.5, color=INK)
    for number, (_, of_worker) in enumerate(rows):
        for span in (s for lane in of_worker for s in lane):
            draw_bar(axis, span, number + 0.08, 0.84, 0)
    axis.axvspan(*window, fill=False, edgecolor=INK, linewidth=1.4, clip_on=False)
    mark_passes(axis, bursts(result), (0.0, end))
