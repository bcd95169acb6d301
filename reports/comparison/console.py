"""A comparison on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from clipbench.reports import formatting
from clipbench.reports.comparison import wording
from clipbench.reports.terminal import CALL_STYLE, plain_table, safe

if TYPE_CHECKING:
    from clipbench.bench.comparing.comparison import AnalyzerComparison, Comparison
    from clipbench.bench.comparing.statistics import Difference

#: Analyzers that moved are named up to this many a side.
MAX_MOVED = 4


def show(comparison: Comparison, console: Console, paths: Mapping[str, Path] | None = None) -> None:
    """Print the sides with their metrics, what moved, what failed, and which to use."""
    c = comparison

    def line(style: str, head: str, text: str) -> None:
        console.print(f"[{style}]{safe(head)}[/] {safe(text)}", highlight=False)

    for mismatch in c.mismatches:
        line("bold red", "does not match:", mismatch)
    console.print(side_table(c))
    if len(c.metrics) > 1:
        console.print(Text(), metric_table(c))
    console.print()
    for name, moved in c.analyzers.items():
        line("bold", f"moved in {name}:", moved_text(moved))
    for row in c.quality:
        figures = ", ".join(formatting.number(row.values[side.name].value, row.unit) for side in c.candidates)
        line("yellow", "not the same in all sides:", f"{row.metric}: {figures}")
    for failure in wording.failures(c):
        line("red", "failed:", failure)
    for name, why in c.recommendation.left_out.items():
        line("yellow", "cannot be recommended:", f"{name}: {why}")
    for warning in c.warnings:
        line("yellow", "warning:", warning)
    console.print(f"\n[bold]{safe(c.recommendation.sentence)}[/]", highlight=False)
    if paths:
        console.print(Text(str(paths["html"])), soft_wrap=True)


def moved_text(moved: Sequence[AnalyzerComparison]) -> str:
    """The analyzers that moved beyond noise, those that changed most first."""
    sure, _ = wording.split_moved(moved)
    named = [
        f"{m.analyzer} {wording.change(m.change_s)} ({wording.ratio(m.difference)} {m.difference.call})"
        for m in sure[:MAX_MOVED]
    ]
    more = f" and {len(sure) - MAX_MOVED} more" if len(sure) > MAX_MOVED else ""
    return "; ".join(named) + more or "no analyzer beyond noise"


def call_text(difference: Difference | None, metric: str) -> Text:
    """The call of a difference, and the reason where it is undecided."""
    if difference is None:
        return Text("–", style="dim")
    text = Text(wording.call_word(metric, difference.call), style=CALL_STYLE[difference.call])
    return text.append(f": {difference.reason}", style="dim") if difference.reason else text


def side_table(comparison: Comparison) -> Table:
    """One row a side: the metric that the comparison is about, and its targets."""
    c = comparison
    row = next((row for row in c.metrics if row.metric == c.metric), None)
    table = plain_table()
    table.add_column("side")
    for head in (c.metric, "samples", "targets", f"ratio ({wording.interval_name(c)})"):
        table.add_column(head, no_wrap=True, justify="right" if head == "samples" else "left")
    table.add_column(f"against {formatting.printable(c.reference.name)}")
    for side in c.candidates:
        value = row.values[side.name] if row else side.metric(c.metric)
        difference = row.differences.get(side.name) if row else None
        judged = [t.status for t in c.targets[side.name]]
        missed = judged.count("fail")
        table.add_row(
            Text(formatting.printable(side.name), style="bold" if side.name == c.recommendation.use else ""),
            Text(
                formatting.number(value.value, value.unit) if value.value is not None else "not measured",
                style="bold",
            ),
            str(len(value.samples)),
            Text(
                f"{missed} missed" if missed else f"{judged.count('pass')} met",
                style="bold red" if missed else "",
            ),
            wording.ratio(difference) if difference else "",
            Text("reference", style="dim") if side is c.reference else call_text(difference, c.metric),
        )
    return table


def metric_table(comparison: Comparison) -> Table:
    """The other metrics: a row a metric, a column a side."""
    table = plain_table()
    table.add_column("", no_wrap=True)
    for side in comparison.candidates:
        table.add_column(formatting.printable(side.name))
    for row in comparison.metrics:
        if row.metric == comparison.metric:
            continue
        cells = []
        for side in comparison.candidates:
            value, difference = row.values[side.name], row.differences.get(side.name)
            cell = Text(
                formatting.number(value.value, row.unit) if value.value is not None else "not measured",
                style="" if value.value is not None else "dim",
            )
            if difference is not None and difference.as_json()["ratio"] is not None:
                cell.append(f" ×{difference.ratio:.3g} ", style="dim")
                cell.append(wording.call_word(row.metric, difference.call), style=CALL_STYLE[difference.call])
            cells.append(cell)
        table.add_row(row.metric, *cells)
    return table
