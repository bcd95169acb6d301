"""costs.png: who takes what of a core, as bars: own work in the analyzer's colour, what is shared hatched."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clipbench.reports import formatting
from clipbench.reports.costs import rows
from clipbench.reports.drawing.colours import FAINT, HATCH, INK, colour

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from clipbench.bench.planning.cost_file import KeptCosts

#: Sizes in pixels, at DPI.
WIDTH, DPI, ROW, HEAD, FOOT, LEFT, RIGHT = 1200, 100, 30, 84, 44, 230, 90
#: A part of a bar has its name in it where the bar is at least this fraction of the longest one.
NAMED = 0.12


def draw(kept: KeptCosts, path: Path) -> None:
    """Draw the costs into the PNG `path`; raises OSError where that cannot be written."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    found = rows.analyzer_rows(kept.costs)
    height = HEAD + ROW * max(1, len(found)) + FOOT
    figure = Figure(figsize=(WIDTH / DPI, height / DPI), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    axis = figure.add_axes(
        (LEFT / WIDTH, FOOT / height, (WIDTH - LEFT - RIGHT) / WIDTH, ROW * max(1, len(found)) / height)
    )
    longest_s = max((row.alone_s for row in found), default=0.0) or 1.0
    for place, row in enumerate(found):
        draw_row(axis, place, row, longest_s)
    axis.set_xlim(0, longest_s)
    axis.set_ylim(len(found) - 0.5, -0.5)
    axis.set_yticks(range(len(found)), [plain(row.name.replace("_", " "), 30) for row in found], color=INK)
    axis.tick_params(axis="y", length=0)
    axis.tick_params(axis="x", colors=FAINT)
    and_gpu = " and of a GPU" if rows.uses_gpu(kept.costs) else ""
    axis.set_xlabel(f"seconds of one core{and_gpu} for a minute of clip", color=FAINT)
    axis.spines[:].set_visible(False)
    figure.text(0.012, 1 - 24 / height, plain(rows.title(kept), 110), color=INK, weight="bold")
    note = "coloured: its own; hatched: shared with others, done once a worker and piece"
    note += "; black: on the GPU" if rows.uses_gpu(kept.costs) else ""
    figure.text(0.012, 1 - 48 / height, note, color=FAINT, fontsize=9)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # a name in another script
        figure.savefig(path, dpi=DPI)


def plain(text: str, most: int) -> str:
    """Text without effect in matplotlib, cut to so many characters."""
    return formatting.printable(formatting.shortened(text, most)).replace("$", r"\$")


def draw_row(axis: Axes, place: int, row: rows.CostRow, longest_s: float) -> None:
    """The bar of one analyzer, with its length beside it."""
    axis.barh(place, row.own_s, height=0.7, color=colour(row.name))
    end_s = row.own_s
    for name, seconds in row.shared.items():
        shared: dict[str, Any] = {"facecolor": "white", "edgecolor": HATCH, "hatch": "////", "linewidth": 0.8}
        axis.barh(place, seconds, left=end_s, height=0.7, **shared)
        if seconds > NAMED * longest_s:
            ground = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
            text = plain(name, 24)
            axis.text(
                end_s + seconds / 2, place, text, ha="center", va="center", fontsize=8, color=INK, bbox=ground
            )
        end_s += seconds
    if row.gpu_s:
        axis.barh(place, row.gpu_s, left=end_s, height=0.7, color=INK)
        end_s += row.gpu_s
    length = formatting.seconds(row.alone_s)
    axis.text(end_s + 0.008 * longest_s, place, length, va="center", fontsize=9, color=FAINT, clip_on=False)
