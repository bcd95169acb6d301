"""Bars of a timeline: one colour per analyzer in every run, and a label wherever one fits."""

from __future__ import annotations

import colorsys
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, FAINT = "#1f2933", "#66727f"
#: By kind of content: things, people and text red to violet, the picture blue to teal, sound yellow to green,
#: what is drawn from the others brown.
COLOURS = {
    "object_detection": "#e4572e", "body_pose": "#f59a9a", "background_segmentation": "#b5179e",
    "age_estimation": "#dcaeea", "eye_tracking": "#8257d6", "text_overlay": "#f5a55c",
    "cut_analysis": "#2f6fde", "camera_analysis": "#8cbcf5", "visual_effects": "#1e3d8c",
    "scene_segmentation": "#2a9d8f", "color_analysis": "#93dccc", "content_quality": "#4f7cac",
    "qwen2_vl_temporal": "#bf1029", "temporal_flow": "#b08968", "cross_analyzer_intelligence": "#6b4632",
    "speech_transcription": "#f4c64f", "speech_flow": "#cde66b", "speech_emotion": "#c29b1c",
    "audio_analysis": "#79cf63", "audio_environment": "#1f7a4a",
}  # fmt: skip
#: What is no analysis: face colour and hatch.
PHASES = {
    "spawn": ("#ffffff", "...."),
    "import": ("#ffffff", "xxxx"),
    "load": ("#dfe3e8", ""),
    "decode": ("#ffffff", "////"),
    "cleanup": ("#b4bcc5", ""),
}
HATCH = "#a3acb6"
#: Font sizes of labels, in the order in which they are tried, and the room around a label, in pixels.
SIZES, ROOM = (9.0, 8.0, 7.0), 5
#: Bars narrower than this many pixels are drawn without a white edge.
THIN = 3


def colour(analyzer: str) -> str:
    """The analyzer's colour: chosen for the project's own, made from the name for any other."""
    if analyzer in COLOURS:
        return COLOURS[analyzer]
    seed = zlib.crc32(analyzer.encode(errors="replace"))
    rgb = colorsys.hls_to_rgb(seed % 360 / 360, 0.45 + seed // 360 % 4 * 0.1, 0.5)
    return "#" + "".join(f"{round(255 * c):02x}" for c in rgb)


def style(span: dict[str, Any]) -> dict[str, Any]:
    """How matplotlib is to fill the bar of a span."""
    if span["phase"] == "analyze":
        return {"facecolor": colour(span["analyzer"]), "edgecolor": "white"}
    face, hatch = PHASES[span["phase"]]
    return {"facecolor": face, "edgecolor": HATCH, "hatch": hatch}


def ink_on(face: str) -> str:
    """Black or white, whichever reads better on the colour `face` (relative luminance as in WCAG 2)."""
    channels = (int(face[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return INK if luminance > 0.2 else "white"


def draw_bar(axis: Axes, span: dict[str, Any], low: float, high: float, edge: float) -> None:
    """The bar of one span, from `low` to `high` in the row's units, its edge `edge` points wide."""
    width = span["end_s"] - span["start_s"]
    look = style(span)
    pixels = axis.get_window_extent().width * width / (axis.get_xlim()[1] - axis.get_xlim()[0])
    if pixels < THIN:
        look["edgecolor"] = look["facecolor"]  # a white edge would be all that is seen of it
    axis.broken_barh([(span["start_s"], width)], (low, high - low), linewidth=edge, **look)


def draw_label(
    axis: Axes, span: dict[str, Any], text: str, low: float, high: float, window: tuple[float, float]
) -> bool:
    """Write `text` into the part of the span's bar that lies in `window`; False where there is no room.

    It is tried on one line, on more, upright, and smaller, in that order.
    """
    start, end = max(span["start_s"], window[0]), min(span["end_s"], window[1])
    (left, bottom), (right, top) = axis.transData.transform([(start, low), (end, high)])
    width, height = abs(right - left) - ROOM, abs(top - bottom) - ROOM
    for size in SIZES:
        for lines in broken(text):
            along, across = extent(axis, lines, size)
            if along < width and across < height:
                angle = 0
            elif along < height and across < width:
                angle = 90
            else:
                continue
            face = style(span)["facecolor"]
            ground = {"facecolor": face, "edgecolor": "none", "pad": 1} if "hatch" in style(span) else None
            axis.text(
                (start + end) / 2, (low + high) / 2, "\n".join(lines), fontsize=size, rotation=angle,
                ha="center", va="center", linespacing=1.1, color=ink_on(face), bbox=ground,
            )  # fmt: skip
            return True
    return False


def broken(text: str) -> Iterator[list[str]]:
    """`text` on one line, on two in every way, and with every word on its own."""
    words = text.split(" ")
    yield [text]
    for i in range(1, len(words)):
        yield [" ".join(words[:i]), " ".join(words[i:])]
    if len(words) > 2:
        yield words


def extent(axis: Axes, lines: list[str], size: float) -> tuple[float, float]:
    """Width and height of `lines`, in pixels."""
    from matplotlib.font_manager import FontProperties

    figure = axis.get_figure()
    renderer = figure.canvas.get_renderer()
    font = FontProperties(size=size)
    width = max(renderer.get_text_width_height_descent(line, font, ismath=False)[0] for line in lines)
    return width, len(lines) * size * figure.dpi / 72 * 1.2
