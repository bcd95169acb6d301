"""A search of rates on the terminal: a line for each rate, then the table and the answer."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.text import Text

from clipbench.bench.sweeping.rate_search import RateSearch, Try
from clipbench.reports import formatting
from clipbench.reports.rates import wording
from clipbench.reports.terminal import plain_table


def show_try(one: Try, console: Console, predicted: bool = False) -> None:
    """Print what came of a rate, on a line; `predicted` where nothing ran."""
    row = wording.row(one)
    line = Text(f"{'predicted: ' if predicted else ''}{row.cells[0]} clips per second  ")
    line.append(row.verdict, style="green" if row.kept else "red")
    line.append(f"  {formatting.long_duration(one.seconds)}", style="dim")
    console.print(line, soft_wrap=True)


def show(search: RateSearch, console: Console, path: Path) -> None:
    """Print the table, the answer, and where the page is."""
    if search.simulated:
        console.print(Text(formatting.prediction(search)), soft_wrap=True)
    table = plain_table(*wording.HEADS)
    for row in wording.rows(search):
        table.add_row(*row.cells, Text(row.verdict, style="green" if row.kept else "red"))
    console.print(table)
    console.print(Text(f"\n{wording.answer(search)}", style="bold"), soft_wrap=True)
    console.print(Text(formatting.printable(str(path))), soft_wrap=True)
