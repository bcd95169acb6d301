"""The report of a run on the terminal: analyzers, metrics, targets, verdict.

`python -m clipbench.reports.run.console RUN` prints the report of an earlier run; with --svg FILE, it is
drawn into a file.
"""

from __future__ import annotations

import argparse
import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from clipbench.bench.errors import InputError
from clipbench.bench.runs.foretold import RunPrediction
from clipbench.bench.runs.results import ClipSummary, MetricValue, Result, RunSummary, TargetResult
from clipbench.bench.runs.storage import read_result
from clipbench.reports import formatting, load, repeats, terminal
from clipbench.reports.run import clip_rows
from clipbench.reports.run.analyzer_rows import AnalyzerRow, analyzer_rows, run_metrics
from clipbench.reports.run.busy_line import busy_line
from clipbench.reports.run.prediction_rows import heads, prediction_rows
from clipbench.reports.terminal import STATUS_STYLE, plain_table, safe

#: From this many columns there is room for the quality figures, and from that many for the models too.
WIDE, WIDER = 110, 150
#: Columns of a report that is drawn into a file.
SVG_WIDTH = 170
#: So many clips of a queue are listed.
MOST_CLIPS = 20


def show(result: Result, console: Console, path: Path | None = None, verbose: bool = False) -> None:
    """Print the report of `result`; `path` is where result.json is.

    If `verbose`, with how busy the workers were and the targets that are met, which else are only counted.
    """
    run, clip = result.run, result.run.clip
    warmups = sum(p.warmup for p in run.passes)
    rows = analyzer_rows(result)
    console.print(f"\n[bold]{safe(clip.path)}[/]  {clip_facts(clip)}")
    if remarks := formatting.clip_remarks(clip):
        console.print(safe(f"note: {remarks}"))
    if result.served:
        console.print(safe(formatting.scenario_line(run.scenario)))
    console.print(
        f"{safe(formatting.run_title(run))} threads={run.threads}, {len(run.passes)} passes "
        f"({warmups} warm-up)\n"
    )
    if said := repeats.line(run.scenario):
        console.print(f"{safe(said)}\n")
    if said := formatting.prediction(run):
        console.print(f"[magenta]{safe(said)}[/]\n")
    console.print(analyzer_table(rows, console.width))
    if console.width < WIDE:
        console.print(Text("\nquality", style="bold"), quality_table(rows))
    if clips := clip_rows.clip_rows(result):
        console.print(
            Text(), clip_table(clips), Text(clip_rows.about(result, clips, MOST_CLIPS), style="dim")
        )
    if run.simulated:
        console.print(Text("\npredicted, by costs", style="bold"), end="")
    metrics = run_metrics(result)
    console.print(Text(), metric_table(metrics), unmeasured_table(metrics), Text())
    if result.prediction:
        console.print(prediction_table(result.prediction, not run.simulated), Text())
    if verbose and (line := busy_line(run.utilization)):
        console.print(safe(f"utilisation of workers: {line}\n"))
    for part in target_parts(result.targets, formatting.observed_word(run), verbose):
        console.print(part)
    for warning in result.warnings:
        console.print(f"[yellow]warning:[/] {safe(warning)}")
    for row in rows:
        if not row.ok:
            console.print(f"[red]{safe(row.name)} {safe(row.outcome.status)}:[/] {safe(row.outcome.reason)}")
    style = STATUS_STYLE[result.verdict]
    verdict = formatting.verdict_words(result)
    console.print(f"\n[{style}]verdict: {verdict}[/] ({safe(result.verdict_reason)})")
    if said := load.of_run(result):
        console.print(Text(said, style="yellow" if "busy" in said else ""))
    if path:
        console.print(Text(formatting.printable(str(path))), soft_wrap=True)
    if run.profiles:
        console.print(Text(formatting.printable(profile_line(run, path))), soft_wrap=True)


