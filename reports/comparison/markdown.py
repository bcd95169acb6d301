"""comparison.md: the comparison for a job summary or a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clipbench.reports import formatting, load
from clipbench.reports.comparison import front, wording
from clipbench.reports.markdown_text import escape, table

if TYPE_CHECKING:
    from clipbench.bench.comparing.comparison import Comparison
    from clipbench.bench.comparing.statistics import Difference

#: For each candidate, up to this many analyzers that moved are listed, those that changed most first.
MAX_MOVED = 8


def difference_cell(difference: Difference, metric: str) -> str:
    """The ratio, its interval and the call."""
    call = f"{wording.ratio(difference)} **{wording.call_word(metric, difference.call)}**".strip()
    # What beside the candidates may be behind a difference belongs to its call.
    beside = difference.reason if difference.call in ("faster", "slower") else ""
    return f"{call} ({escape(beside)})" if beside else call


def render(comparison: Comparison) -> str:
    """The comparison in GitHub's Markdown."""
    c = comparison
    title = wording.headed(c, f"{len(c.candidates)} candidates compared by {c.metric}")
    parts = [f"## clipbench: {escape(title)}"]
    if c.mismatches:
        listed = "\n".join(f"> - {escape(line, 600)}" for line in c.mismatches)
        parts.append(f"> **✗ These candidates do not match.**\n{listed}")
    parts.append(escape(wording.headed(c, c.recommendation.sentence), 2000))
    parts += [escape(said, 1000)] if (said := load.of_candidates(c)) else []
    if failures := wording.failures(c):
        listed = "\n".join(f"- {escape(f'{each.name} {each.text}', 1000)}" for each in failures)
        parts.append(f"**✗ Failures**\n\n{listed}")
    parts += [metric_section(c), *front_section(c), *moved_sections(c)]
    if c.quality:
        rows = [
            [
                escape(row.metric),
                *(formatting.number(row.values[s.name].value, row.unit) for s in c.candidates),
            ]
            for row in c.quality
        ]
        parts.append(
            "**Quality figures that differ**\n\n"
            + table(["figure", *(escape(candidate.name) for candidate in c.candidates)], rows)
        )
    elif c.quality_figures:
        parts.append(
            f"All {c.quality_figures} quality figures that were measured are the same for all candidates."
        )
    if c.warnings:
        parts.append("\n".join(f"- warning: {escape(line, 600)}" for line in c.warnings))
    return "\n\n".join(parts) + "\n"


def metric_section(comparison: Comparison) -> str:
    """A row for each candidate, a column for each metric: value, ratio to the reference, call."""
    c = comparison
    heads = [
        "candidate",
        *(escape(f"{row.metric} ({row.unit})" if row.unit else row.metric) for row in c.metrics),
    ]
    rows = []
    for candidate in c.candidates:
        tags = [" (reference)"] if candidate is c.reference else []
        tags += [" **← use this**"] if candidate.name == c.recommendation.use else []
        cells = [f"{escape(candidate.name)}{''.join(tags)}<br>{wording.made_with(candidate)}"]
        for row in c.metrics:
            value = row.values[candidate.name].value
            found = row.differences.get(candidate.name)
            shown = "not measured" if value is None else formatting.number(value)
            cells.append(f"{shown}<br>{difference_cell(found, row.metric)}" if found else shown)
        missed = [t.metric for t in c.targets[candidate.name] if t.status == "fail"]
        met = sum(t.status == "pass" for t in c.targets[candidate.name])
        cells.append(f"✗ missed: {escape(', '.join(missed))}" if missed else f"✓ {met} met")
        rows.append(cells)
    samples = {
        len(row.values[s.name].samples) for row in c.metrics for s in c.candidates if row.metric == c.metric
    }
    counted = f"{min(samples)} … {max(samples)}" if len(samples) > 1 else f"{max(samples, default=0)}"
    counted += f" samples of {escape(c.metric)} per candidate"
    note = f"Ratios are to {escape(c.reference.name)}, each with its {wording.interval_name(c)}; {counted}."
    return f"{table([*heads, 'targets'], rows)}\n\n{note}"


def front_section(comparison: Comparison) -> list[str]:
    """Latency against cost, where there is a front."""
    found = comparison.front
    if found is None:
        return []
    if found.why_not:
        return [f"**{front.TITLE}**: {escape(found.why_not, 600)}"]
    rows = [[escape(cell, 600) for cell in row] for row in front.rows(found)]
    parts = [
        f"**{front.TITLE}**",
        table([escape(head) for head in front.heads(found)], rows),
        escape(front.legend(comparison, found), 1000),
        *(f"- {escape(name)} has no place: {escape(why, 600)}" for name, why in found.left_out.items()),
    ]
    return ["\n\n".join(parts)]


def moved_sections(comparison: Comparison) -> list[str]:
    """For each candidate, the analyzers that moved beyond noise."""
    parts = []
    for name, rows in comparison.analyzers.items():
        sure, rest = wording.split_moved(rows)
        if not sure:
            parts.append(f"{escape(name)}: none of {len(rest)} analyzers moved beyond noise.")
            continue
        lines = [
            [
                escape(m.analyzer),
                formatting.seconds(m.reference_s),
                formatting.seconds(m.other_s),
                wording.change(m.change_s),
                difference_cell(m.difference, "rtf_warm"),
            ]
            for m in sure[:MAX_MOVED]
        ]
        more = f"\n\n… and {len(sure) - MAX_MOVED} more" if len(sure) > MAX_MOVED else ""
        head = ["analyzer", "reference", "here", "change", f"ratio ({wording.interval_name(comparison)})"]
        parts.append(f"**Moved in {escape(name)}**\n\n{table(head, lines)}{more}")
    return parts
