"""costs.md: the table of costs for a pull request or a page of docs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clipbench.reports.costs import rows
from clipbench.reports.markdown_text import escape, table

if TYPE_CHECKING:
    from clipbench.bench.planning.cost_file import KeptCosts


def render(kept: KeptCosts) -> str:
    """The costs in GitHub's Markdown."""
    costs = kept.costs
    lines = [[escape(cell) for cell in rows.cells(row, costs)] for row in rows.analyzer_rows(costs)]
    parts = [f"## {escape(rows.title(kept))}", table(rows.heads(costs), lines)]
    for heads, others in rows.other_tables(costs):
        if others:
            parts.append(table(heads, [[escape(cell) for cell in line] for line in others]))
    parts.append("\n".join(f"- {escape(line, 600)}" for line in rows.remarks(kept)))
    return "\n\n".join(parts) + "\n"
