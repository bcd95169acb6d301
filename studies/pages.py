"""Figures in documentation that a command has written, between two marks that name it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def markdown(cells: Sequence[Sequence[str]]) -> str:
    """Cells with a heading as a table that reads well as text too."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [" | ".join(map(str.ljust, line, widths)) for line in cells]
    lines.insert(1, " | ".join("-" * width for width in widths))
    return "\n".join(f"| {line} |" for line in lines)


def write_between(path: Path, begin: str, end: str, text: str) -> None:
    """Replace what stands between two marks in a page; raises ValueError if it has none."""
    before, begun, rest = path.read_text(encoding="utf-8").partition(begin)
    _, ended, after = rest.partition(end)
    if not begun or not ended:
        raise ValueError(f"{path} has no lines {begin} and {end}")
    path.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", encoding="utf-8")
