"""Text, tables and code blocks in GitHub's Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from clipbench.reports import formatting

#: A table has at most this many rows.
MAX_ROWS = 60
#: Characters with a meaning within a line of Markdown; "_" has one at the edge of a word only.
SPECIAL = re.compile(r"([\\`*\[\]<>|~&$]|_(?![A-Za-z0-9])|(?<![A-Za-z0-9])_)")


def escape(text: str, most: int = formatting.MAX_LENGTH) -> str:
    """`text` on one line, cut to `most` characters, without effect in Markdown and in HTML."""
    line = " ".join(formatting.printable(formatting.shortened(text, most)).split())
    return SPECIAL.sub(r"\\\1", line)


def table(heads: Sequence[str], rows: Iterable[Iterable[str]], most: int | None = MAX_ROWS) -> str:
    """A table. Cells are Markdown already; a head that starts with ">" is that of a column of numbers.

    Of more than `most` rows the first ones are shown, and how many there are more; None shows all.
    """
    rows = list(rows)
    lines = [
        [head.removeprefix(">") for head in heads],
        ["---:" if head.startswith(">") else "---" for head in heads],
        *rows[:most],
    ]
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    hidden = 0 if most is None else max(0, len(rows) - most)
    return text + (f"\n\n… and {hidden} more" if hidden else "")


def fenced(text: str) -> str:
    """`text` as a block of code, whatever fences it contains."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}\n{formatting.printable(text)}\n{fence}"
