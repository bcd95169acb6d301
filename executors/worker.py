"""What a worker does with its analyzers: load, analyze, park and unload, with every failure contained."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from clipbench.analyzers import registry, threads
from clipbench.analyzers.base import Analyzer, Chunk, NothingToAnalyze, Segment, Settings
from clipbench.executors import chunks, devices, faults, returned_segments
from clipbench.executors.base import Observer, Outcome, Phase, Span, now
from clipbench.executors.containing import contained, described, failure, message
from clipbench.executors.layout import Task
from clipbench.executors.profiling import profiler
from clipbench.executors.protocol import WorkerSpec
from clipbench.executors.steps import Fed, Feed, Step, begins

log = logging.getLogger(__name__)


class Worker:
    """Holds the analyzers of one worker and runs them one at a time, in the calling thread.

    Whatever an analyzer raises is contained, SystemExit included; only the user's interrupt passes.
    `device` is as PyTorch calls it here. `lost_gpu` is the error after which CUDA does nothing more in this
    process. `cleanup_failures` has the analyzers that could not be unloaded, parked or woken, and why.
    """

    def __init__(self, spec: WorkerSpec, device: str, observer: Observer) -> None:
        self.spec, self.device, self.observer = spec, device, observer
        self.name, self.lost_gpu = spec.worker.name, ""
        self.loaded: dict[str, Analyzer] = {}
        self.unloadable: dict[str, Outcome] = {}
        self.cleanup_failures: dict[str, str] = {}
        self.clip = 0
        threads.limit(spec.worker.threads)
        if spec.memory_fraction is not None:
            devices.limit_memory(device, spec.memory_fraction)

    @contextlib.contextmanager
    def span(self, phase: Phase, analyzer: str = "", chunk: int | None = None) -> Iterator[None]:
        """Times a piece of work on this worker and reports it."""
        self.observer.began(self.name, analyzer, phase)
        start = now()
        try:
            with devices.marked(self.device, f"{phase} {analyzer}".rstrip()):
                yield
        finally:
            self.observer.ended(Span(self.name, analyzer, phase, start, now(), self.clip, chunk))

    def load(self, task: Task) -> None:
        """Load one analyzer; one that cannot be loaded is remembered and fails when it is asked for."""

        def failed(error: BaseException) -> None:
            # As text: the exception would keep its frames alive, and these what was built so far.
            self.unloadable[task.analyzer] = self._failed(self._outcome(task), error, "cannot be loaded: ")

        if task.broken:
            self.unloadable[task.analyzer] = broken(self._outcome(task), task)
            return
        with self.span("load", task.analyzer):
            with contained(failed):
                self.loaded[task.analyzer] = self._load(task)
            if task.analyzer in self.unloadable:
                self._release()

    def _load(self, task: Task) -> Analyzer:
        self._strike(task, "no_load")
        analyzer = registry.create(task.analyzer, task.settings)
        analyzer.load(self.device if task.gpu else "cpu")
        return analyzer

    def _outcome(self, task: Task) -> Outcome:
        return Outcome(task.analyzer, "ok", self.name, self.spec.worker.device if task.gpu else "cpu")

    def _failed(self, outcome: Outcome, error: BaseException, prefix: str = "") -> Outcome:
        failure(outcome, error, prefix)
        if type(error).__name__ == "AcceleratorError":  # PyTorch's, for errors of CUDA that stay
            outcome.reason += "; with that, this process has lost its GPU"
            self.lost_gpu = outcome.reason.removeprefix(prefix)
        return outcome

    def _release(self) -> None:
        with self._forgiving():
            devices.release(self.device)

    @contextlib.contextmanager
    def _forgiving(self) -> Iterator[None]:
        """A context that ignores errors once the GPU is lost: its memory is freed when the process ends."""
        try:
            yield
        except Exception as error:
            if not self.lost_gpu:
                raise
            log.debug("%s has lost its GPU, and cannot give memory back: %s", self.name, error)

    def take(
        self, task: Task, step: Step, piece: Chunk, upstream: Mapping[str, list[Segment]]
    ) -> Outcome | Fed:
        """One step of an analyzer, whatever happens; out of memory, once more at half the batch.

        Returns an outcome, or what was found in a chunk where there is more to do.
        """
        if task.analyzer not in self.loaded and task.analyzer not in self.unloadable:
            self.load(task)
        if failed := self.unloadable.get(task.analyzer):
            return dataclasses.replace(failed)
        outcome, analyzer = self._outcome(task), self.loaded[task.analyzer]
        fed: Fed | None = None
        with self.span("analyze", task.analyzer, step.chunk if isinstance(step, Feed) else None):
            start = now()  # in the span, whose beginning and end are told through a pipe that may be full
            fed = self._try(outcome, task, analyzer, step, piece, upstream)
            if outcome.status == "oom" and (smaller := half_batch(task.settings, facts_of(analyzer))):
                self._release()
                analyzer.settings, change = smaller
                outcome.status, outcome.reason, outcome.error, outcome.retried = "ok", "", "", change
                fed = self._try(outcome, task, analyzer, step, piece, upstream)
                analyzer.settings = task.settings
            outcome.analyze_s = now() - start
        if fed is not None:
            return dataclasses.replace(fed, seconds=outcome.analyze_s, retried=outcome.retried)
        if outcome.status == "ok":
            self._describe(outcome, analyzer)
        return outcome

    def _describe(self, outcome: Outcome, analyzer: Analyzer) -> None:
        """What the analyzer says of an analysis that went well."""
        with contained(lambda error: self._failed(outcome, error)):
            outcome.facts = returned_segments.plain_dict(analyzer.facts(), "facts")
            if outcome.segments:
                headline = analyzer.headline(list(outcome.segments))
                outcome.headline = returned_segments.text(headline, "headline")
            else:
                outcome.headline = outcome.reason

    def _try(
        self,
        outcome: Outcome,
        task: Task,
        analyzer: Analyzer,
        step: Step,
        piece: Chunk,
        upstream: Mapping[str, list[Segment]],
    ) -> Fed | None:
        """Take a step. Sets the outcome's segments or failure; what was found in a chunk is returned."""
        kind, folder = self.spec.profile
        with contained(lambda error: self._failed(outcome, error)):  # sys.exit in a library ends no run
            try:
                if begins(step):
                    self._strike(task, *faults.KINDS - {"no_load", "no_start"})
                with profiler(kind, Path(folder), self.name, task.analyzer, begins(step)):
                    if isinstance(step, Feed):
                        return chunks.feed(analyzer, step, piece)
                    found = chunks.finish(analyzer, step, piece, upstream)
                outcome.segments = returned_segments.checked(found, piece.duration_s)
            except NothingToAnalyze as nothing:
                outcome.reason = message(nothing)
        return None

    def _strike(self, task: Task, *kinds: str) -> None:
        for fault in self.spec.faults:
            if fault.analyzer == task.analyzer and fault.kind in kinds:
                faults.strike(fault.kind, fault.seconds)

    def unload(self) -> None:
        """Drop every analyzer's weights, and what libraries keep for them."""
        with self.span("cleanup"), self._forgiving():
            while self.loaded:
                name, analyzer = self.loaded.popitem()
                with self._cleaning(name, "cannot be unloaded"):
                    analyzer.unload()
                del analyzer  # what it holds is released below
            devices.release(self.device)

    def offload(self) -> None:
        """Park every analyzer's weights in host memory."""
        with self.span("cleanup"), self._forgiving():
            for name, analyzer in self.loaded.items():
                with self._cleaning(name, "cannot be parked"):
                    analyzer.offload()
            devices.release(self.device)

    def _cleaning(self, analyzer: str, what: str) -> contextlib.AbstractContextManager[None]:
        """A context in which what an analyzer raises is kept: it fails, though its results are in."""

        def failed(error: BaseException) -> None:
            if self.lost_gpu:
                log.debug("%s %s: %s", analyzer, what, described(error))
            else:
                self.cleanup_failures[analyzer] = f"{what}: {described(error)}"

        return contained(failed)

    def wake(self, tasks: tuple[Task, ...]) -> None:
        """Bring parked weights back, and load what was dropped or does not wake."""
        for task in tasks:
            if analyzer := self.loaded.get(task.analyzer):
                with self.span("load", task.analyzer), self._cleaning(task.analyzer, "does not wake"):
                    analyzer.wake()
                    continue
                del self.loaded[task.analyzer]
            if task.analyzer not in self.unloadable:
                self.load(task)

    def close(self) -> None:
        """Unload what is left, and let other work in this process use all cores again."""
        self.unload()
        threads.limit(None)


