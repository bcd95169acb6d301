"""The report on the terminal: analyzers, numbers, targets, verdict.

`python -m run.console outputs/latest` prints the report of a run again; with --svg FILE, as a picture.
"""

from __future__ import annotations

import argparse
import io
import re
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from clipbench.bench.errors import InputError
from clipbench.bench.runs.results import AnalyzerResult, MetricValue, Result, TargetResult, read

STATUS_STYLE = {"pass": "green", "fail": "bold red", "not_measured": "yellow", "invalid": "bold yellow"}


#: From this many columns on there is room for the quality figures, and from that many for the models too.
WIDE, WIDER = 110, 150


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
    console.print(analyzer_table(result, console.width))
    if console.width < WIDE:
        console.print(Text("\nquality", style="bold"), quality_table(result))
    console.print(Text(), metric_table(result.metrics), Text())
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
        console.print(Text(str(path)), soft_wrap=True)


def analyzer_table(result: Result, width: int) -> Table:
    """One row an analyzer: what ran, how long it took, what it found, how right that was."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0), expand=True)
    table.add_column("analyzer", no_wrap=True)
    table.add_column("status", no_wrap=True)
    if width >= WIDER:
        table.add_column("model", ratio=3)
    table.add_column("s", justify="right", no_wrap=True)
    table.add_column("share", justify="right", no_wrap=True)
    table.add_column("seg", justify="right", no_wrap=True)
    table.add_column("found", overflow="ellipsis", no_wrap=True, ratio=5)
    if width >= WIDE:
        table.add_column("quality", ratio=6)
    seconds = {name: median(a.analyze_s) if a.analyze_s else 0.0 for name, a in result.analyzers.items()}
    total = sum(seconds.values()) or 1.0
    for name, a in result.analyzers.items():
        cells = [Text(name), Text(a.status, style="green" if a.status == "ok" else "bold red")]
        if width >= WIDER:
            cells.append(model_cell(a))
        cells += [
            Text(f"{seconds[name]:.2f}" if a.analyze_s else "–"),
            Text(f"{seconds[name] / total:.0%}" if a.analyze_s else "–"),
            Text(str(a.segments)),
            Text(a.headline),
        ]
        if width >= WIDE:
            cells.append(quality_cell(name, result))
        table.add_row(*cells)
    return table


def model_cell(analyzer: AnalyzerResult) -> Text:
    """The models of one analyzer, and whether it only stands in for another."""
    text = Text(", ".join(analyzer.model) or "algorithm")
    return text.append(" (stand-in)", style="yellow") if analyzer.stand_in else text


def quality_cell(name: str, result: Result) -> Text:
    """The quality figures of one analyzer: "recall 0.91, precision 0.84"."""
    prefix = f"quality.{name}."
    shown = [
        f"{m.name.removeprefix(prefix).replace('_', ' ')} {m.value:.3g} {m.unit}".rstrip()
        for m in result.metrics
        if m.name.startswith(prefix) and m.value is not None
    ]
    text = Text(", ".join(shown)) if shown else Text("not measured", style="dim")
    return text.append(" (stand-in)", style="yellow") if result.analyzers[name].stand_in else text


def quality_table(result: Result) -> Table:
    """The quality figures alone, for a narrow terminal."""
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 1, 0, 0))
    for name in result.analyzers:
        table.add_row(Text(name), quality_cell(name, result))
    return table


def metric_table(metrics: list[MetricValue]) -> Table:
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
    table.add_column("target", no_wrap=True)
    table.add_column("limit", no_wrap=True)
    table.add_column("observed", no_wrap=True)
    table.add_column("status")
    for t in targets:
        limit = f"{t.limit[0]:g}..{t.limit[1]:g}" if isinstance(t.limit, list) else f"{t.op} {t.limit:g}"
        observed = "–" if t.observed is None else f"{t.observed:.3g} {t.unit}".rstrip()
        status = Text(t.status.replace("_", " "), style=STATUS_STYLE[t.status])
        if t.reason:
            status.append(f": {t.reason}", style="dim")
        table.add_row(t.metric, f"{limit} {t.unit}".rstrip(), observed, status)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description="print the report of an earlier run")
    parser.add_argument("run", type=Path, help="a result.json or the folder it is in")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw it into FILE instead")
    arguments = parser.parse_args()
    try:
        result = read(arguments.run)
    except InputError as error:
        parser.error(str(error))
    console = Console(record=True, width=170, file=io.StringIO()) if arguments.svg else Console()
    show(result, console)
    if arguments.svg:
        svg = re.sub(
            r"@font-face \{.*?\}", "", console.export_svg(title=result.run["command"]), flags=re.DOTALL
        )
        arguments.svg.write_text(svg, encoding="utf-8")  # without the fonts, which it would fetch


if __name__ == "__main__":
    main()