def profile_line(run: RunSummary, path: Path | None) -> str:
    """How many profiles there are, in which folder, and what opens them; `path` is where result.json is."""
    files = [file for own in run.profiles.values() for file in own]
    folder = Path(files[0]).parent
    where = path.parent / folder if path else f"{folder} in the run's folder"
    opens = ".html in a browser" if any(f.endswith(".html") for f in files) else ".json in ui.perfetto.dev"
    counted = "1 profile is" if len(files) == 1 else f"{len(files)} profiles are"
    return f"{counted} in {where}: open {opens}, .txt is a table"


def clip_table(rows: Sequence[clip_rows.ClipRow]) -> Table:
    """The first clips of a queue, a row for each."""
    table = plain_table()
    table.add_column("clip", overflow="fold")
    for head in clip_rows.HEADS[:-1]:
        table.add_column(head, no_wrap=True)
    table.add_column(clip_rows.HEADS[-1], overflow="fold", min_width=24)
    for row in rows[:MOST_CLIPS]:
        *figures, trouble = row.cells()
        table.add_row(Text(row.path), *figures, Text(trouble, style="bold red"))
    return table


def clip_facts(clip: ClipSummary) -> str:
    """Length, size, frame rate and sound of a clip; "" where it was never opened."""
    if clip.duration_s is None:
        return ""
    sound = "with sound" if clip.has_audio else "without sound"
    return f"{clip.duration_s:.2f} s, {clip.width}×{clip.height}, {clip.fps:.2f} fps, {sound}"


