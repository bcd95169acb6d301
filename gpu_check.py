"""python gpu_check.py: measure all that a machine with a GPU has to tell, in one go."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

EPILOG = """Needs no network: weights are random. Writes gpu-check.json after every run and gpu-check.md at
the end, also when it is cut off by Ctrl-C or SIGTERM, with each run's own report in a folder beside them.

Exit codes: 0 all runs were made · 2 no GPU, or bad arguments · 5 a run told nothing: the table says why."""


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(
        prog="gpu_check.py",
        description="Groupings, executors, cleanup modes and scenarios on a GPU, with models=random.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--size", choices=("full", "tiny"), default="full", help="tiny tries it on a CPU")
    parser.add_argument("--repeats", type=int, default=3, help="measured passes of a run (default 3)")
    parser.add_argument(
        "--budget", type=float, default=470, metavar="SECONDS", help="no run goes on after it (default 470)"
    )
    parser.add_argument("--only", default="", metavar="A,B", help="a subset of the analyzers")
    parser.add_argument("--output", type=Path, default=Path("outputs", "gpu-check"), metavar="FOLDER")
    return parser.parse_args(argv)


def main() -> int:
    """Check; returns the exit code."""
    asked = arguments()

    import json

    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.table import Table
    from rich.text import Text

    from clipbench.bench.errors import Exit, InputError
    from clipbench.bench.sweeping import gpu_check
    from clipbench.reports import terminal
    from clipbench.reports.comparison import gpu_check as report

    try:
        gpu_check.refuse_without_gpu(asked.size)
    except InputError as error:
        print(f"clipbench: {error}", file=sys.stderr)
        return Exit.BAD_INPUT
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    todo = gpu_check.runs(asked.size, asked.repeats)
    written = asked.output / "gpu-check.json"
    written.unlink(missing_ok=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    try:
        with Progress(*columns, console=terminal.console(stderr=True), transient=True) as bar:
            task = bar.add_task("", total=len(todo))

            def told(name: str, number: int) -> None:
                bar.update(task, description=name, completed=number)

            gpu_check.check(todo, asked.output, asked.budget, asked.only, told)
    finally:
        if written.exists():
            state = json.loads(written.read_text(encoding="utf-8"))
            page = asked.output / "gpu-check.md"
            page.write_text(report.render(state), encoding="utf-8")
            table = Table("run", *report.COLUMNS, box=None)
            for row in report.rows(state):
                table.add_row(*map(Text, row))
            console = terminal.console()
            console.print(table)
            console.print(Text(f"{written}\n{page}"), soft_wrap=True)
    return Exit.OK if all("metrics" in run for run in state["runs"].values()) else Exit.NOTHING_VALID


if __name__ == "__main__":
    sys.exit(main())
