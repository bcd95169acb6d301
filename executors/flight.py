"""One clip on its way through the analyzers: what has been done on it, and what could be done next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from clipbench.analyzers.base import Needs, Segment
from clipbench.executors.base import Clip, ClipLost, Outcome, Piece
from clipbench.executors.graph import Graph
from clipbench.executors.layout import Task
from clipbench.executors.steps import Fed, Feed, Finish, Step, Whole, chunk_name, sound_name

#: What a task reads next: the number of the chunk, or None for the whole clip, and what it needs of that.
Wanted: TypeAlias = tuple[int | None, Needs]


@dataclass
class TaskProgress:
    """How far an analyzer has come with a clip: the chunk that it reads next, and its state before that.

    `seconds` is what it has taken so far, `retried` how a second try of a chunk differed from the first;
    `blockers` are the analyzers that keep it from its next step.
    """

    task: Task
    chunk: int = 0
    state: bytes | None = None
    running: bool = False
    seconds: float = 0.0
    retried: str = ""
    blockers: set[str] = field(default_factory=set)


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
    `unforgotten` are the names of those that workers may still have open. `undecoded` are the tasks that wait
    for nothing but a piece of the clip, as far as is known, by that piece.
    """

    number: int
    clip: Clip
    graph: Graph
    waiting: dict[str, TaskProgress]
    results: dict[str, Sequence[Segment]] = field(default_factory=dict)
    lost: str = ""
    released: int = 0
    unforgotten: list[str] = field(default_factory=list)
    undecoded: dict[Wanted, dict[str, TaskProgress]] = field(default_factory=dict)
    _reading: Counter[int] = field(default_factory=Counter)  # chunk → how many tasks read it next

    @classmethod
    def of(cls, number: int, clip: Clip, graph: Graph) -> Flight:
        """The flight of a clip, each analyzer where the clip's journal has it."""
        flight = cls(number, clip, graph, {task.analyzer: TaskProgress(task) for task in graph.tasks})
        for name, progress in flight.waiting.items():
            if progress.task.chunked:
                progress.chunk, progress.state = clip.journal.position(name)
                flight._reading[progress.chunk] += 1
        for progress in flight.waiting.values():
            flight._advance(progress)
        flight.release()
        return flight

    @property
    def finished(self) -> bool:
        """Whether every analyzer has its outcome."""
        return not self.waiting

    def ready(self) -> Iterator[Ready]:
        """The tasks that could go on now; none once the clip is lost, and then `lost` says why."""
        for progress in self.waiting.values():
            if not progress.running and not progress.blockers and (piece := self.piece(progress)):
                yield Ready(progress.task, piece, progress.seconds)

    def newly_ready(self) -> list[TaskProgress]:
        """The tasks that can go on since this was last asked; none once the clip is lost.

        The clip is asked once for each piece, however many tasks wait for it.
        """
        found: list[TaskProgress] = []
        for wanted in list(self.undecoded):
            if self._decoded(wanted):
                found += self.undecoded.pop(wanted).values()
        return found

    def piece(self, progress: TaskProgress) -> Piece | None:
        """What a task reads next; None if that is not decoded, or if the clip is lost."""
        return self._decoded(self._wanted(progress))

    def _feeds(self, progress: TaskProgress) -> bool:
        """Whether the next step of a task is to read a chunk."""
        return progress.task.chunked and progress.chunk < self.clip.chunks

    def _wanted(self, progress: TaskProgress) -> Wanted:
        if self._feeds(progress):
            return progress.chunk, progress.task.needs
        return None, Needs() if progress.task.chunked else progress.task.needs

    def _decoded(self, wanted: Wanted) -> Piece | None:
        number, needs = wanted
        if self.lost:
            return None
        try:
            return self.clip.whole(needs) if number is None else self.clip.chunk(number, needs)
        except ClipLost as error:
            self.lost = str(error)
            return None

    def _advance(self, progress: TaskProgress) -> None:
        """A task has come to its next step: note what keeps it from that."""
        task = progress.task
        if self._feeds(progress):
            progress.blockers = {name for name in task.after if not self._has_passed(name, progress.chunk)}
        else:
            progress.blockers = {*(self.graph.waits_for[task.analyzer] & self.waiting.keys())}
        self._unblock(progress)

    def _unblock(self, progress: TaskProgress, *analyzers: str) -> None:
        """These analyzers keep a task no longer from its next step."""
        progress.blockers.difference_update(analyzers)
        if not progress.blockers and not progress.running:
            self.undecoded.setdefault(self._wanted(progress), {})[progress.task.analyzer] = progress

    def stop(self, progress: TaskProgress) -> None:
        """Let a task wait no more for its next piece: it is taken, or will not be run."""
        wanted = self._wanted(progress)
        if (others := self.undecoded.get(wanted)) is not None:
            others.pop(progress.task.analyzer, None)
            if not others:
                del self.undecoded[wanted]
        progress.running = True

    def take(self, task: Task) -> Step:
        """The step that a ready task takes; until its end, the task is not ready."""
        progress = self.waiting[task.analyzer]
        self.stop(progress)
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
        self.stop(progress)
        self._reading[progress.chunk] -= 1
        progress.running = False
        progress.chunk, progress.state = fed.chunk + 1, fed.state
        self._reading[progress.chunk] += 1
        progress.seconds += fed.seconds
        progress.retried = fed.retried or progress.retried
        self.clip.journal.fed(fed)
        self.release()
        self._advance(progress)
        for reader in self._blocked_by(fed.analyzer):
            if self._feeds(reader) and reader.chunk < progress.chunk:
                self._unblock(reader, fed.analyzer)

    def record(self, outcome: Outcome) -> None:
        """Take note of what became of an analyzer; its outcome then covers all of its chunks."""
        progress = self.waiting[outcome.analyzer]
        self.stop(progress)
        del self.waiting[outcome.analyzer]
        if progress.task.chunked:
            self._reading[progress.chunk] -= 1
        if outcome.analyze_s is not None:
            outcome.analyze_s += progress.seconds
        outcome.retried = outcome.retried or progress.retried
        if outcome.status == "ok":
            self.results[outcome.analyzer] = outcome.segments
        self.release()
        for reader in self._blocked_by(outcome.analyzer):
            self._unblock(reader, outcome.analyzer)

    def _blocked_by(self, analyzer: str) -> Iterator[TaskProgress]:
        """The tasks that an analyzer keeps from their next step."""
        for name in self.graph.readers[analyzer]:
            reader = self.waiting.get(name)
            if reader is not None and analyzer in reader.blockers:
                yield reader

    def release(self) -> None:
        """Give back the chunks that no analyzer will read any more."""
        until = self.released
        while until < self.clip.chunks and not self._reading[until]:
            self._reading.pop(until, None)
            until += 1
        if until > self.released:
            gone = range(self.released, until)
            self.unforgotten += [name(number) for number in gone for name in (sound_name, chunk_name)]
            self.released = until
            self.clip.release(until)

    def forgettable(self) -> list[str]:
        """The pieces that workers may let go of, each named once."""
        names, self.unforgotten = self.unforgotten, []
        return names
