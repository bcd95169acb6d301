"""trend.png: a figure over the runs, a panel for each kind of run, with the levels between its steps."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from clipbench.bench.comparing.history import Step
from clipbench.bench.comparing.run_index import Entry
from clipbench.reports import formatting
from clipbench.reports.drawing.colours import FAINT, INK
from clipbench.reports.history.console import title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Sizes in pixels, at DPI.
WIDTH, PANEL, DPI = 1100, 300, 100
#: So many runs at the most have the beginning of their commit below them.
NAMED = 30
SLOWER, FASTER = "#b3261e", "#1e7d3c"


def draw(found: Mapping[str, tuple[list[Entry], list[Step]]], metric: str, path: Path) -> None:
    """Draw the series into the PNG `path`; raises OSError where that cannot be written."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(
        figsize=(WIDTH / DPI, PANEL * len(found) / DPI), dpi=DPI, facecolor="white", layout="constrained"
    )
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(found), squeeze=False)[:, 0]
    for axis, (key, (series, steps)) in zip(axes, found.items(), strict=True):
        panel(axis, series, steps, metric)
        text = formatting.printable(formatting.shortened(title(key, series), 110)).replace("$", r"\$")
        axis.set_title(text, loc="left", color=INK, fontsize=10)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # a name in another script
        figure.savefig(path, dpi=DPI)


def panel(axis: Axes, series: Sequence[Entry], steps: Sequence[Step], metric: str) -> None:
    """One series: its samples, its figures, its levels, and its steps as vertical lines."""
    figures = [entry.figures[metric] for entry in series]
    for place, figure in enumerate(figures):
        axis.plot([place] * len(figure.samples), figure.samples, ".", color=FAINT, markersize=3, alpha=0.5)
    axis.plot([figure.value for figure in figures], "o", color=INK, markersize=4)
    edges = [0, *(step.position for step in steps), len(series)]
    for start, end in itertools.pairwise(edges):
        level = median(figure.value for figure in figures[start:end])
        axis.hlines(level, start - 0.4, end - 0.6, color=INK, linewidth=1)
    for step in steps:
        colour = SLOWER if step.difference.call == "slower" else FASTER
        axis.axvline(step.position - 0.5, color=colour, linestyle="--", linewidth=1)
        label = f" {step.difference.call} × {formatting.number(step.difference.ratio)}"
        where = (step.position - 0.5, 0.05)
        axis.annotate(label, where, xycoords=("data", "axes fraction"), color=colour, fontsize=8)
    unit = figures[-1].unit
    axis.set_ylabel(f"{metric} ({unit})" if unit else metric, color=FAINT)
    axis.set_ylim(0, 1.1 * max(max([figure.value, *figure.samples]) for figure in figures) or 1)
    axis.tick_params(colors=FAINT)
    axis.spines[["top", "right"]].set_visible(False)
    if len(series) <= NAMED:
        names = [entry.commit[:7] or entry.started_at[:10] for entry in series]
        axis.set_xticks(range(len(series)), names, rotation=45, ha="right", fontsize=8)
    else:
        axis.set_xlabel("runs, oldest first", color=FAINT)
