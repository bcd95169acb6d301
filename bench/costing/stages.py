"""The measurements that make costs, in order: each has units, which are kept one by one.

An interrupted measuring goes on with the units that are not done yet.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from pathlib import Path
from statistics import median
from typing import Protocol

from clipbench.bench.clips.decoder_link import Decoders
from clipbench.bench.costing.cuts import Cut, cuts
from clipbench.bench.costing.observed import EMPTY, SHARED, WITHOUT, Observed, Pair, Timing
from clipbench.bench.costing.rig import Prepared, Rig
from clipbench.bench.costing.walk import walk
from clipbench.bench.runs.measurement import NotMeasured
from clipbench.executors.base import now
from clipbench.executors.devices import on_gpu
from clipbench.executors.layout import Task

#: Each work runs beside the works that are this many places after it, around the circle of all.
PARTNERS = (1, 7)
#: Steps that take less than so many seconds are no company that could be measured.
SHORTEST_S = 0.002
#: A pair runs side by side for so many seconds at least, and so often as long as its longer step.
BESIDE_S, BESIDE_STEPS = 0.25, 2.5
#: Just before and after that, each of the two runs alone for so many seconds: machines get slower and faster.
ALONE_S = 0.1
#: All steps are timed in so many turns, for the same reason.
TURNS = 2


@dataclass
class Subject:
    """What is measured: these tasks on this clip, on this device, where steps may take so long."""

    tasks: Sequence[Task]
    clip: Path
    chunk_s: float | None
    device: str = "cpu"
    limit_s: float = 120.0
    cores: int = 1
    executors: Sequence[str] = ()
    other_clips: Sequence[Path] = ()
    overrides: Sequence[str] = field(default_factory=list)


class Stage(Protocol):
    """A kind of measurement: its `units` by name, of which each can be measured alone."""

    def units(self) -> list[str]: ...

    def measure(self, unit: str, found: Observed) -> None:
        """Measure one unit, and add what was found."""


class Rigs:
    """The processes that steps are taken in, started when they are first needed; a context that ends them."""

    def __init__(self, subject: Subject, found: Observed) -> None:
        self.subject, self.found = subject, found
        self._stack = contextlib.ExitStack()
        self._rigs: dict[tuple[str, int], Rig] = {}
        self._started: dict[tuple[str, int], Rig] = {}
        self._cuts: tuple[Cut, Cut] | None = None

    def __enter__(self) -> Rigs:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    @cached_property
    def decoders(self) -> Decoders:
        """Decoders for those who decode beside the processes."""
        return self._stack.enter_context(Decoders())

    def get(self, name: str, threads: int) -> Rig:
        """The process of this name, with all analyzers loaded and taken through the clip once."""
        if (name, threads) not in self._rigs:
            subject = self.subject
            if self._cuts is None:
                self._cuts = self._stack.enter_context(cuts(subject.clip, subject.tasks, subject.chunk_s))
            rig = self._started.pop((name, threads), None) or self._start(name, threads)
            rig.wait_loaded()
            walked = next(iter(self._rigs.values()), None)
            if walked is None:
                if subject.cores > 1:  # nothing is timed yet: the other loads meanwhile
                    self._started[name, 2] = self._start(name, 2)
                walk(rig, *self._cuts)
                for other in self._started.values():
                    other.wait_loaded()
            else:
                rig.follow(walked, share=threads > 1)
            self._rigs[name, threads] = rig
            if threads == 1 and not self.found.loadings:
                self.found.loadings = rig.loadings
                self.found.memos = rig.memos
                self.found.failures = rig.failures
                first = next(iter(rig.loadings.values()), None)
                self.found.worker_gb = first.before_gb if first else None
            rig.shared = self.found.shared_memos()
        return self._rigs[name, threads]

    def _start(self, name: str, threads: int) -> Rig:
        subject = self.subject
        rig = Rig(name, subject.tasks, threads, subject.device, subject.limit_s)
        self._stack.callback(rig.close)
        return rig

    def drop(self, name: str, threads: int) -> None:
        """End a process that is not needed any more: its memory is."""
        for rigs in (self._rigs, self._started):
            if (name, threads) in rigs:
                rigs.pop((name, threads)).close()


class Steps:
    """The times of each analyzer's steps: alone, after its sharers, and after all but one of these.

    A step is taken at one thread and at more right after each other, so that they can be compared.
    """

    def __init__(self, rigs: Rigs, threads: Sequence[int]) -> None:
        self.rigs, self.threads = rigs, threads

    def units(self) -> list[str]:
        names = [task.analyzer for task in self.rigs.subject.tasks]
        return [f"{name}, turn {turn}" for turn in range(1, TURNS + 1) for name in names]

    def measure(self, unit: str, found: Observed) -> None:
        name = unit.partition(",")[0]
        rigs = [self.rigs.get("first", threads) for threads in self.threads]
        shared = found.shared_memos().get(name, [])
        own = SHARED if shared else EMPTY
        without = [f"{WITHOUT}{key}" for key in shared] if len(shared) > 1 else []
        memos = {"feed": list(dict.fromkeys((EMPTY, own, *without))), "unended": [own]}
        for first in rigs[0].steps.get(name, []):
            for memo in memos.get(first.kind, [EMPTY]):
                for rig in rigs:
                    if rig.threads == 1 or self._is_long(rig, first):
                        found.add(rig.time(first, memo))

    def _is_long(self, rig: Rig, prepared: Prepared) -> bool:
        """Whether it is none of the short pieces: what threads are worth is seen in longer ones."""
        feeds = [step.chunk_s for step in rig.steps[prepared.task.analyzer] if step.kind == "feed"]
        return prepared.kind != "feed" or prepared.chunk_s > min(feeds)


class Gpus:
    """What each analyzer that uses a GPU does to it."""

    def __init__(self, rigs: Rigs) -> None:
        self.rigs = rigs

    def units(self) -> list[str]:
        tasks = self.rigs.subject.tasks if on_gpu(self.rigs.subject.device) else ()
        return [f"{task.analyzer}, GPU" for task in tasks if task.gpu]

    def measure(self, unit: str, found: Observed) -> None:
        name = unit.partition(",")[0]
        rig = self.rigs.get("first", 1)
        steps = [step for step in rig.steps.get(name, []) if step.kind != "finish"]
        if not steps:
            return
        use = rig.watch(max(steps, key=lambda step: step.span_s))
        if isinstance(use, NotMeasured):
            found.unknown |= {"gpu": use.reason, "gpu_share": use.reason}
        else:
            found.gpu[name] = use


class Pairs:
    """Works side by side in two processes, each on a core of its own: how much they slow each other."""

    def __init__(self, rigs: Rigs) -> None:
        self.rigs = rigs

    def units(self) -> list[str]:
        names = [task.analyzer for task in self.rigs.subject.tasks]
        if self.rigs.subject.cores < 2:
            return []
        pairs = {
            tuple(sorted((one, names[(place + ahead) % len(names)])))
            for place, one in enumerate(names)
            for ahead in PARTNERS
        }
        return [" beside ".join(pair) for pair in sorted(pairs) if pair[0] != pair[1]]

    def measure(self, unit: str, found: Observed) -> None:
        names = unit.split(" beside ")
        timings = [timing for name in names if (timing := standing_for(found, name))]
        if len(timings) < 2:
            return  # too short, or without costs
        self.rigs.drop("first", 2)
        rigs = [self.rigs.get(name, 1) for name in ("first", "second")]
        steps = [prepared_for(rig, timing) for rig, timing in zip(rigs, timings, strict=True)]
        before = [alone(rig, step) for rig, step in zip(rigs, steps, strict=True)]
        begin_s = now() + 0.02
        end_s = begin_s + max(BESIDE_S, BESIDE_STEPS * max(map(length, chain(*before))))
        for rig, step in zip(rigs, steps, strict=True):
            rig.repeat(step, begin_s, end_s)
        times = [rig.repeated(step) for rig, step in zip(rigs, steps, strict=True)]
        after = [alone(rig, step) for rig, step in zip(rigs, steps, strict=True)]
        one_s, other_s = (median(map(length, [*a, *b])) for a, b in zip(before, after, strict=True))
        one, other = beside(times[0], times[1]) / one_s, beside(times[1], times[0]) / other_s
        found.pairs.append(Pair(names[0], names[1], one, other))


def alone(rig: Rig, step: Prepared) -> list[tuple[float, float]]:
    """The times of a step that is repeated as in company, but alone."""
    begin_s = now() + 0.005
    rig.repeat(step, begin_s, begin_s + ALONE_S)
    return rig.repeated(step)


def length(interval: tuple[float, float]) -> float:
    """Seconds from its begin to its end."""
    return interval[1] - interval[0]


def standing_for(found: Observed, name: str) -> Timing | None:
    """The step that stands for an analyzer: the first of its shortest pieces, if that takes any time.

    Of one that collects what it reads, it is the step in which it works on that.
    """
    steps = found.timings_of(name, ("feed", "whole"), EMPTY, 1)
    steps = [timing for timing in steps if timing.piece in found.ends(name)] or steps
    shortest_s = min((timing.chunk_s for timing in steps), default=0.0)
    first = next((timing for timing in steps if timing.chunk_s == shortest_s), None)
    return first if first and first.typical_s >= SHORTEST_S else None


def prepared_for(rig: Rig, timing: Timing) -> Prepared:
    """The step of a rig that was timed."""
    steps = rig.steps[timing.analyzer]
    return next(p for p in steps if (p.kind, p.piece) == (timing.step, timing.piece))


def beside(mine: Sequence[tuple[float, float]], others: Sequence[tuple[float, float]]) -> float:
    """The median length of my intervals that lie within the time in which the other was at work too.

    Where none does, it is that of the first one, which began together with the other's.
    """
    begin_s, end_s = others[0][0], others[-1][1]
    whole = [end - start for start, end in mine if start >= begin_s - 0.001 and end <= end_s]
    return median(whole or [mine[0][1] - mine[0][0]])
