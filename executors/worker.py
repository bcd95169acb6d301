"""The analyzer-side loop, written once: load, analyze and unload, with every failure contained."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import analyzers
from analyzers.base import Analyzer, ClipView, NothingToAnalyze, Segment
from analyzers.parts import nets
from executors.base import Observer, Outcome, Phase, Span, Task, now


class Worker:
    """Holds the analyzers of one group and runs them one at a time, in the calling thread."""

    def __init__(self, name: str, device: str, threads: int, observer: Observer) -> None:
        self.name, self.device, self.observer = name, device, observer
        self.loaded: dict[str, Analyzer] = {}
        self.unloadable: dict[str, BaseException] = {}
        limit_threads(threads)

    @contextmanager
    def span(self, phase: Phase, analyzer: str = "") -> Iterator[None]:
        """Times a piece of work on this worker and reports it."""
        self.observer.began(self.name, analyzer, phase)
        start = now()
        try:
            yield
        finally:
            self.observer.ended(Span(self.name, analyzer, phase, start, now()))

    def load(self, task: Task) -> None:
        """Load one analyzer; one that cannot be loaded is remembered and fails when it is asked for."""
        with self.span("load", task.analyzer):
            try:
                analyzer = analyzers.discover()[task.analyzer](task.settings)
                analyzer.load(self.device)
                self.loaded[task.analyzer] = analyzer
            except Exception as error:
                self.unloadable[task.analyzer] = error

    def analyze(self, task: Task, clip: ClipView, upstream: Mapping[str, list[Segment]]) -> Outcome:
        """One analyzer on one clip, whatever happens."""
        outcome = Outcome(task.analyzer, "ok", self.name, self.device)
        if error := self.unloadable.get(task.analyzer):
            return failure(outcome, error, "cannot be loaded: ")
        analyzer = self.loaded[task.analyzer]
        start = now()
        with self.span("analyze", task.analyzer):
            try:
                outcome.segments = analyzer.analyze(clip, upstream)
            except NothingToAnalyze as nothing:
                outcome.reason = str(nothing)
            except Exception as error:
                failure(outcome, error)
        outcome.analyze_s = now() - start
        if outcome.status == "ok":
            outcome.headline = analyzer.headline(outcome.segments) if outcome.segments else outcome.reason
        return outcome

    def unload(self) -> None:
        """Drop every analyzer's weights."""
        with self.span("cleanup"):
            while self.loaded:
                self.loaded.popitem()[1].unload()

    def close(self) -> None:
        """Drop what is left, and let other work in this process use all cores again."""
        self.unload()
        limit_threads(None)


def failure(outcome: Outcome, error: BaseException, prefix: str = "") -> Outcome:
    """`outcome` as the record of `error`: the kind of failure, one line of reason, the traceback."""
    outcome.status = "oom" if isinstance(error, MemoryError) else "failed"
    first_line = (str(error) or "no message").splitlines()[0]
    outcome.reason = f"{prefix}{type(error).__name__}: {first_line}"
    outcome.error = "".join(traceback.format_exception(error))
    return outcome


def limit_threads(threads: int | None) -> None:
    """One thread budget for every library of this process; None for their defaults."""
    import cv2

    nets.set_threads(threads)
    cv2.setNumThreads(-1 if threads is None else threads)
