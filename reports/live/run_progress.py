"""The live display of a run: which pass, which analyzer is at work, how far it is and for how long.

A long clip has a line of its own: how many of its seconds are done, how fast, and what remains.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, Task, TextColumn, TimeElapsedColumn

from clipbench.executors.base import Outcome, Phase, Span
from clipbench.reports import formatting, repeats, terminal
from clipbench.reports.live.clip_progress import ClipProgress
from clipbench.reports.live.heartbeat import heartbeat

#: A clip of at least so many seconds that comes in chunks has a line of its own.
LONG_S = 60.0


class RunProgress:
    """Shows a run's progress; the runner calls its methods."""

    def __init__(self, display: Progress, predicted: bool = False) -> None:
        """`predicted`: nothing runs, so that no pass is called measured."""
        self.display, self.counted = display, "predicted" if predicted else "measured"
        self.task = display.add_task("starting", total=None, at="", left="")
        self.line = display.add_task("seconds of clip", total=None, at="", left="", visible=False)
        self.clips: dict[int, ClipProgress] = {}

    def passes(
        self, number: int, of: int | None, warmup: bool, analyzers: int, width: float | None = None
    ) -> None:
        kind = "warm-up" if warmup else self.counted
        if width is not None:
            kind += f"; so far {repeats.half(width)} of the median"
        self.display.update(
            self.task,
            description=f"pass {number}{f'/{of}' if of else ''} ({kind})",
            total=of * analyzers if of else None,
            completed=(number - 1) * analyzers if of else 0,
        )

    def began(self, worker: str, analyzer: str, phase: Phase) -> None:
        self.display.update(self.task, at=analyzer if phase == "analyze" else f"{phase} {analyzer}".strip())

    def opened(self, clip: int, duration_s: float, chunk_s: float | None, chunked: Collection[str]) -> None:
        if chunk_s is not None and duration_s >= LONG_S:
            self.clips[clip] = ClipProgress(duration_s, chunk_s, chunked)
            self._show_clip()

    def fed(self, span: Span) -> None:
        if span.clip in self.clips:
            self.clips[span.clip].fed(span)
            self._show_clip()

    def finished(self, clip: int, outcome: Outcome) -> None:
        self.display.advance(self.task)
        self.display.update(self.task, left=left(self.display.tasks[0]))
        if clip in self.clips:
            self.clips[clip].leave(outcome.analyzer)
            self._show_clip()

    def __str__(self) -> str:
        """Where the run is, on one line."""
        task, line = self.display.tasks
        done = f"{task.completed:.0f} of {task.total:.0f} done" if task.total else ""
        clip = (
            f"{line.completed:.0f} of {line.total:.0f} s of the clip" if line.visible and line.total else ""
        )
        so_far = f"{formatting.long_duration(task.elapsed or 0.0)} so far"
        parts = (
            task.description,
            task.fields["at"],
            done,
            clip,
            line.fields["at"],
            so_far,
            task.fields["left"],
        )
        return ", ".join(filter(None, parts))

    def _show_clip(self) -> None:
        """Show the first clip that has not been read to its end, and forget those that have."""
        self.clips = {number: clip for number, clip in self.clips.items() if clip.done_s < clip.duration_s}
        shown = self.clips[min(self.clips)] if self.clips else None
        self.display.update(self.line, visible=shown is not None)
        if shown is not None:
            total, done = round(shown.duration_s), int(shown.done_s)
            self.display.update(self.line, total=total, completed=done, at=str(shown))


def left(task: Task) -> str:
    """About how long a task will still take, if it goes on as until now; "" before anything is done."""
    if not task.total or not task.completed or task.finished or task.elapsed is None:
        return ""
    left_s = task.elapsed * (task.total - task.completed) / task.completed
    return f"about {formatting.long_duration(left_s)} left"


@contextlib.contextmanager
def run_progress(console: Console, enabled: bool, predicted: bool = False) -> Iterator[RunProgress]:
    """If `enabled`, a display on a terminal, which disappears at the end, or now and then a line in a log."""
    columns = (
        *terminal.counting_columns(),
        TextColumn("{task.fields[left]}"),
        TextColumn("[cyan]{task.fields[at]}"),
    )
    with terminal.progress(console, enabled, *columns) as display:
        shown = RunProgress(display, predicted)
        with heartbeat(console, enabled, shown.__str__):
            yield shown


@contextlib.contextmanager
def waiting(console: Console, enabled: bool, what: str) -> Iterator[None]:
    """Shows that a run in a fresh process is being waited for, and for how long."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with terminal.progress(console, enabled, *columns) as display:
        display.add_task(terminal.safe(what), total=None)
        yield
