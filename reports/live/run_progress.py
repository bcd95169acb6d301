"""The live display of a run: which pass, which analyzer is at work, how far, how long."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)


class Live:
    """Shows a run's progress on `console`; the runner calls its methods."""

    def __init__(self, bar: Progress) -> None:
        self.bar = bar
        self.task = bar.add_task("starting", total=None, at="")

    def passes(self, number: int, of: int, warmup: bool, analyzers: int) -> None:
        kind = "warm-up" if warmup else "measured"
        self.bar.update(
            self.task,
            description=f"pass {number}/{of} ({kind})",
            total=of * analyzers,
            completed=(number - 1) * analyzers,
        )

    def began(self, worker: str, analyzer: str, phase: Any) -> None:
        self.bar.update(self.task, at=analyzer if phase == "analyze" else f"{phase} {analyzer}".strip())

    def finished(self, outcome: Any) -> None:
        self.bar.advance(self.task)


@contextlib.contextmanager
def live(console: Console, enabled: bool) -> Iterator[Live]:
    """A live display that goes away at the end; on what is no terminal, or disabled, it shows nothing."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("[cyan]{task.fields[at]}"),
    )
    hidden = not enabled or not console.is_terminal
    # Four frames a second: the display's thread must not take time from what is measured.
    with Progress(*columns, console=console, transient=True, disable=hidden, refresh_per_second=4) as bar:
        yield Live(bar)
