"""What executors take beside the analyzers' work, from short runs with analyzers that take little."""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import Iterator, Sequence
from statistics import median

from clipbench.bench.costing.observed import EMPTY, Observed
from clipbench.bench.costing.stages import Subject
from clipbench.bench.measuring.runner import Runner
from clipbench.bench.planning import config
from clipbench.bench.planning.plan import make_plan
from clipbench.executors import registry as executors
from clipbench.executors.arrivals import Arrivals
from clipbench.executors.base import Clip, Executor, ExecutorUnavailable, Observer, Outcome, Span
from clipbench.executors.costs import Overheads

#: So many of the analyzers that take least run in short chunks, so that there are many steps.
ANALYZERS, CHUNK_S = 3, 0.5


class Executors:
    """Each executor that can be used here: a worker, one pass."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject

    def units(self) -> list[str]:
        return [f"executor {name}" for name in self.subject.executors]

    def measure(self, unit: str, found: Observed) -> None:
        name = unit.removeprefix("executor ")
        try:
            found.overheads[name] = overheads(name, cheapest(self.subject, found), self.subject, found)
        except ExecutorUnavailable as error:
            found.unknown[f"overheads.{name}"] = str(error)


def cheapest(subject: Subject, found: Observed) -> list[str]:
    """The analyzers that read chunks, and are loaded and have read them soonest."""
    costs = {
        task.analyzer: found.loadings[task.analyzer].seconds
        + sum(t.typical_s for t in found.timings_of(task.analyzer, ("feed",), EMPTY, 1))
        for task in subject.tasks
        if task.chunked and not task.upstream and task.analyzer not in found.failures
    }
    return sorted(costs, key=lambda name: costs[name])[:ANALYZERS]


def overheads(name: str, analyzers: Sequence[str], subject: Subject, found: Observed) -> Overheads:
    """What this executor takes for a worker, and for each of its steps."""
    one_worker = ["executor.workers=1"] if has_setting(name, "workers") else []
    cfg = config.compose(
        *subject.overrides,
        "grouping=sequential",
        f"executor={name}",
        "executor.threads=1",
        *one_worker,
        f"only=[{','.join(analyzers)}]",
    )
    meter = DriverMeter(name)
    runner = Runner(make_plan(cfg), Silent(), meter.make, CHUNK_S)
    runner.measure([subject.clip], warmup=0, repeats=1, in_flight=1)
    spans = runner.record.spans
    started = [span.end_s - span.start_s for span in spans if span.phase == "spawn"]
    between_s = gap(spans)
    driver_s = min(meter.seconds / max(1, meter.steps(spans)), between_s)
    return Overheads(max(started, default=0.0), between_s - driver_s, driver_s, found.worker_gb)


def has_setting(executor: str, setting: str) -> bool:
    """Whether an executor has a setting of this name."""
    return setting in {f.name for f in dataclasses.fields(executors.strategy(executor).settings_type)}


def gap(spans: Sequence[Span]) -> float:
    """Median seconds between two steps that a worker takes one after the other; 0 where there are none.

    The median, since now and then a worker waits for what is decoded.
    """
    by_worker: dict[str, list[Span]] = {}
    for span in sorted(spans, key=lambda span: span.start_s):
        if span.phase == "analyze":
            by_worker.setdefault(span.worker, []).append(span)
    gaps = [
        max(0.0, after.start_s - before.end_s)
        for mine in by_worker.values()
        for before, after in itertools.pairwise(mine)
        if before.clip == after.clip
    ]
    return median(gaps) if gaps else 0.0


class DriverMeter:
    """Makes an executor, and counts the CPU seconds that the thread takes which gets its outcomes."""

    def __init__(self, name: str) -> None:
        self.name, self.seconds = name, 0.0

    def make(self, observer: Observer) -> Executor:
        executor = executors.create(self.name, observer)
        run_many = executor.run_many

        def counted(clips: Arrivals[Clip], in_flight: int) -> Iterator[tuple[int, Outcome]]:
            outcomes = run_many(clips, in_flight)
            while True:
                start_s = time.thread_time()
                found = next(outcomes, None)
                self.seconds += time.thread_time() - start_s
                if found is None:
                    return
                yield found

        executor.run_many = counted  # type: ignore[method-assign]
        return executor

    def steps(self, spans: Sequence[Span]) -> int:
        """How many steps were taken."""
        return sum(1 for span in spans if span.phase == "analyze")


class Silent:
    """A progress display that shows nothing. See `Progress` in bench/measuring/runner.py."""

    def passes(self, *_: object) -> None: ...

    def began(self, *_: object) -> None: ...

    def opened(self, *_: object) -> None: ...

    def fed(self, *_: object) -> None: ...

    def finished(self, *_: object) -> None: ...
