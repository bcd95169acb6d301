"""The report on the terminal: analyzers, numbers, targets, verdict."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from statistics import median

from rich.console import Console, Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from bench.results import AnalyzerResult, MetricValue, Result, TargetResult

STATUS_STYLE = {"pass": "green", "fail": "bold red", "not_measured": "yellow", "invalid": "bold yellow"}


def show(result: Result, console: Console, path: Path | None = None) -> None:
    """Print the report of `result`; `path` is where result.json is."""
    run, clip = result.run, result.run["clip"]
    sound = "with sound" if clip["has_audio"] else "without sound"
    console.print(
        f"\n[bold]{escape(clip['path'])}[/]  {clip['duration_s']:.2f} s, {clip['width']}×{clip['height']}, "
        f"{clip['fps']:.2f} fps, {sound}"
    )
    console.print(
        f"grouping={run['grouping']} executor={run['executor']} models={run['models']} "
        f"threads={run['threads']}, {len(run['passes'])} passes "
        f"({sum(p['warmup'] for p in run['passes'])} warm-up)\n"
    )
    console.print(analyzer_table(result.analyzers, result.metrics))
    console.print(Group(metric_lines(result.metrics), Text()))
    if result.targets:
        console.print(target_table(result.targets))
    for warning in result.warnings:
        console.print(f"[yellow]warning:[/] {escape(warning)}")
    for name, a in result.analyzers.items():
        if a.status != "ok":
            console.print(f"[red]{name} {a.status}:[/] {escape(a.reason)}")
    style = STATUS_STYLE[result.verdict]
    console.print(f"\n[{style}]verdict: {result.verdict}[/] ({escape(result.verdict_reason)})")
    if path:
        console.print(escape(str(path)))


def analyzer_table(analyzers: Mapping[str, AnalyzerResult], metrics: list[MetricValue]) -> Table:
    """One row an analyzer: what ran, how long it took, what it found, how right that was."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    table.add_column("analyzer", no_wrap=True)
    table.add_column("status", no_wrap=True)
    table.add_column("model", overflow="fold", max_width=22)
    table.add_column("s", justify="right", no_wrap=True)
    table.add_column("share", justify="right", no_wrap=True)
    table.add_column("seg", justify="right", no_wrap=True)
    table.add_column("found", overflow="ellipsis", no_wrap=True, max_width=44)
    table.add_column("quality", overflow="fold")
    seconds = {name: median(a.analyze_s) if a.analyze_s else 0.0 for name, a in analyzers.items()}
    total = sum(seconds.values()) or 1.0
    units = {m.name: m.unit for m in metrics}
    for name, a in analyzers.items():
        model = ", ".join(a.model) or "algorithm"
        table.add_row(
            name,
            f"[{'green' if a.status == 'ok' else 'bold red'}]{a.status}[/]",
            escape(model) + (" [yellow](stand-in)[/]" if a.stand_in else ""),
            f"{seconds[name]:.2f}" if a.analyze_s else "–",
            f"{seconds[name] / total:.0%}" if a.analyze_s else "–",
            str(a.segments),
            escape(a.headline),
            quality_cell(name, a, units),
        )
    return table


def quality_cell(name: str, analyzer: AnalyzerResult, units: Mapping[str, str]) -> str:
    """The quality figures of one analyzer: "recall 0.91, precision 0.84"."""
    shown = [
        f"{figure.replace('_', ' ')} {value:.3g}{(' ' + unit) if (unit := units[f'quality.{name}.{figure}']) else ''}"
        for figure, value in analyzer.quality.items()
        if value is not None
    ]
    return ", ".join(shown) or "[dim]not measured[/]"


def metric_lines(metrics: list[MetricValue]) -> Table:
    """The run's own numbers, one a line; quality is in the analyzers' table."""
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    for metric in metrics:
        if metric.name.startswith("quality."):
            continue
        if metric.value is None:
            table.add_row(metric.name, "[yellow]not measured[/]", f"[dim]{escape(metric.reason)}[/]")
        else:
            spread = ""
            if len(metric.samples) > 1:
                spread = (
                    f"{min(metric.samples):.3g} … {max(metric.samples):.3g} in {len(metric.samples)} repeats"
                )
            table.add_row(metric.name, f"[bold]{metric.value:.3g}[/] {metric.unit}", f"[dim]{spread}[/]")
    return table


def target_table(targets: list[TargetResult]) -> Table:
    """Each target: its limit, what was observed, pass, fail or not measured and why."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in ("target", "limit", "observed", "status"):
        table.add_column(column, no_wrap=True)
    for t in targets:
        low_high = f"{t.limit[0]:g}..{t.limit[1]:g}" if isinstance(t.limit, list) else f"{t.op} {t.limit:g}"
        observed = "–" if t.observed is None else f"{t.observed:.3g} {t.unit}"
        status = f"[{STATUS_STYLE[t.status]}]{t.status.replace('_', ' ')}[/]"
        table.add_row(
            t.metric,
            f"{low_high} {t.unit}",
            observed,
            status + (f" [dim]{escape(t.reason)}[/]" if t.reason else ""),
        )
    return table
