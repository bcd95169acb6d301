"""report.md: a run in the few lines of a CI job's summary.

`python -m clipbench.reports.run.markdown RUN` makes it again from the result of a run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from statistics import median

from clipbench.bench.runs.results import AnalyzerResult, Result, TargetResult
from clipbench.reports import formatting
from clipbench.reports.rerender import make_again

#: Status → the sign that a summary shows in colour.
SIGNS = {"pass": "✅", "ok": "✅", "fail": "❌", "not_measured": "⚪", "skipped": "⚪", "invalid": "⚠️"}
#: The page is below so many bytes: texts are cut to the first of these lengths with which it is, rows are at
#: most so many in a table.
MOST_BYTES = 64_000
LENGTHS = (160, 60, 24)
ROWS = 60
#: What means something within a line of Markdown; "_" does at the edge of a word only.
SPECIAL = re.compile(r"([\\`*\[\]<>|~&$]|_(?![A-Za-z0-9])|(?<![A-Za-z0-9])_)")


def write(result: Result, folder: Path) -> Path:
    """Write report.md of `result` into `folder`; returns its path. Raises OSError where it cannot."""
    path = folder / "report.md"
    path.write_text(render(result), encoding="utf-8")
    return path


def render(result: Result) -> str:
    """The summary, in GitHub's Markdown, below MOST_BYTES."""
    for most in LENGTHS:
        text = "\n\n".join(filter(None, blocks(result, most))) + "\n"
        if len(text.encode()) < MOST_BYTES:
            return text
    return text.encode()[: MOST_BYTES - 100].decode(errors="ignore") + "\n\n(cut: see report.html)\n"


def escape(text: str, most: int = formatting.LONG) -> str:
    """`text` on one line, cut to `most` characters, with nothing in it that Markdown or HTML would act on."""
    line = " ".join(formatting.visible(formatting.shortened(text, most)).split())
    return SPECIAL.sub(r"\\\1", line)


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table of cells that are Markdown already; heads that start with ">" are over columns of numbers."""
    heads = list(heads)
    rows = list(rows)
    lines = [
        [head.removeprefix(">") for head in heads],
        ["---:" if head.startswith(">") else "---" for head in heads],
        *rows[:ROWS],
    ]
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return text + (f"\n\n… and {len(rows) - ROWS} more" if len(rows) > ROWS else "")


def fenced(text: str) -> str:
    """`text` as a block of code, whatever fences are in it."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}\n{formatting.visible(text)}\n{fence}"


def blocks(result: Result, most: int) -> Iterable[str]:
    """The parts of the page, in order."""
    run = result.run
    yield f"# {SIGNS[result.verdict]} {result.verdict}: {escape(formatting.title(run) or 'a run', most)}"
    yield f"**{escape(result.verdict_reason, 4 * most)}**" if result.verdict_reason else ""
    yield "\n".join(f"- {escape(line, 4 * most)}" for line in formatting.baseline(run.get("baseline")))
    for warning in result.warnings[:ROWS]:
        yield f"> ⚠️ {escape(warning, 2 * most)}"
    targets = formatting.in_order(result.targets)
    first = [t for t in targets if formatting.prominent(t)]
    others = [t for t in targets if not formatting.prominent(t)]
    if first:
        yield "## Targets"
        yield target_table(first, most)
    if others:
        met = sum(t.status == "pass" for t in others)
        counts = f"{met} met, {len(others) - met} not measured"
        yield f"<details><summary>Quality on the labelled clip: {counts}</summary>"
        yield target_table(others, most)
        yield "</details>"
    yield "## Analyzers"
    yield analyzer_table(result, most)
    yield "## Metrics"
    metrics = [m for m in result.metrics if not m.name.startswith("quality.")]
    yield table(
        ["metric", ">value", "repeats, or why there is none"],
        [
            [
                escape(m.name),
                "not measured" if m.value is None else escape(formatting.number(m.value, m.unit)),
                escape(m.reason or formatting.spread(m), most),
            ]
            for m in metrics
        ],
    )
    yield f"Clip: {escape(formatting.clip(run.get('clip') or {}), 2 * most)}"
    yield f"Made on: {escape(formatting.machine(result.environment), 2 * most)}"
    yield fenced(formatting.shortened(str(run.get("command", "unknown")), 8 * most))


def target_table(targets: list[TargetResult], most: int) -> str:
    """Targets with what was asked and observed."""
    return table(
        ["", "target", ">asked", ">observed", ""],
        [
            [
                f"{SIGNS[t.status]} {t.status.replace('_', ' ')}",
                escape(formatting.label(t.metric)),
                escape(formatting.limit(t)),
                escape(formatting.number(t.observed, t.unit)),
                escape(t.reason, most),
            ]
            for t in targets
        ],
    )


def analyzer_table(result: Result, most: int) -> str:
    """What ran, how long it took, what it found and how right that was; what went wrong first."""
    outcomes = sorted(result.analyzers.items(), key=lambda item: item[1].status == "ok")
    return table(
        ["", "analyzer", ">time", "found", "quality", "model"],
        [
            [
                f"{SIGNS.get(a.status, '❌')} {escape(a.status)}",
                escape(name, most),
                formatting.seconds(median(a.analyze_s)) if a.analyze_s else "–",
                escape(formatting.found(a), most),
                escape(quality(name, result), 2 * most),
                escape(model(a), most),
            ]
            for name, a in outcomes
        ],
    )


def quality(name: str, result: Result) -> str:
    """The quality figures of one analyzer in a line."""
    figures = [(label, m) for label, m in formatting.quality(name, result.metrics) if m.value is not None]
    return ", ".join(f"{label} {formatting.number(m.value, m.unit)}" for label, m in figures) or "–"


def model(a: AnalyzerResult) -> str:
    """The models of one analyzer, a stand-in said to be one."""
    return formatting.models(a) + (" (stand-in)" if a.stand_in else "")


if __name__ == "__main__":
    make_again("report.md", write)
