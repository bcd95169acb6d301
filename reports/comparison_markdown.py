"""comparison.md: the comparison for a job summary or a pull request."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from reports import words
from reports.comparison import interval, split, word

if TYPE_CHECKING:
    from bench.comparison import Comparison
    from bench.stats import Difference

#: Analyzers shown of a side, those that changed most first; comparison.json has all.
MOST = 8
#: What Markdown, or GitHub's, would take for something else than text.
SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~@$:-])")


def text(value: object, most: int = words.LONG) -> str:
    """Data as text in Markdown, on one line: nothing in it is markup, a border, a link or a mention."""
    line = " ".join(words.visible(words.shortened(str(value), most)).split())
    return SPECIAL.sub(r"\\\1", html.escape(line, quote=False))


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table of cells that are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def call(difference: Difference, metric: str) -> str:
    """A ratio, its interval and what can be said of it."""
    said = f"**{word(metric, difference.call)}**"
    return f"{interval(difference)} {said}".strip()


def render(comparison: Comparison) -> str:
    """The comparison in GitHub's Markdown."""
    c = comparison
    parts = [f"## clipbench: {len(c.sides)} sides compared by {text(c.metric)}"]
    if c.mismatches:
        listed = "\n".join(f"> - {text(line, 600)}" for line in c.mismatches)
        parts.append(f"> **✗ These sides do not match.**\n{listed}")
    parts.append(text(c.advice.sentence, 2000))
    failures = [f"{s.name} left no result: {'; '.join(s.failures)}" for s in c.failed]
    failures += [f"{s.name}: {'; '.join(s.failures)}" for s in c.sides if s.failures]
    failures += [f"{s.name} lost {name}: {why}" for s in c.sides for name, why in s.lost().items()]
    if failures:
        parts.append("**✗ Failures**\n\n" + "\n".join(f"- {text(line, 1000)}" for line in failures))
    parts += [metrics(c), *moved(c)]
    same = f"All {c.quality_figures} quality figures that were measured are the same in all sides."
    if c.quality:
        rows = [
            [text(row.metric), *(words.number(row.values[s.name].value, row.unit) for s in c.sides)]
            for row in c.quality
        ]
        parts.append("**Quality figures that differ**\n\n" + table(["figure", *names(c)], rows))
    elif c.quality_figures:
        parts.append(same)
    if c.warnings:
        parts.append("\n".join(f"- warning: {text(line, 600)}" for line in c.warnings))
    return "\n\n".join(parts) + "\n"


def names(comparison: Comparison) -> list[str]:
    """The sides' names as heads of columns."""
    return [text(side.name) for side in comparison.sides]


def metrics(comparison: Comparison) -> str:
    """A row for each side and metric: value, ratio to the reference, call."""
    c = comparison
    rows = []
    for side in c.sides:
        about = text(side.name) + (" (reference)" if side is c.reference else "")
        for row in c.rows:
            value = row.values[side.name]
            shown = words.number(value.value, text(row.unit)) if value.value is not None else "not measured"
            ratio = call(row.differences[side.name], row.metric) if side.name in row.differences else ""
            rows.append([about, text(row.metric), f"**{shown}**", str(len(value.samples) or ""), ratio])
            about = ""
        missed = [t for t in c.targets[side.name] if t.status == "fail"]
        met = sum(t.status == "pass" for t in c.targets[side.name])
        said = f"✗ missed: {text(', '.join(t.metric for t in missed))}" if missed else f"✓ {met} met"
        rows.append(["", "targets", said, "", ""])
    return table(["side", "metric", "value", "samples", f"to {text(c.reference.name)} (95 % interval)"], rows)


def moved(comparison: Comparison) -> list[str]:
    """For each side, the analyzers that moved beyond noise."""
    parts = []
    for name, rows in comparison.moved.items():
        sure, rest = split(rows)
        if not sure:
            parts.append(f"{text(name)}: none of {len(rest)} analyzers moved beyond noise.")
            continue
        lines = [
            [
                text(m.analyzer),
                words.seconds(m.reference_s),
                words.seconds(m.other_s),
                f"{m.change_s:+.3f} s",
                call(m.difference, "rtf_warm"),
            ]
            for m in sure[:MOST]
        ]
        more = f"\n\n… and {len(sure) - MOST} more" if len(sure) > MOST else ""
        head = ["analyzer", "reference", "here", "change", "ratio (95 % interval)"]
        parts.append(f"**Moved in {text(name)}**\n\n{table(head, lines)}{more}")
    return parts
