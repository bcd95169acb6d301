"""A meter process with its analyzers loaded, all steps that they take on a clip, and their times."""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection

from clipbench.analyzers.base import Segment
from clipbench.bench.clips.shared_clip import SharedClip
from clipbench.bench.costing.gpu_watch import GpuUse
from clipbench.bench.costing.meter_process import (
    Command,
    Load,
    Loaded,
    Repeat,
    Repeated,
    Show,
    Take,
    Taken,
    Watch,
    Watched,
    serve,
)
from clipbench.bench.costing.observed import (
    EMPTY,
    WITHOUT,
    Loading,
    StepKind,
    Timing,
)
from clipbench.bench.errors import InputError, Interrupted
from clipbench.bench.runs.measurement import NotMeasured
from clipbench.executors.held_signals import held
from clipbench.executors.layout import Task, WorkerPlan
from clipbench.executors.processes import describe_exit
from clipbench.executors.steps import Step

#: A step is taken this often in a turn, or until it has taken so many seconds.
REPEATS, ENOUGH_S = 2, 0.1
#: The kinds of step that read a chunk.
READING: tuple[StepKind, ...] = ("feed", "unended")
#: Stands behind the names of memos that belong to pieces of sound, which is read for itself.
OF_SOUND = " (sound)"


@dataclass(frozen=True)
class Prepared:
    """A step that can be taken at any time: all that it reads is there. `upstream` are others' findings."""

    task: Task
    kind: StepKind
    piece: str
    span_s: float
    chunk_s: float
    step: Step
    upstream: Mapping[str, list[Segment]]


class Rig:
    """A process with all analyzers at so many threads each. It begins at once to load them."""

    def __init__(self, name: str, tasks: Sequence[Task], threads: int, device: str, limit_s: float) -> None:
        self.tasks, self.threads, self.limit_s = list(tasks), threads, limit_s
        self.loadings: dict[str, Loading] = {}
        self.steps: dict[str, list[Prepared]] = {}
        self.memos: dict[str, list[str]] = {}
        self.failures: dict[str, str] = {}
        #: Analyzer → what it asks the memo for that others ask for too: known after `walk`.
        self.shared: Mapping[str, Sequence[str]] = {}
        #: Name → a piece that the process has open.
        self._shown: dict[str, SharedClip] = {}
        context = multiprocessing.get_context("spawn")
        self.connection: Connection[Command, object]
        self.connection, theirs = context.Pipe()
        plan = WorkerPlan(name, device, tuple(tasks), threads)
        self.process = context.Process(target=serve, args=(theirs, plan), name=name, daemon=True)
        with held():
            self.process.start()
        theirs.close()
        for task in tasks:
            self.send(Load(task))

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.join()
        self.connection.close()

    def send(self, command: Command) -> None:
        """Tell the process, without waiting for an answer; that it has ended is noticed with the answer."""
        with contextlib.suppress(OSError):
            self.connection.send(command)

    def answer(self, analyzer: str) -> object:
        """The next answer, on work of this analyzer. Raises InputError where there is none."""
        waited_s = 0.0
        try:
            while not self.connection.poll(0.2):
                Interrupted.check()
                waited_s += 0.2
                if waited_s > self.limit_s:
                    raise InputError(
                        f"{analyzer} takes longer than executor.timeout_s={self.limit_s:g}; raise it, or "
                        "leave the analyzer out with only=[…]"
                    )
            return self.connection.recv()
        except (EOFError, OSError) as error:
            self.process.join(1.0)
            died = describe_exit(self.process.exitcode).replace("the worker", "the process")
            raise InputError(f"{analyzer}: {died}; leave it out with only=[…]") from error

    def wait_loaded(self) -> None:
        """Wait until all analyzers are loaded, and note what each took."""
        for task in self.tasks:
            if task.analyzer in self.loadings:
                continue
            loaded = self.answer(task.analyzer)
            assert isinstance(loaded, Loaded)
            if loaded.failed:
                self.failures[task.analyzer] = loaded.failed
            self.loadings[task.analyzer] = Loading(
                loaded.seconds, loaded.before_gb, loaded.after_gb, loaded.gpu_gb
            )

    def take(self, prepared: Prepared, known: frozenset[str] = frozenset(), fill: bool = False) -> Taken:
        """Take a step once."""
        self.send(command(prepared, known, fill))
        taken = self.answer(prepared.task.analyzer)
        assert isinstance(taken, Taken)
        return taken

    def repeat(self, prepared: Prepared, begin_s: float, end_s: float) -> None:
        """Have a step taken again and again; `repeated` has the times."""
        self.send(Repeat(command(prepared), begin_s, end_s))

    def repeated(self, prepared: Prepared) -> list[tuple[float, float]]:
        """The times of the step that is being repeated."""
        found = self.answer(prepared.task.analyzer)
        assert isinstance(found, Repeated)
        return found.intervals

    def watch(self, prepared: Prepared) -> GpuUse | NotMeasured:
        """What a step does to the GPU."""
        self.send(Watch(command(prepared)))
        found = self.answer(prepared.task.analyzer)
        assert isinstance(found, Watched)
        return found.use

    def time(self, prepared: Prepared, memo: str) -> Timing:
        """The seconds of a step that finds this in the memo: EMPTY, SHARED, or WITHOUT a name."""
        known = frozenset[str]()
        if memo != EMPTY:
            known = frozenset(self.shared[prepared.task.analyzer]) - {memo.removeprefix(WITHOUT)}
        seconds: list[float] = []
        peaks: list[float] = []
        while not seconds or (len(seconds) < REPEATS and sum(seconds) < ENOUGH_S):
            taken = self.take(prepared, bare(known))
            seconds.append(taken.seconds)
            peaks += [] if taken.peak_gb is None else [taken.peak_gb]
        p = prepared
        peak_gb = max(peaks, default=None)
        return Timing(
            p.task.analyzer, p.kind, p.piece, p.span_s, p.chunk_s, self.threads, memo, seconds, peak_gb
        )

    def follow(self, walked: Rig, share: bool) -> None:
        """Get ready to take the steps of another process, in which all of them have been taken.

        Each analyzer takes its first one; with `share`, those who share take all but the short ones, so that
        the memos are filled.
        """
        self.steps, self.memos, self.failures = walked.steps, walked.memos, walked.failures
        for name, piece in walked._shown.items():
            self.show(name, piece)
        for analyzer, steps in self.steps.items():
            shares = share and bool(walked.shared.get(analyzer))
            feeds = [step for step in steps if shares and step.kind in READING]
            longest_s = max((step.chunk_s for step in feeds), default=0.0)
            for step in [step for step in feeds if step.chunk_s == longest_s] or steps[:1]:
                self.take(step, fill=step.kind in READING)

    def show(self, name: str, piece: SharedClip) -> str:
        """Have the process open a piece under this name, once; the name."""
        if name not in self._shown:
            self._shown[name] = piece
            self.send(Show(name, piece.share()))
        return name


def command(prepared: Prepared, known: frozenset[str] = frozenset(), fill: bool = False) -> Take:
    """The command to take a step."""
    return Take(prepared.task, prepared.piece, prepared.step, prepared.upstream, known, fill)


def bare(names: frozenset[str]) -> frozenset[str]:
    """The names of memos as a piece has them."""
    return frozenset(name.removesuffix(OF_SOUND) for name in names)