def analyzer_table(rows: Sequence[AnalyzerRow], width: int) -> Table:
    """One row per analyzer: what ran, how long it took, what it found, how right that was."""
    table = plain_table("analyzer", "status", gap=1, expand=True)
    if width >= WIDER:
        table.add_column("model", ratio=3)
    for head in ("time", "share", "seg"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("found", overflow="ellipsis", no_wrap=True, ratio=5)
    if width >= WIDE:
        table.add_column("quality", ratio=6)
    for row in rows:
        cells = [Text(row.name), Text(row.outcome.status, style="green" if row.ok else "bold red")]
        if width >= WIDER:
            cells.append(with_stand_in(row.models, row))
        cells += [
            Text(formatting.seconds(row.seconds)),
            Text("–" if row.seconds is None else f"{row.share:.0f}%"),
            Text("–" if row.simulated else str(row.outcome.segments)),
            Text("predicted" if row.simulated and row.ok else row.outcome.headline),
        ]
        if width >= WIDE:
            cells.append(quality_text(row))
        table.add_row(*cells)
    return table


def with_stand_in(text: str, row: AnalyzerRow, style: str = "") -> Text:
    """`text`, followed by a mark where the analyzer only stands in for another."""
    marked = Text(text, style=style)
    return marked.append(" (stand-in)", style="yellow") if row.outcome.stand_in else marked


def quality_text(row: AnalyzerRow) -> Text:
    """The measured quality figures of one analyzer, such as "recall 0.91, precision 0.84"."""
    measured = [figure for figure in row.quality if figure.metric.value is not None and not figure.is_usual]
    if not measured:
        return with_stand_in("not measured", row, style="dim")
    return with_stand_in(", ".join(f"{each.label} {value(each.metric)}" for each in measured), row)


def quality_table(rows: Sequence[AnalyzerRow]) -> Table:
    """The quality figures alone, for a narrow terminal."""
    table = plain_table(gap=1, heads=False)
    for row in rows:
        table.add_row(Text(row.name), quality_text(row))
    return table


def metric_table(metrics: Sequence[MetricValue]) -> Table:
    """The metrics of the run as a whole that were measured, one per line."""
    table = plain_table(heads=False)
    for metric in metrics:
        if metric.value is not None:
            note = Text(formatting.repeat_range(metric), style="dim")
            table.add_row(metric.name, Text(value(metric), style="bold"), note)
    return table


def unmeasured_table(metrics: Sequence[MetricValue]) -> Table:
    """The metrics that were not measured, one reason per line."""
    table = reason_table()
    add_by_reason(table, "not_measured", [(each.name, each.reason) for each in metrics if each.value is None])
    return table


def reason_table() -> Table:
    """A table for `add_by_reason`."""
    table = plain_table("", heads=False)
    table.add_column("", overflow="fold")
    return table


def add_by_reason(table: Table, status: str, named: Iterable[tuple[str, str]]) -> None:
    """Add names with the reason of each, a row for each reason: "not measured  a, b (no GPU)"."""
    names: dict[str, list[str]] = {}
    for name, reason in named:
        names.setdefault(reason, []).append(name)
    for reason, own in names.items():
        what = Text(formatting.TARGET_WORDS[status], style=STATUS_STYLE[status])
        table.add_row(what, Text.assemble(", ".join(own), (f" ({reason})" if reason else "", "dim")))


def value(metric: MetricValue) -> str:
    """The value of a metric with its unit; on the terminal "1/s" stays short."""
    if metric.value is None:
        return "not measured"
    return f"{formatting.number(metric.value)} {metric.unit}".rstrip()


def prediction_table(prediction: RunPrediction, measured: bool) -> Table:
    """What was predicted, beside what was then `measured`, if anything was."""
    table = plain_table(*heads(measured))
    for row in prediction_rows(prediction):
        cells = [Text(cell) for cell in row.cells(measured)]
        cells[1].stylize("magenta")
        cells[-2].stylize({True: "green", False: "yellow", None: "dim"}[row.within])
        table.add_row(*cells)
    return table


def target_parts(targets: Sequence[TargetResult], observed_head: str, verbose: bool) -> list[RenderableType]:
    """What was missed, what could not be told, and how many are met; if `verbose`, also which."""
    parts: list[RenderableType] = []
    seen = [t for t in targets if t.observed is not None]
    met = [t for t in seen if t.status == "pass"]
    if shown := formatting.missed_first(
        formatting.alike(seen) if verbose else [t for t in seen if t not in met]
    ):
        parts.append(target_table(shown, observed_head))
    absent = reason_table()
    for status in ("fail", "not_measured"):
        found = [t for t in targets if t.status == status and t.observed is None]
        add_by_reason(absent, status, [(f"{t.metric} {limit(t)}", t.reason) for t in found])
    if absent.row_count:
        parts.append(absent)
    if met:
        counted = Text(f"{len(met)} targets are met" if len(met) > 1 else "1 target is met", style="green")
        parts.append(counted if verbose else counted.append(" (-v lists them)", style="dim"))
    return parts


def target_table(targets: Sequence[TargetResult], observed_head: str) -> Table:
    """Each target: its limit, what was observed, and whether it was met; of several alike, how many."""
    table = plain_table("target", "limit", observed_head)
    table.add_column("status")
    for t in targets:
        status = Text(formatting.TARGET_WORDS[t.status], style=STATUS_STYLE[t.status])
        if t.reason:
            status.append(f": {t.reason}", style="dim")
        observed = f"{formatting.number(t.observed)} {t.unit}".rstrip()
        table.add_row(t.metric, limit(t), observed, status)
    return table


def limit(target: TargetResult) -> str:
    """The limit of a target with its unit; on the terminal "1/s" stays short."""
    return f"{formatting.bounds(target)} {target.unit}".rstrip()


def main() -> None:
    """Print the report of the run that the command line names."""
    parser = argparse.ArgumentParser(description="print the report of an earlier run")
    parser.add_argument("run", type=Path, help="a result.json or the folder it is in")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw it into FILE instead")
    parser.add_argument("-v", "--verbose", action="store_true", help="list the targets that are met too")
    arguments = parser.parse_args()
    try:
        result = read_result(arguments.run)
    except InputError as error:
        parser.error(str(error))
    if not arguments.svg:
        show(result, terminal.console(), verbose=arguments.verbose)
        return
    console = Console(record=True, width=SVG_WIDTH, file=io.StringIO())
    show(result, console, verbose=arguments.verbose)
    svg = console.export_svg(title=result.run.command)
    # Without its fonts, which a browser would fetch.
    arguments.svg.write_text(re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL), encoding="utf-8")


if __name__ == "__main__":
    main()
