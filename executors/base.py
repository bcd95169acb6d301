"""The executor contract: what is planned, what comes back, and the four methods in between.

Executors know nothing of any single analyzer: they see tasks, and analyzers through `analyzers.base`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Literal, Protocol

from analyzers.base import ClipView, Segment, Settings

Status = Literal["ok", "failed", "timeout", "oom", "crashed", "skipped"]
Phase = Literal["spawn", "import", "load", "decode", "analyze", "cleanup"]

#: One clock for all processes of a machine: CLOCK_MONOTONIC counts from boot for every process.
now = time.monotonic


@dataclass(frozen=True)
class Task:
    """One analyzer to run: its name, its settings, and the analyzers of this plan that it reads."""

    analyzer: str
    settings: Settings
    upstream: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    """Analyzers that share one worker, on one device, in the order in which to start them."""

    name: str
    device: str
    tasks: tuple[Task, ...]


@dataclass(frozen=True)
class Plan:
    """A validated grouping: what runs, on which device, with how many threads per worker."""

    groups: tuple[Group, ...]
    threads: int

    def tasks(self) -> list[Task]:
        """All tasks, each after those whose results it reads, otherwise in the grouping's order."""
        waiting = [task for group in self.groups for task in group.tasks]
        ordered: list[Task] = []
        placed: set[str] = set()
        while waiting:
            task = next(t for t in waiting if placed.issuperset(t.upstream))
            waiting.remove(task)
            ordered.append(task)
            placed.add(task.analyzer)
        return ordered

    def group_of(self, analyzer: str) -> Group:
        """The group that holds `analyzer`."""
        return next(g for g in self.groups if any(t.analyzer == analyzer for t in g.tasks))


@dataclass(frozen=True)
class Span:
    """One piece of a worker's time, on the clock of `now`; `analyzer` is "" outside of any."""

    worker: str
    analyzer: str
    phase: Phase
    start_s: float
    end_s: float


@dataclass
class Outcome:
    """What became of one analyzer on one clip.

    `reason` says in one line why there are no results (also of an `ok` one that had nothing to analyze);
    `error` is the traceback of an analyzer that raised.
    """

    analyzer: str
    status: Status
    worker: str
    device: str
    segments: list[Segment] = field(default_factory=list)
    headline: str = ""
    analyze_s: float | None = None
    reason: str = ""
    error: str = ""


class Observer(Protocol):
    """Told what the workers do, as they do it; calls come from the process that owns the executor."""

    def began(self, worker: str, analyzer: str, phase: Phase) -> None: ...

    def ended(self, span: Span) -> None: ...


class Executor:
    """Runs the analyzers of a plan on clips.

    `start` once, `run` per clip, then `cleanup` and `close`; `close` alone must also do, at any point.
    A failing analyzer never raises here: it is an `Outcome`, and every task of the plan gets one.
    """

    name: ClassVar[str]

    def __init__(self, observer: Observer) -> None:
        self.observer = observer

    def start(self, plan: Plan) -> None:
        """Make the workers and load every analyzer."""
        raise NotImplementedError

    def run(self, clip: ClipView) -> Iterator[Outcome]:
        """The outcomes of all analyzers on `clip`, as they finish."""
        raise NotImplementedError

    def cleanup(self) -> None:
        """Give the analyzers' memory back."""
        raise NotImplementedError

    def close(self) -> None:
        """End what is left: processes, threads, shared memory."""
        raise NotImplementedError
