"""The measuring loop: start an executor, send clips through it, keep everything that happened."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from clipbench.analyzers.threads import core_numbers
from clipbench.bench.clips.clip_info import sha256
from clipbench.bench.clips.decoder_link import Decoders
from clipbench.bench.clips.decoding import open_clip
from clipbench.bench.errors import InputError, Interrupted
from clipbench.bench.measuring.clip_queue import ClipQueue, OpenedClip
from clipbench.bench.measuring.pretending import PretendedFiles, Unwatched
from clipbench.bench.measuring.record import Pass, Record
from clipbench.bench.measuring.repeating import Repeating
from clipbench.bench.planning.scenario import Service
from clipbench.bench.probes.sampler import Sampler
from clipbench.bench.runs.journal import DiskJournal
from clipbench.bench.runs.measurement import NotMeasured
from clipbench.bench.runs.results import Cleanup
from clipbench.executors import registry as executors
from clipbench.executors.base import Executor, Observer, Outcome, Phase, Plan, Span
from clipbench.executors.layout import decoder_cores

#: Seconds for the sampler to see the state that cleanup leaves.
SETTLE_S = 0.6
#: The name under which the time of decoding is kept.
DECODER = "decoder"


class Progress(Protocol):
    """Told how far a run is, for a live display."""

    def passes(
        self, number: int, of: int | None, warmup: bool, analyzers: int, width: float | None = None
    ) -> None:
        """A pass begins; where nobody knows of how many, `width` is that of the interval so far."""

    def began(self, worker: str, analyzer: str, phase: Phase) -> None: ...

    def opened(self, clip: int, duration_s: float, chunk_s: float | None, chunked: Collection[str]) -> None:
        """A clip is about to be read, by `chunked` analyzers in chunks of so many seconds (None: in one)."""

    def fed(self, span: Span) -> None:
        """An analyzer has read a chunk of a clip."""

    def finished(self, clip: int, outcome: Outcome) -> None: ...


class Recorder:
    """The executor's observer: keeps the spans, and hands on what begins."""

    def __init__(self, progress: Progress) -> None:
        self.spans: list[Span] = []
        self.progress = progress

    def began(self, worker: str, analyzer: str, phase: Phase) -> None:
        Interrupted.check()
        self.progress.began(worker, analyzer, phase)

    def ended(self, span: Span) -> None:
        Interrupted.check()
        self.spans.append(span)
        if span.analyzer and span.chunk is not None:
            self.progress.fed(span)


