"""Runs over time on the terminal: a table of them, and where a figure took a step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from clipbench.bench.comparing import history
from clipbench.bench.comparing.history import Step
from clipbench.bench.comparing.run_index import Entry
from clipbench.reports import formatting
from clipbench.reports.terminal import CALL_STYLE

#: The figures that a list of runs shows.
MAIN = ("rtf_warm", "throughput", "latency_p95", "success_rate")


def show_runs(
    entries: Sequence[Entry], folder: Path, console: Console, metrics: Sequence[str] = MAIN
) -> None:
    """Print a line for each run, with these metrics as far as any run has measured them.

    The lines are put together here: a table of rich's takes a millisecond for each.
    """
    shown = [name for name in metrics if any(name in entry.figures for entry in entries)]
    rows = [("started", "run", "grouping", "executor", "clip", "commit", "alike", "verdict", *shown)]
    for entry in entries:
        verdict = f"predicted {entry.verdict}" if entry.simulated else entry.verdict
        marks = [mark for mark, is_so in marks_of(entry, folder) if is_so]
        row = (
            entry.started_at[:16].replace("T", " "),
            " ".join([entry.path, *marks]),
            entry.grouping,
            entry.executor,
            entry.clip,
            entry.commit[:8] or "–",
            entry.key,
            verdict,
            *(cell(entry, name) for name in shown),
        )
        rows.append(tuple(map(formatting.one_line, row)))
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    for line in rows:
        padded = (text + " " * (width - cell_len(text)) for text, width in zip(line, widths, strict=True))
        console.file.write("  ".join(padded).rstrip() + "\n")


def marks_of(entry: Entry, folder: Path) -> list[tuple[str, bool]]:
    """What keeps a run from being cleaned away."""
    return [("(pinned)", history.is_pinned(folder, entry)), ("(in a baseline)", entry.in_baseline)]


def cell(entry: Entry, metric: str) -> str:
    """A figure with its unit, or a dash."""
    figure = entry.figures.get(metric)
    return "–" if figure is None else formatting.number(figure.value, figure.unit)


def show_trend(
    found: Mapping[str, tuple[list[Entry], list[Step]]], metric: str, folder: Path, console: Console
) -> None:
    """Print the series of each kind of run, with the steps that its figure took."""
    for key, (series, steps) in found.items():
        first, last = series[0], series[-1]
        console.print(
            Text(f"\n{title(key, series)}", style="bold"),
            f"{len(series)} runs, {first.started_at[:10]} to {last.started_at[:10]}: {cell(first, metric)} → "
            f"{cell(last, metric)}",
            soft_wrap=True,
        )
        for step in steps:
            console.print(
                Text(sentence(series, step), style=CALL_STYLE[step.difference.call]), soft_wrap=True
            )
        if not steps:
            console.print(Text("no step is beyond noise", style="dim"))


def title(key: str, series: Sequence[Entry]) -> str:
    """What the runs of a series have in common."""
    last = series[-1]
    return f"{last.clip}, grouping={last.grouping} executor={last.executor} models={last.models} ({key})"


def sentence(series: Sequence[Entry], step: Step) -> str:
    """A step in words: when, between which commits, by how much."""
    before, after = series[step.position - 1], series[step.position]
    commits = f"{before.commit[:8] or 'unknown'} and {after.commit[:8] or 'unknown'}"
    found = step.difference
    ratio = f"{formatting.number(found.ratio)} times ({found.low:.2f} … {found.high:.2f})"
    return f"{found.call} from {after.started_at[:16].replace('T', ' ')} on, between {commits}: {ratio}"
