"""A comparison on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from clipbench.reports import formatting
from clipbench.reports.comparison.html import change, covering, interval, split, word

if TYPE_CHECKING:
    from clipbench.bench.comparing.comparison import Comparison
    from clipbench.bench.comparing.statistics import Difference

STYLE = {"faster": "green", "slower": "bold red", "same": "dim", "undecided": "yellow"}
#: Analyzers named of a side.
MOST = 4


def show(comparison: Comparison, console: Console, paths: Mapping[str, Path] | None = None) -> None:
    """Print the sides with their metrics, what moved, what failed, and which to use."""
    c = comparison
    for line in c.mismatches:
        console.print(f"[bold red]does not match:[/] {shown(line)}", highlight=False)
    console.print(side_table(c))
    if len(c.rows) > 1:
        console.print(Text(), metric_table(c))
    console.print()
    for name, rows in c.moved.items():
        sure, _ = split(rows)
        said = [
            f"{m.analyzer} {change(m.change_s)} ({interval(m.difference)} {m.difference.call})"
            for m in sure[:MOST]
        ]
        more = f" and {len(sure) - MOST} more" if len(sure) > MOST else ""
        console.print(
            f"[bold]moved in {shown(name)}:[/] "
            + shown(("; ".join(said) + more) or "no analyzer beyond noise"),
            highlight=False,
        )
    for row in c.quality:
        figures = ", ".join(formatting.number(row.values[side.name].value, row.unit) for side in c.sides)
        console.print(f"[yellow]not the same in all sides:[/] {row.metric}: {figures}", highlight=False)
    for side in c.failed:
        console.print(
            f"[bold red]{shown(side.name)} left no result:[/] {shown('; '.join(side.failures))}",
            highlight=False,
        )
    for side in c.sides:
        for line in [*side.failures, *(f"lost {name}: {why}" for name, why in side.lost().items())]:
            console.print(f"[red]{shown(side.name)}:[/] {shown(line)}", highlight=False)
    for name, why in c.advice.left_out.items():
        console.print(f"[yellow]cannot be recommended:[/] {shown(name)}: {shown(why)}", highlight=False)
    for line in c.warnings:
        console.print(f"[yellow]warning:[/] {shown(line)}", highlight=False)
    console.print(f"\n[bold]{shown(c.advice.sentence)}[/]", highlight=False)
    if paths:
        console.print(Text(str(paths["html"])), soft_wrap=True)


def shown(text: str) -> str:
    """Data as text on a terminal."""
    return escape(formatting.visible(text))


def said(difference: Difference | None, metric: str) -> Text:
    """What can be said of a difference, and why nothing can."""
    if difference is None:
        return Text("–", style="dim")
    text = Text(word(metric, difference.call), style=STYLE[difference.call])
    return text.append(f": {difference.reason}", style="dim") if difference.reason else text


def side_table(comparison: Comparison) -> Table:
    """One row a side: the metric that the comparison is about, and its targets."""
    c = comparison
    row = next((row for row in c.rows if row.metric == c.metric), None)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("side")
    for head in (c.metric, "samples", "targets", f"ratio ({covering(c)})"):
        table.add_column(head, no_wrap=True, justify="right" if head == "samples" else "left")
    table.add_column(f"against {formatting.visible(c.reference.name)}")
    for side in c.sides:
        value = row.values[side.name] if row else side.metric(c.metric)
        difference = row.differences.get(side.name) if row else None
        judged = [t.status for t in c.targets[side.name]]
        missed = judged.count("fail")
        table.add_row(
            Text(formatting.visible(side.name), style="bold" if side.name == c.advice.use else ""),
            Text(
                formatting.number(value.value, value.unit) if value.value is not None else "not measured",
                style="bold",
            ),
            str(len(value.samples)),
            Text(
                f"{missed} missed" if missed else f"{judged.count('pass')} met",
                style="bold red" if missed else "",
            ),
            interval(difference) if difference else "",
            Text("reference", style="dim") if side is c.reference else said(difference, c.metric),
        )
    return table


def metric_table(comparison: Comparison) -> Table:
    """The other metrics: a row a metric, a column a side."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("", no_wrap=True)
    for side in comparison.sides:
        table.add_column(formatting.visible(side.name))
    for row in comparison.rows:
        if row.metric == comparison.metric:
            continue
        cells = []
        for side in comparison.sides:
            value, difference = row.values[side.name], row.differences.get(side.name)
            cell = Text(
                formatting.number(value.value, row.unit) if value.value is not None else "not measured",
                style="" if value.value is not None else "dim",
            )
            if difference is not None and difference.as_json()["ratio"] is not None:
                cell.append(f" ×{difference.ratio:.3g} ", style="dim")
                cell.append(word(row.metric, difference.call), style=STYLE[difference.call])
            cells.append(cell)
        table.add_row(row.metric, *cells)
    return table
