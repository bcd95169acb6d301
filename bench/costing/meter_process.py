"""The process that takes the steps that are timed: a worker of its own, whose memos are watched.

It is the analyzer-side loop of every executor (executors/worker.py), but what a piece's memo has before a
step is said by whoever measures: so a step can be taken again, alone or after those with whom it shares.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import TypeAlias, TypeVar

from clipbench.analyzers.base import Segment
from clipbench.bench.costing import gpu_watch, memory
from clipbench.bench.costing.gpu_watch import GpuUse
from clipbench.bench.runs.measurement import NotMeasured
from clipbench.executors import devices
from clipbench.executors.base import Handle, OpenPiece, Outcome, Phase, Span, now
from clipbench.executors.held_signals import leave_to_parent
from clipbench.executors.layout import Task, WorkerPlan
from clipbench.executors.protocol import WorkerSpec
from clipbench.executors.serving import THREAD_VARIABLES, die_with_parent
from clipbench.executors.steps import Fed, Step
from clipbench.executors.streams import make_forgiving
from clipbench.executors.worker import Worker

T = TypeVar("T")


@dataclass(frozen=True)
class Load:
    """Load an analyzer. Answered by Loaded."""

    task: Task


@dataclass(frozen=True)
class Show:
    """Open a piece of a clip under this name. Not answered."""

    name: str
    handle: Handle


@dataclass(frozen=True)
class Take:
    """Take a step of an analyzer on a piece. Answered by Taken.

    Before it, the piece's memo has what was filled in under the names in `known`. With `fill`, it has all of
    that, and what the step adds is filled in too.
    """

    task: Task
    piece: str
    step: Step
    upstream: Mapping[str, list[Segment]]
    known: frozenset[str] = frozenset()
    fill: bool = False


@dataclass(frozen=True)
class Repeat:
    """Take a step again and again, from `begin_s` until `end_s` has passed. Answered by Repeated."""

    take: Take
    begin_s: float
    end_s: float


@dataclass(frozen=True)
class Watch:
    """Take a step again and again, and see what it does to the GPU. Answered by Watched."""

    take: Take


@dataclass(frozen=True)
class Loaded:
    """An analyzer was loaded, or `failed`. GB are the process's resident ones and those of its GPU."""

    seconds: float
    before_gb: float | None
    after_gb: float | None
    gpu_gb: float | None
    failed: str


@dataclass(frozen=True)
class Taken:
    """A step was taken: what it gave, its seconds, the names that the memo was asked for, GB on top."""

    answer: Fed | Outcome
    seconds: float
    asked: tuple[str, ...]
    peak_gb: float | None


@dataclass(frozen=True)
class Repeated:
    """Begin and end of each time that a step was taken, on the clock of all processes."""

    intervals: list[tuple[float, float]]


@dataclass(frozen=True)
class Watched:
    """What a step does to the GPU, or why that is not known."""

    use: GpuUse | NotMeasured


Command: TypeAlias = Load | Show | Take | Repeat | Watch
Report: TypeAlias = Loaded | Taken | Repeated | Watched


class Unheard:
    """An observer that nobody listens to."""

    def began(self, worker: str, analyzer: str, phase: Phase) -> None: ...

    def ended(self, span: Span) -> None: ...


class WatchedPiece:
    """A piece of a clip that keeps what it was asked for. See `Chunk` in analyzers/base.py."""

    def __init__(self, piece: OpenPiece) -> None:
        self.duration_s, self.width, self.height = piece.duration_s, piece.width, piece.height
        self.fps, self.has_audio = piece.fps, piece.has_audio
        self.start_s, self.end_s = piece.start_s, piece.end_s
        self.frames, self.audio, self.levels, self.close = (
            piece.frames,
            piece.audio,
            piece.levels,
            piece.close,
        )
        self.filled: dict[Hashable, object] = {}
        self._memo: dict[Hashable, object] = {}
        self.asked: dict[str, None] = {}

    def prepare(self, known: frozenset[str], fill: bool) -> None:
        """Before a step: have the memo that it is to find."""
        self.asked = {}
        kept = {key: value for key, value in self.filled.items() if memo_name(key) in known}
        self._memo = self.filled if fill else kept

    def memo(self, key: Hashable, compute: Callable[[], T]) -> T:
        self.asked[memo_name(key)] = None
        if key not in self._memo:
            self._memo[key] = compute()
        return self._memo[key]  # type: ignore[return-value]  # a key always has the same type of value


def memo_name(key: Hashable) -> str:
    """What a key of a memo is called."""
    return " ".join(map(str, key)) if isinstance(key, tuple) else str(key)


def serve(connection: Connection[Report, Command], worker: WorkerPlan) -> None:
    """Do what comes over `connection` until it ends."""
    leave_to_parent()
    die_with_parent()
    make_forgiving()
    os.environ |= dict.fromkeys(THREAD_VARIABLES, str(worker.threads)) | devices.visible(worker.device)
    meter = Meter(Worker(WorkerSpec(worker), devices.alone(worker.device), Unheard()))
    try:
        while True:
            if (report := meter.do(connection.recv())) is not None:
                connection.send(report)
    except (EOFError, OSError):
        return  # nobody measures any more


class Meter:
    """A worker, the pieces that it has open, and how it is timed."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.pieces: dict[str, WatchedPiece] = {}

    def do(self, command: Command) -> Report | None:
        """Carry out one command."""
        match command:
            case Load(task):
                return self.load(task)
            case Show(name, handle):
                if name in self.pieces:
                    self.pieces.pop(name).close()
                self.pieces[name] = WatchedPiece(handle.open())
                return None
            case Take():
                return self.take(command)
            case Repeat(take, begin_s, end_s):
                return self.repeat(take, begin_s, end_s)
            case Watch(take):
                return Watched(gpu_watch.watch(lambda: self.take_again(take)))

    def load(self, task: Task) -> Loaded:
        before_gb, gpu_gb = memory.resident_gb(), memory.gpu_gb(self.worker.device)
        start_s = now()
        self.worker.load(task)
        seconds = now() - start_s
        failed = self.worker.unloadable.get(task.analyzer)
        on_gpu = None if gpu_gb is None else (memory.gpu_gb(self.worker.device) or 0.0) - gpu_gb
        return Loaded(seconds, before_gb, memory.resident_gb(), on_gpu, failed.reason if failed else "")

    def take(self, take: Take) -> Taken:
        piece = self.pieces[take.piece]
        piece.prepare(take.known, take.fill)
        peak = memory.Peak()
        answer = self.worker.take(take.task, take.step, piece, take.upstream)
        seconds = answer.seconds if isinstance(answer, Fed) else answer.analyze_s
        return Taken(answer, seconds or 0.0, tuple(piece.asked), peak.gb())

    def repeat(self, take: Take, begin_s: float, end_s: float) -> Repeated:
        intervals: list[tuple[float, float]] = []
        while now() < begin_s:
            pass  # awake, as it will be
        while not intervals or now() < end_s:
            start_s = now()
            self.take_again(take)
            intervals.append((start_s, now()))
        return Repeated(intervals)

    def take_again(self, take: Take) -> None:
        """Take a step whose answer and memory nobody asks for."""
        self.pieces[take.piece].prepare(take.known, take.fill)
        self.worker.take(take.task, take.step, self.pieces[take.piece], take.upstream)
