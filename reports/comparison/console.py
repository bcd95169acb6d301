"""A comparison on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from clipbench.reports import formatting, load
from clipbench.reports.comparison import front, wording
from clipbench.reports.terminal import CALL_STYLE, plain_table, safe

if TYPE_CHECKING:
    from clipbench.bench.comparing.comparison import AnalyzerComparison, Comparison
    from clipbench.bench.comparing.pareto import Front
    from clipbench.bench.comparing.statistics import Difference

#: For each candidate, up to this many analyzers that moved are named.
MAX_MOVED = 4


def show(comparison: Comparison, console: Console, paths: Mapping[str, Path] | None = None) -> None:
    """Print the candidates with their metrics, what moved, what failed, and which to use."""
    c = comparison

    def line(style: str, head: str, text: str) -> None:
        console.print(f"[{style}]{safe(head)}[/] {safe(text)}", highlight=False)

    for mismatch in c.mismatches:
        line("bold red", "does not match:", mismatch)
    console.print(candidate_table(c))
    if len(c.metrics) > 1:
        console.print(Text(), metric_table(c))
    if c.front:
        show_front(c, c.front, console)
    console.print()
    for name, moved in c.analyzers.items():
        line("bold", wording.headed(c, f"moved in {name}:"), moved_text(moved))
    for row in c.quality:
        figures = ", ".join(
            formatting.number(row.values[candidate.name].value, row.unit) for candidate in c.candidates
        )
        line("yellow", "differs between candidates:", f"{row.metric}: {figures}")
    for failure in wording.failures(c):
        line("red", f"{failure.name}:", failure.text)
    for name, why in c.recommendation.left_out.items():
        line("yellow", "cannot be recommended:", f"{name}: {why}")
    for warning in c.warnings:
        line("yellow", "warning:", warning)
    console.print(f"\n[bold]{safe(wording.headed(c, c.recommendation.sentence))}[/]", highlight=False)
    if said := load.of_candidates(c):
        console.print(Text(formatting.printable(said), style="yellow" if "busy" in said else ""))
    if paths:
        console.print(Text(formatting.printable(str(paths["html"]))), soft_wrap=True)


def show_front(comparison: Comparison, found: Front, console: Console) -> None:
    """Print the candidates by latency and cost, and which are on the front."""
    console.print(Text(f"\n{front.TITLE}", style="bold"))
    if found.why_not:
        console.print(Text(found.why_not, style="yellow"))
        return
    table = plain_table()
    for number, head in enumerate(front.heads(found)):
        table.add_column(head, justify="right" if number in (0, 2, 3) else "left", overflow="fold")
    for point, cells in zip(found.points, front.rows(found), strict=True):
        table.add_row(*(Text(cell, style="dim" if point.beaten_by else "") for cell in cells))
    console.print(table)
    for name, why in found.left_out.items():
        console.print(Text(f"{name} has no place: {why}", style="yellow"))
    console.print(Text(front.legend(comparison, found), style="dim"))


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
    """The call of a difference, and the reason where it is undecided, or what else may be behind it."""
    if difference is None:
        return Text("–", style="dim")
    text = Text(wording.call_word(metric, difference.call), style=CALL_STYLE[difference.call])
    return text.append(f": {difference.reason}", style="dim") if difference.reason else text


def candidate_table(comparison: Comparison) -> Table:
    """One row per candidate: the metric that is compared, and its targets."""
    c = comparison
    row = next((row for row in c.metrics if row.metric == c.metric), None)
    table = plain_table()
    table.add_column("candidate")
    table.add_column("made with")
    for head in (wording.headed(c, c.metric), "samples", "targets", f"ratio ({wording.interval_name(c)})"):
        table.add_column(head, no_wrap=True, justify="right" if head == "samples" else "left")
    table.add_column(f"against {formatting.printable(c.reference.name)}")
    for candidate in c.candidates:
        value = row.values[candidate.name] if row else candidate.metric(c.metric)
        difference = row.differences.get(candidate.name) if row else None
        judged = [t.status for t in c.targets[candidate.name]]
        missed = judged.count("fail")
        table.add_row(
            Text(
                formatting.printable(candidate.name),
                style="bold" if candidate.name == c.recommendation.use else "",
            ),
            Text(wording.made_with(candidate), style="dim"),
            Text(formatting.metric_value(value), style="bold"),
            str(len(value.samples)),
            Text(
                f"{missed} missed" if missed else f"{judged.count('pass')} met",
                style="bold red" if missed else "",
            ),
            wording.ratio(difference) if difference else "",
            Text("reference", style="dim") if candidate is c.reference else call_text(difference, c.metric),
        )
    return table


def metric_table(comparison: Comparison) -> Table:
    """The other metrics: one row per metric, one column per candidate."""
    table = plain_table()
    table.add_column("", no_wrap=True)
    for candidate in comparison.candidates:
        name = wording.named(candidate)
        table.add_column(formatting.printable(name), overflow="fold")
    for row in comparison.metrics:
        if row.metric == comparison.metric:
            continue
        cells = []
        for candidate in comparison.candidates:
            value, difference = row.values[candidate.name], row.differences.get(candidate.name)
            cell = Text(formatting.metric_value(value), style="dim" if value.value is None else "")
            if difference is not None and difference.as_json()["ratio"] is not None:
                cell.append(f" ×{difference.ratio:.3g} ", style="dim")
                cell.append(wording.call_word(row.metric, difference.call), style=CALL_STYLE[difference.call])
            cells.append(cell)
        table.add_row(row.metric, *cells)
    return table
