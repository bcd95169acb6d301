"""`clipbench --doctor`: what is here, what is missing, and how to mend it."""

from __future__ import annotations

from pathlib import Path

from clipbench.bench import invocation
from clipbench.bench.errors import Exit
from clipbench.bench.measuring.doctor import examine
from clipbench.reports import terminal

#: State → how it is shown, and in which style.
SHOWN = {
    "found": ("✓", "green"),
    "absent": ("–", "dim"),
    "doubtful": ("!", "yellow"),
    "missing": ("✗", "bold red"),
}


def doctor() -> int:
    """Print a line for each thing that was looked for; returns 2 where something needed is missing."""
    console = terminal.console()
    found = list(examine(Path("outputs")))
    table = terminal.plain_table("", "", heads=False)
    table.add_column("")
    for check in found:
        sign, style = SHOWN[check.state]
        fix = check.fix.replace("python plan.py", invocation.program("plan"))
        table.add_row(sign, check.what, check.found if not fix else f"{check.found}\n→ {fix}", style=style)
    console.print(table)
    return Exit.BAD_INPUT if any(check.state == "missing" for check in found) else Exit.OK
