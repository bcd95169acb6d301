"""The legend of timeline.png: every colour with its name and its seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clipbench.bench.runs.results import Result
from clipbench.bench.runs.utilization import Window
from clipbench.executors.base import Span
from clipbench.reports import formatting
from clipbench.reports.drawing.bars import bar_style
from clipbench.reports.drawing.colours import INK
from clipbench.reports.drawing.spans import clipped, inside, is_analysis

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: The columns, the distance between lines, and the margins at the left, the right and the foot, in pixels.
COLUMNS, LINE, LEFT, RIGHT, BELOW = 5, 22, 16, 24, 8


@dataclass(frozen=True)
class LegendEntry:
    """A span that has the colour in question, and the text beside it."""

    span: Span
    text: str


def legend_entries(result: Result, window: Window) -> list[LegendEntry]:
    """What can be seen in `window`, by first start: its name, its total seconds, and how it failed."""
    found: dict[tuple[str, str], list[Span]] = {}
    for span in inside(sorted(result.spans, key=lambda s: s.start_s), window):
        found.setdefault((span.phase, span.analyzer if is_analysis(span) else ""), []).append(span)
    entries = []
    for (phase, analyzer), spans in found.items():
        parts = [clipped(span, window) for span in spans]
        text = f"{analyzer or phase}  {formatting.seconds(sum(end - start for start, end in parts))}"
        if analyzer in result.analyzers and result.analyzers[analyzer].status != "ok":
            text += f" ({result.analyzers[analyzer].status})"
        entries.append(LegendEntry(spans[0], text))
    return entries


def legend_height(entries: Sequence[LegendEntry]) -> int:
    """The height of the legend, in pixels."""
    return LINE * -(-len(entries) // COLUMNS) + BELOW


def draw_legend(figure: Figure, entries: Sequence[LegendEntry]) -> None:
    """All entries at the foot of the figure."""
    from matplotlib.patches import Rectangle

    total = figure.get_size_inches() * figure.dpi
    column = (total[0] - LEFT - RIGHT) / COLUMNS
    for number, entry in enumerate(entries):
        line, place = divmod(number, COLUMNS)
        x, y = LEFT + place * column, legend_height(entries) - LINE * (line + 0.5)
        corner = (x / total[0], (y - 6) / total[1])
        style = bar_style(entry.span)
        swatch = Rectangle(
            corner, 14 / total[0], 12 / total[1], linewidth=0.5, facecolor=style.face, edgecolor=style.edge,
            hatch=style.hatch,
        )  # fmt: skip
        figure.add_artist(swatch)
        figure.text((x + 20) / total[0], y / total[1], entry.text, va="center", fontsize=8.5, color=INK)
