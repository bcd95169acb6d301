"""comparison.md: the comparison for a job summary or a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clipbench.reports import formatting
from clipbench.reports.comparison.html import change, covering, interval, split, word
from clipbench.reports.run.markdown import escape as text
from clipbench.reports.run.markdown import table

if TYPE_CHECKING:
    from clipbench.bench.comparing.comparison import Comparison
    from clipbench.bench.comparing.statistics import Difference

#: Analyzers shown of a side, those that changed most first; comparison.json has all.
MOST = 8


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
            [text(row.metric), *(formatting.number(row.values[s.name].value, row.unit) for s in c.sides)]
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
    """A row for each side, a column for each metric: value, ratio to the reference, call."""
    c = comparison
    heads = ["side", *(text(f"{row.metric} ({row.unit})" if row.unit else row.metric) for row in c.rows)]
    rows = []
    for side in c.sides:
        tags = [" (reference)"] if side is c.reference else []
        tags += [" **← use this**"] if side.name == c.advice.use else []
        cells = [text(side.name) + "".join(tags)]
        for row in c.rows:
            value = row.values[side.name].value
            found = row.differences.get(side.name)
            shown = "not measured" if value is None else formatting.number(value)
            cells.append(f"{shown}<br>{call(found, row.metric)}" if found else shown)
        missed = [t.metric for t in c.targets[side.name] if t.status == "fail"]
        met = sum(t.status == "pass" for t in c.targets[side.name])
        cells.append(f"✗ missed: {text(', '.join(missed))}" if missed else f"✓ {met} met")
        rows.append(cells)
    samples = {len(row.values[s.name].samples) for row in c.rows for s in c.sides if row.metric == c.metric}
    counted = f"{min(samples)} … {max(samples)}" if len(samples) > 1 else f"{max(samples, default=0)}"
    counted += f" samples of {text(c.metric)} a side"
    note = f"Ratios are to {text(c.reference.name)}, each with its {covering(c)}; {counted}."
    return f"{table([*heads, 'targets'], rows)}\n\n{note}"


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
                formatting.seconds(m.reference_s),
                formatting.seconds(m.other_s),
                change(m.change_s),
                call(m.difference, "rtf_warm"),
            ]
            for m in sure[:MOST]
        ]
        more = f"\n\n… and {len(sure) - MOST} more" if len(sure) > MOST else ""
        head = ["analyzer", "reference", "here", "change", f"ratio ({covering(comparison)})"]
        parts.append(f"**Moved in {text(name)}**\n\n{table(head, lines)}{more}")
    return parts
