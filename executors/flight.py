"""One clip on its way through the analyzers: what has been done on it, and what could be done next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from clipbench.analyzers.base import Needs, Segment
from clipbench.executors.base import Clip, ClipLost, Outcome, Piece
from clipbench.executors.layout import Task
from clipbench.executors.steps import Fed, Feed, Finish, Step, Whole, chunk_name, sound_name


@dataclass
class TaskProgress:
    """How far an analyzer has come with a clip: the chunk that it reads next, and its state before that.

    `seconds` is what it has taken so far, `retried` how a second try of a chunk differed from the first.
    """

    task: Task
    chunk: int = 0
    state: bytes | None = None
    running: bool = False
    seconds: float = 0.0
    retried: str = ""


@dataclass(frozen=True)
class Ready:
    """A task that could go on now, the piece of the clip that it reads next, and the seconds spent before."""

    task: Task
    piece: Piece
    spent_s: float


@dataclass
class Flight:
    """A clip in flight. `waiting` has the progress of the analyzers that have no outcome yet.

    `lost` says why decoding has failed; `released` counts the chunks that nobody will read any more, and
    `unforgotten` are the names of those that workers may still have open.
    """

    number: int
    clip: Clip
    waiting: dict[str, TaskProgress]
    done: set[str] = field(default_factory=set)
    results: dict[str, Sequence[Segment]] = field(default_factory=dict)
    lost: str = ""
    released: int = 0
    unforgotten: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, number: int, clip: Clip, tasks: Iterable[Task]) -> Flight:
        """The flight of a clip, each analyzer where the clip's journal has it."""
        flight = cls(number, clip, {task.analyzer: TaskProgress(task) for task in tasks})
        for name, progress in flight.waiting.items():
            if progress.task.chunked:
                progress.chunk, progress.state = clip.journal.position(name)
        flight.release()
        return flight

    @property
    def finished(self) -> bool:
        """Whether every analyzer has its outcome."""
        return not self.waiting

    def ready(self) -> Iterator[Ready]:
        """The tasks that could go on now; none once the clip is lost, and then `lost` says why."""
        try:
            for progress in self.waiting.values():
                if not progress.running and (piece := self._next_piece(progress)):
                    yield Ready(progress.task, piece, progress.seconds)
        except ClipLost as error:
            self.lost = str(error)

    def _next_piece(self, progress: TaskProgress) -> Piece | None:
        """What a task reads next, if it is decoded and all that the task waits for is done."""
        task = progress.task
        if task.chunked and progress.chunk < self.clip.chunks:
            passed = all(self._has_passed(other, progress.chunk) for other in task.after)
            return self.clip.chunk(progress.chunk, task.needs) if passed else None
        if not self.done.issuperset({*task.upstream, *task.after}):
            return None
        return self.clip.whole(Needs() if task.chunked else task.needs)

    def take(self, task: Task) -> Step:
        """The step that a ready task takes; until its end, the task is not ready."""
        progress = self.waiting[task.analyzer]
        progress.running = True
        if not task.chunked:
            return Whole()
        if progress.chunk < self.clip.chunks:
            return Feed(progress.chunk, progress.state)
        return Finish(self.clip.journal.found(task.analyzer), progress.state)

    def _has_passed(self, analyzer: str, chunk: int) -> bool:
        """Whether an analyzer does not keep another from a chunk.

        One that needs the whole clip cannot: the decoder waits until the chunks have been read.
        """
        progress = self.waiting.get(analyzer)
        return progress is None or not progress.task.chunked or progress.chunk > chunk

    def results_for(self, task: Task) -> dict[str, Sequence[Segment]]:
        """What the analyzers found that this one reads."""
        return {name: self.results[name] for name in task.upstream if name in self.results}

    def fed(self, fed: Fed) -> None:
        """Take note that an analyzer has read a chunk."""
        progress = self.waiting[fed.analyzer]
        progress.running = False
        progress.chunk, progress.state = fed.chunk + 1, fed.state
        progress.seconds += fed.seconds
        progress.retried = fed.retried or progress.retried
        self.clip.journal.fed(fed)
        self.release()

    def record(self, outcome: Outcome) -> None:
        """Take note of what became of an analyzer; its outcome then covers all of its chunks."""
        progress = self.waiting.pop(outcome.analyzer)
        if outcome.analyze_s is not None:
            outcome.analyze_s += progress.seconds
        outcome.retried = outcome.retried or progress.retried
        self.done.add(outcome.analyzer)
        if outcome.status == "ok":
            self.results[outcome.analyzer] = outcome.segments
        self.release()

    def release(self) -> None:
        """Give back the chunks that no analyzer will read any more."""
        until = min((p.chunk for p in self.waiting.values() if p.task.chunked), default=self.clip.chunks)
        if until > self.released:
            gone = range(self.released, until)
            self.unforgotten += [name(number) for number in gone for name in (sound_name, chunk_name)]
            self.released = until
            self.clip.release(until)

    def forgettable(self) -> list[str]:
        """The pieces that workers may let go of, each named once."""
        names, self.unforgotten = self.unforgotten, []
        return names