class Runner:
    """Runs a plan over clips, once; `record` is what it has measured so far, also after an interrupt."""

    def __init__(
        self,
        plan: Plan,
        progress: Progress,
        make: Callable[[Observer], Executor],
        chunk_s: float | None = None,
        resume_store: Path | None = None,
        wake: bool = False,
    ) -> None:
        """Clips are read in chunks of `chunk_s` seconds (None: in one); how far is kept in `resume_store`.

        With `wake`, it is measured how long the executor takes to be ready again after the cleanup.
        """
        self.plan, self.progress, self.wake = plan, progress, wake
        self.chunk_s, self.resume_store = chunk_s, resume_store
        self.recorder = Recorder(progress)
        self.executor = make(self.recorder)
        self.clock = self.executor.clock
        self.tasks = plan.tasks()
        self.chunked = [task.analyzer for task in self.tasks if task.chunked]
        self.decoders = Decoders(decoder_cores(plan.layout, core_numbers()))
        self.pretended = PretendedFiles(self.executor, plan, self.decoders, chunk_s)
        self.several = False
        self.repeating: Repeating | None = None
        interrupted = NotMeasured("the run was interrupted")
        self.record = Record(plan, self.clock(), interrupted, spans=self.recorder.spans)

    def measure(
        self,
        clips: list[Path],
        warmup: int,
        repeats: int,
        in_flight: int,
        service: Service | None = None,
        repeating: Repeating | None = None,
    ) -> Record:
        """Send each clip through alone, `warmup` and then `repeats` times; or with `in_flight` above one,
        warm up and then send all of them at once, `repeats` times over. With a `service`, warm up and then
        send one at each of its times, in turn; with `repeating`, send the one clip as often as that says.

        The first pass is the cold one: it opens the clip, then starts the executor, so that a clip that
        cannot be read is refused before any model is loaded. Raises InputError for such a clip, unless there
        are others: then it is one of `record.lost`.
        """
        counted = clips * repeats
        total = None if repeating else warmup + len(service.times_s if service else counted)
        self.repeating = repeating
        self.several = len(clips) > 1 or bool(self.record.lost)
        self.record.in_flight, self.record.service = in_flight, service
        self.sampler = Unwatched() if self.executor.virtual else Sampler(os.getpid())
        try:
            with self.sampler, self.decoders:
                self.record.started_s = self.clock()
                try:
                    for _ in range(warmup):
                        self.burst(clips, True, 1, total, most=1)
                    if repeating:
                        while repeating.goes_on(self.record):
                            self.burst(clips, False, 1, None)
                    elif service:
                        self.burst(self._in_turn(clips), False, in_flight, total, times=service.times_s)
                    else:
                        for burst in [counted] if in_flight > 1 else [[path] for path in counted]:
                            self.burst(burst, False, in_flight, total)
                    self.record.gpu_times = self.executor.gpu_times()
                    if self.record.passes:
                        self._cleanup()
                    Interrupted.check()
                finally:
                    Interrupted.arrived = 0  # it is on its way
                    self.executor.close()
                    self.record.spoil(self.executor.cleanup_failures())
        finally:
            self.record.telemetry = self.sampler.telemetry
            self.record.auto = repeating.told(self.record) if repeating else None
        return self.record

    def _in_turn(self, clips: list[Path]) -> Iterator[Path]:
        """The clips that are not lost, over and over."""
        while there := [path for path in clips if not self.record.is_lost(path)]:
            yield from there

    def burst(
        self,
        clips: Iterable[Path],
        warm_up: bool,
        in_flight: int,
        total: int | None,
        most: int | None = None,
        times: Sequence[float] | None = None,
    ) -> None:
        """Send `clips` through, as many at once as `in_flight` says, and keep the outcomes.

        With `most`, only the first so many that can be read; with `times`, one at each of them, in seconds
        from now on.
        """
        first = len(self.record.passes)
        opened: dict[int, contextlib.ExitStack] = {}
        views: dict[int, OpenedClip] = {}

        def open_next(path: Path, arrived_s: float) -> OpenedClip | None:
            if self.record.is_lost(path):
                return None
            number, start_s = len(self.record.passes) - first, self.clock()
            width = self.repeating.width if self.repeating else None
            self.progress.passes(first + number + 1, total, warm_up, len(self.tasks), width)
            opened[number] = contextlib.ExitStack()
            try:
                view = opened[number].enter_context(self._open(path, first + number))
            except InputError as error:
                self._lose(path, error)
                return None
            views[number] = view
            self.progress.opened(first + number, view.duration_s, self.chunk_s, self.chunked)
            resumed = isinstance(view.journal, DiskJournal) and view.journal.resumed
            self.record.passes.append(Pass(view.info, warm_up, start_s, arrived_s, resumed=resumed))
            return view

        queue = ClipQueue(clips, open_next, times, most)
        queue.begin(self.clock())
        used_s = self.executor.cores_s()
        try:
            if first == 0:  # a clip that cannot be read is refused before anything is loaded
                if queue.peek(self.clock()) is None:
                    return
                self.executor.start(self.plan)
                self.record.workers |= self.executor.pids()
            for number, outcome in self.executor.run_many(queue, in_flight):
                one = self.record.passes[first + number]
                one.outcomes[outcome.analyzer] = outcome
                self.progress.finished(first + number, outcome)
                if len(one.outcomes) == len(self.tasks):
                    self._finish(one, views.pop(number))
                    opened.pop(number).close()
        finally:
            for stack in opened.values():
                stack.close()
        if not warm_up:
            self.record.cores_s += self.executor.cores_s() - used_s
        self.record.workers |= self.executor.pids()

    def _finish(self, one: Pass, view: OpenedClip) -> None:
        """Close a pass, unless its clip was lost on the way: then the pass does not count."""
        if view.failure:
            self._lose(Path(view.info.path), InputError(view.failure))
        else:
            one.end_s, one.clip = self.clock(), view.info
            if isinstance(view.journal, DiskJournal):
                view.journal.finish()

    def _lose(self, path: Path, error: InputError) -> None:
        """Keep that a clip of a queue is lost; a single one raises the error."""
        if not self.several:
            raise error
        self.record.lose(path, error)

    def _open(self, path: Path, number: int) -> AbstractContextManager[OpenedClip]:
        self.recorder.began(DECODER, "", "decode")

        def decoded(start_s: float, end_s: float, chunk: int) -> None:
            self.recorder.ended(Span(DECODER, "", "decode", start_s, end_s, number, chunk))

        if self.executor.virtual:
            return self.pretended.open(path, decoded)
        journal = None
        if self.resume_store is not None:
            journal = DiskJournal(self.resume_store, path, sha256(path), self.chunk_s, self.tasks)
        return open_clip(
            path, self.tasks, self.decoders, self.plan.threads, self.chunk_s, journal, on_decoded=decoded
        )

    def _cleanup(self) -> None:
        """Clean up and look at what is left; if asked, also at how long it takes until a clip could start."""
        self.sampler.mark("loaded")
        began = self.clock()
        self.executor.cleanup()
        cleaned = self.clock()
        if not self.executor.virtual:
            time.sleep(SETTLE_S)
        self.sampler.mark("after cleanup")
        states = self.executor.state()
        woken, ready_again_s = self.clock(), None
        if self.wake:
            self.executor.wake()
            ready_again_s = self.clock() - woken
        self.record.cleanup = Cleanup(
            mode=self.plan.settings.cleanup,
            workers=states,
            cleaned_s=cleaned,
            observed_until_s=woken,
            ready_again_s=ready_again_s,
            took_s=cleaned - began,
        )


def executor_factory(name: str) -> Callable[[Observer], Executor]:
    """What makes the executor called `name`."""
    return lambda observer: executors.create(name, observer)
