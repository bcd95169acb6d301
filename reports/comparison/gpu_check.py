"""The table and the page of a GPU check."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.text import Text

from clipbench.bench.measuring import metrics
from clipbench.bench.measuring.metrics import Metric
from clipbench.bench.sweeping.gpu_check_state import FILE, PAGE, CheckedRun, GpuCheck, Unchanged
from clipbench.reports.markdown_text import escape, fenced, table
from clipbench.reports.terminal import plain_table


def columns() -> list[Metric]:
    """The metrics that have a column."""
    return [metric for metric in metrics.discover() if metric.heading]


def cell(value: float | None, metric: Metric) -> str:
    """A value as its column has it."""
    return "–" if value is None else f"{value:.{metric.decimals}f}"


def write(check: GpuCheck, folders: Sequence[Path]) -> None:
    """Write the page into each of these folders; one that cannot be written to is left out."""
    for folder in folders:
        with contextlib.suppress(OSError):
            (folder / PAGE).write_text(render(check), encoding="utf-8")


def show(check: GpuCheck, folder: Path, console: Console) -> None:
    """Write the page into `folder`, and print the table and the paths of both files."""
    page = folder / PAGE
    page.write_text(render(check), encoding="utf-8")
    found = plain_table("run", *(metric.heading for metric in columns()))
    for row in rows(check):
        found.add_row(*map(Text, row))
    console.print(found)
    console.print(Text(f"{folder / FILE}\n{page}"), soft_wrap=True)


def rows(check: GpuCheck) -> list[list[str]]:
    """A row for each run: its name and its figures, with "–" for those not measured; or why it has none."""
    found = []
    for name, run in check.runs.items():
        if run.metrics is not None:
            values = {m.name: run.metrics[m.name].value for m in columns() if m.name in run.metrics}
            found.append([name, *(cell(values.get(metric.name), metric) for metric in columns())])
        else:
            found.append([name, f"{run.status}: {run.reason}", *[""] * (len(columns()) - 1)])
    return found


def render(check: GpuCheck) -> str:
    """The page, in Markdown: the runs, the analyzers of the first one on a GPU, what else was checked."""
    environment = check.environment
    gpus = environment.gpus
    on = ", ".join(gpu.name for gpu in gpus) if isinstance(gpus, list) else f"no GPU ({gpus.reason})"
    versions = ", ".join(f"{k} {v}" for k, v in environment.packages.items() if v)
    made = {name: run for name, run in check.runs.items() if run.metrics is not None}
    measured = {name: run for name, run in made.items() if run.unchanged is not None}
    parts = [
        "# GPU check",
        escape(f"{on}; {environment.cpu}, {environment.cores_allowed} cores; {environment.os}", 400),
        escape(f"Python {environment.python}, {versions}; commit {environment.git_commit}", 400),
        "Random weights: speed and memory are real, quality is not measured. A dash means not measured; "
        "gpu-check.json has the reason, and every sample.",
        "## Runs",
        table(
            ["run", *(metric.heading for metric in columns())],
            [[escape(text) for text in row] for row in rows(check)],
        ),
    ]
    if measured:
        first = next(iter(measured))
        parts += [f"## The analyzers in {escape(first)}", analyzer_table(measured[first])]
    parts += [
        "## Do analyzers on the CPU find the same?",
        *(escape(line, 400) for line in cpu_findings(measured)),
    ]
    parts += ["## Commands", fenced("\n".join(commands(check)))]
    return "\n\n".join(parts) + "\n"


def analyzer_table(run: CheckedRun) -> str:
    """Each analyzer with its device, model, seconds to load and to analyze, and the facts that it reports."""
    cells = []
    for name, a in (run.analyzers or {}).items():
        facts = ", ".join(f"{key.replace('_', ' ')} {fact(value)}" for key, value in a.facts.items())
        cells.append(
            [
                name,
                a.status if a.status == "ok" else f"{a.status}: {a.reason}",
                a.device,
                ", ".join(a.model) or "algorithm",
                "–" if a.load_s is None else f"{a.load_s:.2f}",
                f"{median(a.analyze_s):.3f}" if a.analyze_s else "–",
                facts + (f"; retried: {a.retried}" if a.retried else ""),
            ]
        )
    heads = ["analyzer", "status", "device", "model", "load s", "analyze s", "facts"]
    return table(heads, [[escape(cell) for cell in row] for row in cells])


def fact(value: Any) -> str:
    """The value of a fact, with three significant digits."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def cpu_findings(measured: Mapping[str, CheckedRun]) -> list[str]:
    """Whether the analyzers that all profiles share found the same as in the embedded run."""
    lines = []
    for name, run in measured.items():
        seen = run.unchanged or Unchanged(None, None, "it was not compared")
        if seen.compared is None:
            lines.append(f"{name}: not known: {seen.reason}")
        elif seen.differing:
            lines.append(f"{name}: DIFFERENT: {', '.join(seen.differing)}")
        else:
            lines.append(f"{name}: the same as in the embedded run ({len(seen.compared)} analyzers)")
    return lines or ["nothing was compared"]


def commands(check: GpuCheck) -> list[str]:
    """The command of each run."""
    return [f"python run.py {' '.join(run.overrides)}" for run in check.runs.values()]
