"""The answers for machines on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from clipbench.bench.measuring.machine_choice import MachineChoice
from clipbench.reports.planning.machine_rows import HEADS, LEGEND, cells, notes
from clipbench.reports.terminal import plain_table


def show(choice: MachineChoice, console: Console, paths: Sequence[Path]) -> None:
    """Print the table, the advice, what to beware of, and where the files are."""
    table = plain_table(gap=1)
    for head in HEADS:
        right = head.startswith(">")
        table.add_column(head.lstrip(">"), justify="right" if right else "left", overflow="fold")
    for number, answer in enumerate(choice.answers):
        table.add_row(*(Text(cell, style="bold" if number == choice.take else "") for cell in cells(answer)))
    console.print(Text("\npredicted, by costs; nothing ran\n", style="magenta"), table)
    console.print(Text(f"\n{choice.advice}\n", style="bold"))
    for line in notes(choice):
        console.print(Text(f"- {line}"))
    console.print(Text(LEGEND, style="dim"))
    for path in paths:
        console.print(Text(str(path)), soft_wrap=True)
