"""The table of costs on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from clipbench.reports import formatting, terminal
from clipbench.reports.costs import rows

if TYPE_CHECKING:
    from rich.console import Console

    from clipbench.bench.planning.cost_file import KeptCosts


def show(kept: KeptCosts, console: Console, files: Sequence[Path]) -> None:
    """Print who takes what, what is shared, decoding, executors, and how good all that is."""
    costs = kept.costs
    console.print(rows.title(kept), style="bold", markup=False)
    console.print()
    table = terminal.plain_table()
    for head in rows.heads(costs):
        table.add_column(head.removeprefix(">"), justify="right" if head.startswith(">") else "left")
    for row in rows.analyzer_rows(costs):
        table.add_row(*rows.cells(row, costs))
    console.print(table)
    for heads, lines in rows.other_tables(costs):
        if lines:
            console.print()
            other = terminal.plain_table()
            for head in heads:
                other.add_column(head.removeprefix(">"), justify="right" if head.startswith(">") else "left")
            for line in lines:
                other.add_row(*line)
            console.print(other)
    console.print()
    for remark in rows.remarks(kept):
        console.print(formatting.printable(remark), markup=False, style="dim")
    for path in files:
        console.print(str(path), markup=False)
