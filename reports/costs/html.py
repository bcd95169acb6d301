"""costs.html: who takes what, as bars and as a table, in one file that loads nothing from elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from clipbench.reports import formatting
from clipbench.reports.costs import rows
from clipbench.reports.drawing.html_page import template_environment

if TYPE_CHECKING:
    from clipbench.bench.planning.cost_file import KeptCosts


@dataclass(frozen=True)
class Part:
    """A part of a bar: what it is, its kind in the style, and its width in percent of the longest bar."""

    title: str
    kind: str
    percent: float


def render(kept: KeptCosts) -> str:
    """The page."""
    costs = kept.costs
    found = rows.analyzer_rows(costs)
    longest = max((row.alone_s for row in found), default=0.0)
    template = template_environment().get_template("costs.html.j2")
    return template.render(
        kept=kept,
        title=rows.title(kept),
        bars=[(row, parts(row, longest)) for row in found],
        heads=rows.heads(costs),
        lines=[rows.cells(row, costs) for row in found],
        tables=[(heads, lines) for heads, lines in rows.other_tables(costs) if lines],
        remarks=rows.remarks(kept),
        gpu=rows.uses_gpu(costs),
    )


def parts(row: rows.CostRow, longest_s: float) -> list[Part]:
    """The parts of a bar: its own, those that it shares, and those of a GPU; those that take any time."""
    found = [
        ("own", "own", row.own_s),
        *((name, "shared", seconds) for name, seconds in row.shared.items()),
        ("GPU", "gpu", row.gpu_s),
    ]
    return [
        Part(f"{what}: {formatting.seconds(seconds)}", kind, round(100 * seconds / longest_s, 3))
        for what, kind, seconds in found
        if seconds > 0
    ]
