"""The live display of a sweep: a line per finished turn, and on a terminal also how far the sweep is."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Sequence

from rich.console import Console
from rich.progress import Progress, TextColumn

from clipbench.bench.runs.sweep_state import Turn
from clipbench.bench.sweeping.sweep import Job
from clipbench.reports import terminal
from clipbench.reports.formatting import long_duration
from clipbench.reports.terminal import safe


class SweepProgress:
    """Shows a sweep's progress; the sweep calls its methods."""

    def __init__(self, display: Progress, predicted: Collection[str] = ()) -> None:
        """`predicted` are the jobs that are simulated."""
        self.display, self.predicted = display, predicted
        self.task = display.add_task("starting", total=None, job="", left="")

    def began(self, number: int, of: int, job: str, round_: int, left_s: float | None) -> None:
        self.display.update(
            self.task,
            description=f"round {round_}",
            completed=number - 1,
            total=of,
            job=safe(job),
            left="" if left_s is None else f"about {long_duration(left_s)} left",
        )

    def ended(self, turn: Turn) -> None:
        """Print the turn and its outcome."""
        outcome = f"[red]failed:[/] {safe(turn.reason)}"
        if turn.state == "done":
            reason = f" [yellow]({safe(turn.reason)})[/]" if turn.reason else ""
            kind = "predicted " if turn.job in self.predicted else ""
            outcome = f"{kind}{turn.metric} {turn.value:.3g}{reason}"
        self.print(f"round {turn.round}  {safe(turn.job)}  {outcome}  [dim]{long_duration(turn.seconds)}[/]")
        self.display.advance(self.task)

    def gave_up(self, job: str, reason: str) -> None:
        self.print(f"[red]{safe(job)} gets no more turns:[/] {safe(reason)}")

    def budget_over(self, left: Sequence[tuple[int, Job]], interrupted: bool, command: str) -> None:
        """Print how many turns are left, and the command that continues the sweep."""
        first = ", of which the first was interrupted" if interrupted else ""
        turns = f"{len(left)} {'turn is' if len(left) == 1 else 'turns are'} left"
        self.print(f"[yellow]the budget is over:[/] {turns}{first}; continue with: {safe(command)}")

    def print(self, line: str) -> None:
        """Print one unfolded line: a log is searched by line, and a terminal folds lines itself."""
        self.display.console.print(line, highlight=False, soft_wrap=True)


@contextlib.contextmanager
def sweep_progress(
    console: Console, enabled: bool, predicted: Collection[str] = ()
) -> Iterator[SweepProgress]:
    """A display whose bar disappears at the end; the bar is hidden unless `enabled` and on a terminal."""
    columns = (
        *terminal.counting_columns(),
        TextColumn("{task.fields[left]}"),
        TextColumn("[cyan]{task.fields[job]}"),
    )
    with terminal.progress(console, enabled, *columns, frames_per_second=1) as display:
        yield SweepProgress(display, predicted)
