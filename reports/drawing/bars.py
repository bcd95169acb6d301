"""The bars of timeline.png, drawn with matplotlib, and a label wherever one fits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from clipbench.bench.runs.utilization import Window
from clipbench.executors.base import Span
from clipbench.reports.drawing.colours import HATCH, PHASES, colour, ink_on
from clipbench.reports.drawing.spans import clipped, is_analysis

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Font sizes of labels, in the order in which they are tried, and the room around a label, in pixels.
SIZES, ROOM = (9.0, 8.0, 7.0), 5
#: Bars narrower than this many pixels are drawn without a white edge.
MIN_WIDTH_WITH_EDGE = 3


@dataclass(frozen=True)
class BarStyle:
    """How the bar of a span is filled: face and edge colour, and matplotlib's hatch or None."""

    face: str
    edge: str
    hatch: str | None = None


def bar_style(span: Span) -> BarStyle:
    """How the bar of `span` is filled."""
    if is_analysis(span):
        return BarStyle(colour(span.analyzer), "white")
    face, hatch = PHASES[span.phase]
    return BarStyle(face, HATCH, hatch)


def draw_bars(axis: Axes, bars: Iterable[tuple[Span, float, float]], edge: float) -> None:
    """The bars of spans, each from a lower to an upper end on the y axis, their edges `edge` points wide.

    Bars at one height are one object, since matplotlib takes milliseconds for each.
    """
    start, end = axis.get_xlim()
    pixels = axis.get_window_extent().width / (end - start)
    rows: dict[tuple[float, float, str | None], list[tuple[Span, BarStyle]]] = {}
    for span, low, high in bars:
        style = bar_style(span)
        if (span.end_s - span.start_s) * pixels < MIN_WIDTH_WITH_EDGE:
            style = replace(style, edge=style.face)  # a white edge would hide the bar
        rows.setdefault((low, high, style.hatch), []).append((span, style))
    for (low, high, hatch), row in rows.items():
        axis.broken_barh(
            [(span.start_s, span.end_s - span.start_s) for span, _ in row], (low, high - low),
            linewidth=edge, facecolors=[style.face for _, style in row],
            edgecolors=[style.edge for _, style in row], hatch=hatch,
        )  # fmt: skip


def draw_label(axis: Axes, span: Span, text: str, low: float, high: float, window: Window) -> bool:
    """Write `text` into the part of the span's bar that lies in `window`; False where there is no room.

    It is tried on one line, on several, upright, and smaller, in that order.
    """
    start, end = clipped(span, window)
    (left, bottom), (right, top) = axis.transData.transform([(start, low), (end, high)])
    width, height = abs(right - left) - ROOM, abs(top - bottom) - ROOM
    if min(width, height) < line_height(axis, SIZES[-1]):
        return False
    for size in SIZES:
        for lines in line_breaks(text):
            along, across = text_size(axis, lines, size)
            if along < width and across < height:
                angle = 0
            elif along < height and across < width:
                angle = 90
            else:
                continue
            style = bar_style(span)
            ground = (
                {"facecolor": style.face, "edgecolor": "none", "pad": 1} if style.hatch is not None else None
            )
            axis.text(
                (start + end) / 2, (low + high) / 2, "\n".join(lines), fontsize=size, rotation=angle,
                ha="center", va="center", linespacing=1.1, color=ink_on(style.face), bbox=ground,
            )  # fmt: skip
            return True
    return False


def line_breaks(text: str) -> Iterator[list[str]]:
    """`text` on one line, on two in every way, and with every word on its own line."""
    words = text.split(" ")
    yield [text]
    for i in range(1, len(words)):
        yield [" ".join(words[:i]), " ".join(words[i:])]
    if len(words) > 2:
        yield words


def text_size(axis: Axes, lines: Sequence[str], size: float) -> tuple[float, float]:
    """Width and height of `lines`, in pixels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.font_manager import FontProperties

    figure = axis.get_figure(root=True)
    assert figure is not None and isinstance(figure.canvas, FigureCanvasAgg)
    renderer = figure.canvas.get_renderer()  # type: ignore[no-untyped-call]
    font = FontProperties(size=size)
    width = max(renderer.get_text_width_height_descent(line, font, ismath=False)[0] for line in lines)
    return width, len(lines) * line_height(axis, size)


def line_height(axis: Axes, size: float) -> float:
    """The height of a line of text, in pixels."""
    figure = axis.get_figure(root=True)
    assert figure is not None
    return size * figure.dpi / 72 * 1.2
