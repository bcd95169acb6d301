"""The measuring loop: start an executor, send the clip through it, keep everything that happened."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import analyzers
import executors
from analyzers.base import Needs
from bench import media
from bench.metrics import Pass, Record
from bench.telemetry import Sampler
from executors.base import Executor, Observer, Outcome, Phase, Plan, Span, now


class Progress(Protocol):
    """Told how far a run is, for a live display."""

    def passes(self, number: int, of: int, warmup: bool, analyzers: int) -> None: ...

    def began(self, worker: str, analyzer: str, phase: Phase) -> None: ...

    def finished(self, outcome: Outcome) -> None: ...


class Recorder:
    """The executor's observer: keeps the spans, and hands on what begins."""

    def __init__(self, progress: Progress) -> None:
        self.spans: list[Span] = []
        self.progress = progress

    def began(self, worker: str, analyzer: str, phase: Phase) -> None:
        self.progress.began(worker, analyzer, phase)

    def ended(self, span: Span) -> None:
        self.spans.append(span)


def needs_of(plan: Plan) -> list[Needs]:
    """What the analyzers of a plan read of a clip."""
    known = analyzers.discover()
    return [known[task.analyzer](task.settings).needs() for task in plan.tasks()]


def measure(
    plan: Plan,
    clip: Path,
    warmup: int,
    repeats: int,
    progress: Progress,
    make_executor: Callable[[Observer], Executor],
) -> Record:
    """Run `plan` on `clip` for `warmup` passes and then `repeats` that count.

    The first pass is the cold one: it decodes, then starts the executor, so that a clip that cannot be
    read is refused before any model is loaded. Raises InputError for such a clip.
    """
    recorder = Recorder(progress)
    needs = needs_of(plan)
    passes: list[Pass] = []
    info = None
    executor = make_executor(recorder)
    with Sampler(os.getpid()) as sampler:
        started = now()
        try:
            for number in range(warmup + repeats):
                begun = Pass(number < warmup, now())
                progress.passes(number + 1, warmup + repeats, begun.warmup, len(needs))
                recorder.began("main", "", "decode")
                with media.decode(clip, needs, plan.threads) as view:
                    recorder.ended(Span("main", "", "decode", begun.start_s, now()))
                    info = view.info
                    if number == 0:
                        executor.start(plan)
                    for outcome in executor.run(view):
                        begun.outcomes[outcome.analyzer] = outcome
                        progress.finished(outcome)
                begun.end_s = now()
                passes.append(begun)
            executor.cleanup()
        finally:
            executor.close()
    return Record(plan, info, passes, recorder.spans, sampler.series, started)


def executor_factory(name: str) -> Callable[[Observer], Executor]:
    """What makes the executor called `name`."""
    return lambda observer: executors.create(name, observer=observer)
