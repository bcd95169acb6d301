"""rates.md: a search of rates in a few lines, for the summary of a CI job."""

from __future__ import annotations

from clipbench.bench.sweeping.rate_search import RateSearch
from clipbench.reports import formatting
from clipbench.reports.markdown_text import escape, fenced, table
from clipbench.reports.rates import wording


def render(search: RateSearch) -> str:
    """The summary, in GitHub's Markdown."""
    heads = [f">{head}" for head in wording.HEADS[:-1]]
    parts = [
        f"# {escape(formatting.headed(f'the highest rate: {search.title}', search))}",
        f"**{escape(wording.answer(search), 600)}**",
        table(
            [*heads, wording.HEADS[-1]],
            [[*map(escape, row.cells), escape(row.verdict)] for row in wording.rows(search)],
        ),
    ]
    if search.simulated:
        parts.append(escape(formatting.prediction(search), 800))
    if search.clip is not None:
        parts.append(f"Clip: {escape(formatting.clip_line(search.clip))}.")
    if search.environment is not None:
        parts.append(f"Machine: {escape(formatting.machine_line(search.environment), 400)}")
    return "\n\n".join([*parts, fenced(formatting.shortened(search.command, 1200))]) + "\n"
