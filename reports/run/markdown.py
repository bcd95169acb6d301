"""report.md: a run in a few lines, for the summary of a CI job.

`python -m clipbench.reports.run.markdown RUN` makes it again from the result of a run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from clipbench.bench.runs.results import Result, TargetResult
from clipbench.reports import formatting, load, repeats
from clipbench.reports.markdown_text import MAX_ROWS, escape, fenced, table
from clipbench.reports.rerender import rerender
from clipbench.reports.run import clip_rows
from clipbench.reports.run.analyzer_rows import AnalyzerRow, analyzer_rows, run_metrics
from clipbench.reports.run.busy_line import busy_line
from clipbench.reports.run.prediction_rows import heads, prediction_rows, sentences, title

#: Status → an emoji, since a summary shows no other colours.
SIGNS = {
    "pass": "✅", "ok": "✅", "fail": "❌", "incomplete": "🟡", "not_measured": "⚪", "skipped": "⚪",
    "invalid": "⚠️",
}  # fmt: skip
#: The page has fewer bytes than this: texts are cut to the first of these lengths that achieves it.
MAX_BYTES = 64_000
LENGTHS = (160, 60, 24)


def write(result: Result, folder: Path) -> Path:
    """Write report.md of `result` into `folder`; returns its path. Raises OSError if it cannot."""
    path = folder / "report.md"
    path.write_text(render(result), encoding="utf-8")
    return path


def render(result: Result) -> str:
    """The summary, in GitHub's Markdown, below MAX_BYTES."""
    for most in LENGTHS:
        text = "\n\n".join(filter(None, blocks(result, most))) + "\n"
        if len(text.encode()) < MAX_BYTES:
            return text
    return text.encode()[: MAX_BYTES - 100].decode(errors="ignore") + "\n\n(cut: see report.html)\n"


def blocks(result: Result, most: int) -> Iterable[str]:
    """The parts of the page, in order."""
    run = result.run
    about = escape(formatting.run_title(run), most)
    yield f"# {SIGNS[result.verdict]} {formatting.verdict_words(result)}: {about}"
    yield f"**{escape(result.verdict_reason, 4 * most)}**" if result.verdict_reason else ""
    yield escape(load.of_run(result), 4 * most)
    yield escape(repeats.line(run.scenario), 4 * most)
    yield escape(formatting.prediction(run), 8 * most)
    baseline = formatting.baseline_sentences(run.baseline)
    yield "\n".join(f"- {escape(sentence, 4 * most)}" for sentence in baseline)
    for warning in result.warnings[:MAX_ROWS]:
        yield f"> ⚠️ {escape(warning, 2 * most)}"
    targets = formatting.missed_first(result.targets)
    first = [t for t in targets if formatting.is_prominent(t)]
    others = [t for t in targets if not formatting.is_prominent(t)]
    shown = formatting.alike(others)
    if first:
        yield f"## {formatting.headed('Targets', run)}"
        yield target_table(first, most, formatting.observed_word(run))
    if others:
        met = sum(t.status == "pass" for t in others)
        counts = f"{met} met, {len(others) - met} not measured"
        yield f"<details><summary>Quality on the labelled clip: {counts}</summary>"
        yield target_table(shown, most, formatting.observed_word(run))
        yield "</details>"
    if result.prediction:
        measured = not run.simulated
        yield f"## {title(measured)}"
        rows = [list(map(escape, row.cells(measured))) for row in prediction_rows(result.prediction)]
        yield table(list(heads(measured)), rows)
        said = sentences(result.prediction)
        yield "\n".join(f"- {head}: {escape(text, 8 * most)}" for head, text in said)
    yield f"## {formatting.headed('Analyzers', run)}"
    yield analyzer_table(result, most)
    if clips := clip_rows.clip_rows(result):
        yield f"## {formatting.headed(f'{len(clips)} clips', run)}"
        yield clip_rows.about(result, clips, MAX_ROWS)
        rows = [[escape(cell, most) for cell in (row.path, *row.cells())] for row in clips[:MAX_ROWS]]
        yield table(["clip", ">length", ">passes", ">time", "what went wrong"], rows)
    yield f"## {formatting.headed('Metrics', run)}"
    yield table(
        ["metric", ">value", "range of repeats, or why it was not measured"],
        [
            [
                escape(m.name),
                escape(formatting.metric_value(m)),
                escape(m.reason or formatting.repeat_range(m), most),
            ]
            for m in run_metrics(result)
        ],
    )
    remarks = formatting.clip_remarks(run.clip)
    note = f" Note: {escape(remarks, 2 * most)}" if remarks else ""
    yield f"Scenario: {escape(formatting.scenario_line(run.scenario), 2 * most)}" if result.served else ""
    yield f"Clip: {escape(formatting.clip_line(run.clip), 2 * most)}.{note}"
    yield f"Machine: {escape(formatting.machine_line(result.environment), 2 * most)}"
    line = busy_line(run.utilization)
    yield f"Utilisation of workers: {escape(line, 2 * most)}" if line else ""
    yield fenced(formatting.shortened(run.command, 8 * most))


def target_table(targets: Sequence[TargetResult], most: int, observed_head: str) -> str:
    """Each target: whether it was met, its limit and what was observed."""
    return table(
        ["", "target", ">limit", f">{observed_head}", ""],
        [
            [
                f"{SIGNS[t.status]} {formatting.TARGET_WORDS[t.status]}",
                escape(formatting.metric_label(t.metric)),
                escape(formatting.limit(t)),
                escape(formatting.number(t.observed, t.unit)),
                escape(t.reason, most),
            ]
            for t in targets
        ],
    )


def analyzer_table(result: Result, most: int) -> str:
    """What ran, how long it took, what it found and how right that was; what failed comes first."""
    return table(
        ["", "analyzer", ">time", "found", "quality", "model"],
        [
            [
                f"{SIGNS.get(row.outcome.status, '❌')} {escape(row.outcome.status)}",
                escape(row.name, most),
                formatting.seconds(row.seconds),
                escape(row.finding, most),
                escape(quality_text(row), 2 * most),
                escape(row.models + (" (stand-in)" if row.outcome.stand_in else ""), most),
            ]
            for row in analyzer_rows(result)
        ],
    )


def quality_text(row: AnalyzerRow) -> str:
    """The measured quality figures of one analyzer, such as "recall 0.91, precision 0.84"."""
    measured = [figure for figure in row.quality if figure.metric.value is not None and not figure.is_usual]
    return ", ".join(f"{each.label} {formatting.metric_value(each.metric)}" for each in measured) or "–"


if __name__ == "__main__":
    rerender("report.md", lambda result, folder, _: write(result, folder))
