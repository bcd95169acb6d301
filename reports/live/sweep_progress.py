"""A sweep while it goes on: a line for each finished turn; on a terminal also how far it is, how long yet."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    track,
)

#: Lines are as long as they are: a log is searched, and a terminal folds them itself.
PLAIN = {"highlight": False, "soft_wrap": True}


class Live:
    """Shows a sweep on a console; the sweep calls its methods."""

    def __init__(self, bar: Progress) -> None:
        self.bar = bar
        self.task = bar.add_task("starting", total=None, job="", left="")

    def began(self, number: int, of: int, job: str, round_: int, left_s: float | None) -> None:
        self.bar.update(
            self.task,
            description=f"round {round_}",
            completed=number - 1,
            total=of,
            job=escape(job),
            left="" if left_s is None else f"about {duration(left_s)} left",
        )

    def ended(self, turn: Any) -> None:
        """Print the turn (a clipbench.bench.runs.child_run.Turn)."""
        outcome = f"[red]failed:[/] {escape(turn.reason)}"
        if turn.state == "done":
            outcome = f"{turn.metric} {turn.value:.3g}" + (
                f" [yellow]({escape(turn.reason)})[/]" if turn.reason else ""
            )
        self.bar.console.print(
            f"round {turn.round}  {escape(turn.job)}  {outcome}  [dim]{duration(turn.seconds)}[/]",
            **PLAIN,
        )
        self.bar.advance(self.task)

    def gave_up(self, job: str, reason: str) -> None:
        self.bar.console.print(f"[red]{escape(job)} gets no more turns:[/] {escape(reason)}", **PLAIN)


def duration(seconds: float) -> str:
    """Seconds as people say them: 8 s, 3 min 20 s, 2 h 05 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


@contextlib.contextmanager
def live(console: Console, enabled: bool) -> Iterator[Live]:
    """A display whose bar goes away at the end; on what is no terminal, or disabled, there is no bar."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
        TextColumn("[cyan]{task.fields[job]}"),
    )
    hidden = not enabled or not console.is_terminal
    # Once a second: the display must not take time from what is measured.
    with Progress(*columns, console=console, transient=True, disable=hidden, refresh_per_second=1) as bar:
        yield Live(bar)


def checking(jobs: list) -> Iterable:
    """Go through the jobs of a sweep that are being validated, and show how far that is."""
    console = Console(stderr=True)
    hidden = not console.is_terminal
    return track(jobs, "checking the jobs", console=console, transient=True, disable=hidden)
