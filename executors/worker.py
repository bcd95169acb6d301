"""The analyzer-side loop, written once: load, analyze, park and unload, with every failure contained."""

from __future__ import annotations

import dataclasses
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import analyzers
from analyzers.base import Analyzer, ClipView, NothingToAnalyze, Segment, Settings
from analyzers.parts import nets
from executors import devices, faults
from executors.base import Observer, Outcome, Phase, Plan, Span, Task, now
from executors.profiling import profiler


class Worker:
    """Holds the analyzers of one group and runs them one at a time, in the calling thread."""

    def __init__(self, name: str, device: str, plan: Plan, observer: Observer) -> None:
        self.name, self.device, self.plan, self.observer = name, device, plan, observer
        self.loaded: dict[str, Analyzer] = {}
        self.unloadable: dict[str, BaseException] = {}
        self.clip = 0
        limit_threads(plan.threads)
        if plan.memory_fraction is not None:
            devices.limit_memory(device, plan.memory_fraction)

    @contextmanager
    def span(self, phase: Phase, analyzer: str = "") -> Iterator[None]:
        """Times a piece of work on this worker and reports it."""
        self.observer.began(self.name, analyzer, phase)
        start = now()
        try:
            with devices.marked(self.device, f"{phase} {analyzer}".rstrip()):
                yield
        finally:
            self.observer.ended(Span(self.name, analyzer, phase, start, now(), self.clip))

    def load(self, task: Task) -> None:
        """Load one analyzer; one that cannot be loaded is remembered and fails when it is asked for."""
        with self.span("load", task.analyzer):
            try:
                self._strike(task, "no_load")
                analyzer = analyzers.create(task.analyzer, task.settings)
                analyzer.load(self.device)
                self.loaded[task.analyzer] = analyzer
            except Exception as error:
                self.unloadable[task.analyzer] = error

    def analyze(self, task: Task, clip: ClipView, upstream: Mapping[str, list[Segment]]) -> Outcome:
        """One analyzer on one clip, whatever happens; out of memory, once more at half the batch."""
        outcome = Outcome(task.analyzer, "ok", self.name, self.device)
        if error := self.unloadable.get(task.analyzer):
            return failure(outcome, error, "cannot be loaded: ")
        analyzer = self.loaded[task.analyzer]
        start = now()
        with self.span("analyze", task.analyzer):
            self._try(outcome, task, analyzer, clip, upstream)
            if outcome.status == "oom" and (smaller := half_batch(analyzer.settings)):
                full, (analyzer.settings, change) = analyzer.settings, smaller
                outcome.status, outcome.reason, outcome.error, outcome.retried = "ok", "", "", change
                self._try(outcome, task, analyzer, clip, upstream)
                analyzer.settings = full
        outcome.analyze_s = now() - start
        if outcome.status == "ok":
            outcome.facts = dict(analyzer.facts())
            outcome.headline = analyzer.headline(outcome.segments) if outcome.segments else outcome.reason
        return outcome

    def _try(
        self, outcome: Outcome, task: Task, analyzer: Analyzer, clip: ClipView, upstream: Mapping
    ) -> None:
        kind, folder = self.plan.profile
        try:
            self._strike(task, *faults.KINDS - {"no_load", "no_start"})
            with profiler(kind, Path(folder), self.name, task.analyzer):
                outcome.segments = analyzer.analyze(clip, upstream)
        except NothingToAnalyze as nothing:
            outcome.reason = str(nothing)
        except Exception as error:
            failure(outcome, error)

    def _strike(self, task: Task, *kinds: str) -> None:
        for fault in self.plan.faults:
            if fault.analyzer == task.analyzer and fault.kind in kinds:
                faults.strike(fault.kind, fault.seconds)

    def unload(self) -> None:
        """Drop every analyzer's weights, and what libraries keep for them."""
        with self.span("cleanup"):
            while self.loaded:
                self.loaded.popitem()[1].unload()

    def offload(self) -> None:
        """Park every analyzer's weights in host memory."""
        with self.span("cleanup"):
            for analyzer in self.loaded.values():
                analyzer.offload()

    def wake(self, tasks: tuple[Task, ...]) -> None:
        """Bring parked weights back, and load what was dropped."""
        for task in tasks:
            if analyzer := self.loaded.get(task.analyzer):
                with self.span("load", task.analyzer):
                    analyzer.wake()
            elif task.analyzer not in self.unloadable:
                self.load(task)

    def close(self) -> None:
        """Drop what is left, and let other work in this process use all cores again."""
        self.unload()
        limit_threads(None)


def failure(outcome: Outcome, error: BaseException, prefix: str = "") -> Outcome:
    """`outcome` as the record of `error`: the kind of failure, one line of reason, the traceback."""
    lack_of_memory = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    outcome.status = "oom" if lack_of_memory else "failed"
    outcome.segments = []
    first_line = (str(error) or "no message").splitlines()[0]
    outcome.reason = f"{prefix}{type(error).__name__}: {first_line}"
    outcome.error = "".join(traceback.format_exception(error))
    return outcome


def half_batch(settings: Settings) -> tuple[Settings, str] | None:
    """`settings` with every batch size halved and what changed, or None where none is above one."""
    halves = {
        f.name: value // 2
        for f in dataclasses.fields(settings)
        if f.name.endswith("batch") and (value := getattr(settings, f.name)) > 1
    }
    if not halves:
        return None
    change = ", ".join(f"{name} {getattr(settings, name)} → {half}" for name, half in halves.items())
    return dataclasses.replace(settings, **halves), change


def limit_threads(threads: int | None) -> None:
    """One thread budget for every library of this process; None for their defaults."""
    import cv2

    nets.set_threads(threads)
    cv2.setNumThreads(-1 if threads is None else threads)
