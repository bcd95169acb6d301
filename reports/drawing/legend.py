"""The legend of a timeline: every colour with its name and its seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clipbench.bench.runs.results import Result
from clipbench.reports.drawing.bars import INK, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: The columns, the distance between lines, and the margins at the left, the right and the foot, in pixels.
COLUMNS, LINE, LEFT, RIGHT, BELOW = 5, 22, 16, 24, 8

#: One entry: a span with the colour in question, and what is said beside it.
Entry = tuple[dict[str, Any], str]


def entries_in(result: Result, window: tuple[float, float]) -> list[Entry]:
    """What is to be seen in `window`, by first start: its name, its seconds in all, and how it failed."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for span in sorted(result.spans, key=lambda s: s["start_s"]):
        if span["end_s"] > window[0] and span["start_s"] < window[1]:
            analysis = span["phase"] == "analyze"
            found.setdefault((span["phase"], span["analyzer"] if analysis else ""), []).append(span)
    entries = []
    for (phase, analyzer), spans in found.items():
        text = f"{analyzer or phase}  {duration(sum(within(s, window) for s in spans))}"
        if analyzer in result.analyzers and result.analyzers[analyzer].status != "ok":
            text += f" ({result.analyzers[analyzer].status})"
        entries.append((spans[0], text))
    return entries


def within(span: dict[str, Any], window: tuple[float, float]) -> float:
    """Seconds of the span that lie in `window`."""
    return min(span["end_s"], window[1]) - max(span["start_s"], window[0])


def duration(seconds: float) -> str:
    """Seconds for a reader: "1.07 s", "4.2 ms"."""
    return f"{seconds:.2f} s" if seconds >= 0.01 else f"{1000 * seconds:.1f} ms"


def height_of(entries: list[Entry]) -> int:
    """The height that the legend takes, in pixels."""
    return LINE * -(-len(entries) // COLUMNS) + BELOW


def draw_legend(figure: Figure, entries: list[Entry], height: int) -> None:
    """All entries at the foot of the figure, in the lowest `height` pixels."""
    from matplotlib.patches import Rectangle

    total = figure.get_size_inches() * figure.dpi
    column = (total[0] - LEFT - RIGHT) / COLUMNS
    for number, (span, text) in enumerate(entries):
        line, place = divmod(number, COLUMNS)
        x, y = LEFT + place * column, height - LINE * (line + 0.5)
        corner = (x / total[0], (y - 6) / total[1])
        figure.add_artist(Rectangle(corner, 14 / total[0], 12 / total[1], linewidth=0.5, **style(span)))
        figure.text((x + 20) / total[0], y / total[1], text, va="center", fontsize=8.5, color=INK)
