"""A meter process with its analyzers loaded, all steps that they take on a clip, and their times."""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection

from clipbench.analyzers.base import Segment
from clipbench.bench.clips.shared_clip import FACTS, SharedClip, facts_alone
from clipbench.bench.costing.cuts import Cut
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
from clipbench.bench.costing.observed import EMPTY, WITHOUT, Loading, StepKind, Timing
from clipbench.bench.errors import InputError, Interrupted
from clipbench.bench.runs.measurement import NotMeasured
from clipbench.executors.base import Outcome
from clipbench.executors.held_signals import held
from clipbench.executors.layout import Task, WorkerPlan
from clipbench.executors.processes import describe_exit
from clipbench.executors.steps import Fed, Feed, Finish, Step, Whole, sound_name

#: A step is taken this often in a turn, or until it has taken so many seconds.
REPEATS, ENOUGH_S = 2, 0.1
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
    """A process with all analyzers loaded at so many threads each."""

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

    def load(self, task: Task) -> None:
        """Load an analyzer, and note what that took."""
        self.send(Load(task))
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

    def walk(self, long: Cut, short: Cut) -> None:
        """Take all analyzers through the clip, so that each of their steps can be taken again."""
        results: dict[str, list[Segment]] = {}
        for task in self.tasks:
            if task.analyzer in self.failures:
                continue
            upstream = {name: results[name] for name in task.upstream if name in results}
            outcome = self._walk_one(task, long, short, upstream)
            if outcome.status != "ok" or outcome.reason:
                self.failures[task.analyzer] = outcome.reason
                self.steps.pop(task.analyzer, None)
            else:
                results[task.analyzer] = list(outcome.segments)

    def follow(self, walked: Rig, share: bool) -> None:
        """Get ready to take the steps of another process, in which all of them have been taken.

        Each analyzer takes its first one; with `share`, those who share take all but the short ones, so that
        the memos are filled.
        """
        self.steps, self.memos, self.failures = walked.steps, walked.memos, walked.failures
        for name, piece in walked._shown.items():
            self._opened(name, piece)
        for analyzer, steps in self.steps.items():
            shares = share and bool(walked.shared.get(analyzer))
            feeds = [step for step in steps if shares and step.kind == "feed"]
            longest_s = max((step.chunk_s for step in feeds), default=0.0)
            for step in [step for step in feeds if step.chunk_s == longest_s] or steps[:1]:
                self.take(step, fill=step.kind == "feed")

    def _walk_one(self, task: Task, long: Cut, short: Cut, upstream: Mapping[str, list[Segment]]) -> Outcome:
        self.steps[task.analyzer] = steps = []
        if not task.chunked:
            return self._walk_whole(task, long, upstream)
        for cut in (short, long):
            state, found, states = None, [], []
            for number in range(cut.count):
                piece = cut.piece(task, number)
                prepared = Prepared(
                    task, "feed", self._show(cut, piece), piece.span_s, cut.chunk_s, Feed(number, state), {}
                )
                if task.analyzer not in self.memos:
                    asked = self.take(prepared).asked
                    end = OF_SOUND if piece.name == sound_name(number) else ""
                    self.memos[task.analyzer] = [name + end for name in asked]
                answer = self.take(prepared, fill=True).answer
                if isinstance(answer, Outcome):
                    return answer
                steps.append(prepared)
                state = answer.state
                found.append(answer.found)
                states.append(state)
        return self._walk_finish(task, long, found, states, upstream)

    def _walk_finish(
        self,
        task: Task,
        cut: Cut,
        found: Sequence[bytes],
        states: Sequence[bytes],
        upstream: Mapping[str, list[Segment]],
    ) -> Outcome:
        """The last step after all chunks, and that after the first half of them."""
        outcome: Fed | Outcome | None = None
        for count in dict.fromkeys((len(found) // 2, len(found))):
            span_s = cut.clip.duration_s if count == len(found) else count * cut.chunk_s
            if count == 0:
                continue
            step = Finish(tuple(found[:count]), states[count - 1])
            prepared = Prepared(
                task, "finish", self._facts(cut, span_s), span_s, span_s, step, until(upstream, span_s)
            )
            outcome = self.take(prepared).answer
            if isinstance(outcome, Outcome) and outcome.status == "ok":
                self.steps[task.analyzer].append(prepared)
        assert isinstance(outcome, Outcome)
        return outcome

    def _walk_whole(self, task: Task, cut: Cut, upstream: Mapping[str, list[Segment]]) -> Outcome:
        """The only step of an analyzer that reads the whole clip, or what others found in it.

        What others found in the first half of the clip it is given too.
        """
        duration_s = cut.clip.duration_s
        spans = (duration_s,) if task.frames or task.needs.audio else (duration_s / 2, duration_s)
        for span_s in spans:
            piece = self._facts(cut, span_s) if len(spans) == 2 else self._show(cut, cut.whole(task))
            prepared = Prepared(task, "whole", piece, span_s, span_s, Whole(), until(upstream, span_s))
            outcome = self.take(prepared).answer
            if isinstance(outcome, Outcome) and outcome.status == "ok":
                self.steps[task.analyzer].append(prepared)
        assert isinstance(outcome, Outcome)
        return outcome

    def _show(self, cut: Cut, piece: SharedClip) -> str:
        """Have the process open a piece, once; its name there."""
        name = f"{piece.name} of {cut.chunk_s:g} s"
        return self._opened(name, piece)

    def _facts(self, cut: Cut, duration_s: float) -> str:
        """Have the process open the facts of a clip as if it ended after so many seconds; its name there."""
        piece = facts_alone(replace(cut.clip.info, duration_s=duration_s))
        return self._opened(f"{FACTS} of {duration_s:g} s", piece)

    def _opened(self, name: str, piece: SharedClip) -> str:
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


def until(results: Mapping[str, list[Segment]], end_s: float) -> dict[str, list[Segment]]:
    """What was found in the beginning of a clip."""
    return {name: [segment for segment in found if segment.end_s <= end_s] for name, found in results.items()}