def broken(outcome: Outcome, task: Task) -> Outcome:
    """The outcome of a task whose analyzer cannot say what it is."""
    outcome.status, outcome.reason = "failed", task.broken
    return outcome


def facts_of(analyzer: Analyzer) -> Mapping[str, Any]:
    """An analyzer's facts of an analysis that failed; empty if it has none yet."""
    facts: dict[str, Any] = {}
    with contained(lambda error: log.debug("no facts of an analysis that failed: %s", described(error))):
        facts |= returned_segments.plain_dict(analyzer.facts(), "facts")
    return facts


def half_batch(settings: Settings, facts: Mapping[str, Any]) -> tuple[Settings, str] | None:
    """`settings` with every batch size halved and what changed, or None where none is above one.

    What really ran counts, where it was less than what was set and the analyzer says so in its `facts`.
    """
    sizes = {
        f.name: getattr(settings, f.name) for f in dataclasses.fields(settings) if f.name.endswith("batch")
    }
    ran = {name: facts[name] for name in sizes if isinstance(facts.get(name), int)}
    sizes = {name: min(size, ran.get(name) or size) for name, size in sizes.items()}
    halves = {name: size // 2 for name, size in sizes.items() if size > 1}
    if not halves:
        return None
    change = ", ".join(f"{name} {sizes[name]} → {half}" for name, half in halves.items())
    return dataclasses.replace(settings, **halves), change
