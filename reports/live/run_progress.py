"""The live display of a run: which pass, which analyzer is at work, how far it is and for how long."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from clipbench.executors.base import Outcome, Phase
from clipbench.reports import terminal


class RunProgress:
    """Shows a run's progress; the runner calls its methods."""

    def __init__(self, display: Progress) -> None:
        self.display = display
        self.task = display.add_task("starting", total=None, at="")

    def passes(self, number: int, of: int, warmup: bool, analyzers: int) -> None:
        kind = "warm-up" if warmup else "measured"
        self.display.update(
            self.task,
            description=f"pass {number}/{of} ({kind})",
            total=of * analyzers,
            completed=(number - 1) * analyzers,
        )

    def began(self, worker: str, analyzer: str, phase: Phase) -> None:
        self.display.update(self.task, at=analyzer if phase == "analyze" else f"{phase} {analyzer}".strip())

    def finished(self, outcome: Outcome) -> None:
        self.display.advance(self.task)


@contextlib.contextmanager
def run_progress(console: Console, enabled: bool) -> Iterator[RunProgress]:
    """A display that disappears at the end; it is hidden unless `enabled` and on a terminal."""
    columns = (*terminal.counting_columns(), TextColumn("[cyan]{task.fields[at]}"))
    with terminal.progress(console, enabled, *columns) as display:
        yield RunProgress(display)


@contextlib.contextmanager
def waiting(console: Console, enabled: bool, what: str) -> Iterator[None]:
    """Shows that a run in a fresh process is being waited for, and for how long."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with terminal.progress(console, enabled, *columns) as display:
        display.add_task(terminal.safe(what), total=None)
        yield
