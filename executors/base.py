"""The executor contract: what is planned, what comes back, and the four methods in between.

Executors know nothing of any single analyzer: they see tasks, and analyzers through `analyzers.base`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

from clipbench.analyzers.base import ClipView, Segment, Settings
from clipbench.executors.faults import Fault
from clipbench.plugins import Part

Status = Literal["ok", "failed", "timeout", "oom", "crashed", "skipped"]
Phase = Literal["spawn", "import", "load", "decode", "analyze", "cleanup"]

#: One clock for all processes of a machine: CLOCK_MONOTONIC counts from boot for every process.
now = time.monotonic


class Handle(Protocol):
    """A clip that can be sent to another process."""

    def open(self) -> OpenClip: ...


class OpenClip(ClipView, Protocol):
    """A clip view that a worker has opened, with a memo of its own."""

    def close(self) -> None: ...


class Clip(ClipView, Protocol):
    """A clip as an executor gets it: a view that can be shared, whose frames may still be on their way."""

    def share(self) -> Handle:
        """For other processes of this machine: nothing is copied."""

    def export(self) -> Handle:
        """For other machines: all of a decoded clip."""

    def decoded(self) -> bool:
        """Whether all frames are there; raises what went wrong while decoding."""


@dataclass(frozen=True)
class Task:
    """One analyzer to run: its name, its settings, and what of this plan it waits for.

    `upstream` are the analyzers whose results it reads, `after` those that it only comes after; `frames` says
    whether it reads frames at all, and so must wait for them; `gpu` whether it uses the GPU of its group.
    """

    analyzer: str
    settings: Settings
    upstream: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    frames: bool = False
    gpu: bool = False


@dataclass(frozen=True)
class Group:
    """Analyzers that share one worker, on one device and CPU set, in the order in which to start them."""

    name: str
    device: str
    tasks: tuple[Task, ...]
    cpus: tuple[int, ...] = ()

    def device_of(self, analyzer: str) -> str:
        """Where one of its analyzers runs: on the group's device, or on the CPU if it uses no GPU."""
        return self.device if any(t.gpu for t in self.tasks if t.analyzer == analyzer) else "cpu"


Cleanup = Literal["exit", "unload", "offload"]


@dataclass(frozen=True)
class Plan:
    """A validated grouping: what runs, on which device, with how many threads per worker.

    `timeout_s` is what one analysis may take, `load_timeout_s` one loading; `cleanup` is the state in which
    workers are left between bursts of work; `profile` the kind and the folder of a profiler to attach;
    `workers` counts them where they are not the groups; `memory_fraction` is the share of its GPU's memory
    that a worker's process may take (None: all); `visible` has the numbers of the GPUs that this process may
    use, in CUDA's order; `options` are those of one strategy only.
    """

    groups: tuple[Group, ...]
    threads: int
    workers: int = 1
    timeout_s: float = 120.0
    load_timeout_s: float = 600.0
    cleanup: Cleanup = "exit"
    memory_fraction: float | None = None
    visible: tuple[int, ...] = ()
    faults: tuple[Fault, ...] = ()
    profile: tuple[str, str] = ("", "")
    options: Mapping[str, Any] = field(default_factory=dict)

    def tasks(self) -> list[Task]:
        """All tasks, each after those whose results it reads, otherwise in the grouping's order."""
        waiting = [task for group in self.groups for task in group.tasks]
        ordered: list[Task] = []
        placed: set[str] = set()
        while waiting:
            task = next(t for t in waiting if placed.issuperset({*t.upstream, *t.after}))
            waiting.remove(task)
            ordered.append(task)
            placed.add(task.analyzer)
        return ordered

    def group_of(self, analyzer: str) -> Group:
        """The group that holds `analyzer`."""
        return next(g for g in self.groups if any(t.analyzer == analyzer for t in g.tasks))


@dataclass(frozen=True)
class Span:
    """One piece of a worker's time, on the clock of `now`; `analyzer` is "" outside of any.

    `clip` counts the clips that the executor was given, from 0.
    """

    worker: str
    analyzer: str
    phase: Phase
    start_s: float
    end_s: float
    clip: int = 0


@dataclass
class Outcome:
    """What became of one analyzer on one clip.

    `reason` says in one line why there are no results (also of an `ok` one that had nothing to analyze);
    `error` is the traceback of an analyzer that raised; `retried` how a second try after a lack of memory
    differed from the first; `facts` are what the analyzer says of itself (`Analyzer.facts`). `device` is
    "cpu" or the plan's "gpu:N", not what CUDA calls it in the worker.
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
    retried: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


class Observer(Protocol):
    """Told what the workers do, as they do it; calls come from the process that owns the executor."""

    def began(self, worker: str, analyzer: str, phase: Phase) -> None: ...

    def ended(self, span: Span) -> None: ...


class ExecutorUnavailable(Exception):
    """The executor cannot be had here: the message says what it takes."""


class Executor(Part):
    """Runs the analyzers of a plan on clips.

    `start` once, then `run` or `run_many`; `cleanup` gives memory back as the plan says, and `wake` makes it
    ready again; `close` ends everything and must also do alone, at any point. A failing analyzer never
    raises here: it is an `Outcome`, and every task of the plan gets one for every clip.
    """

    name: ClassVar[str]
    #: The kinds of fault (executors/faults.py) that cost no more than the analyzer they strike.
    contains: ClassVar[frozenset[str]] = frozenset()
    #: Whether it starts on a clip whose frames are still being decoded.
    overlaps_decoding: ClassVar[bool] = False
    #: Whether its workers are threads or children of this process, so that their CPU time counts as its own.
    children: ClassVar[bool] = True

    def __init__(self, observer: Observer) -> None:
        self.observer = observer

    def start(self, plan: Plan) -> None:
        """Make the workers and load every analyzer."""
        raise NotImplementedError

    def run(self, clip: Clip) -> Iterator[Outcome]:
        """The outcomes of all analyzers on `clip`, as they finish."""
        for _, outcome in self.run_many(iter([clip]), 1):
            yield outcome

    def run_many(self, clips: Iterator[Clip], in_flight: int) -> Iterator[tuple[int, Outcome]]:
        """The outcomes on several clips with the clip's place in the queue, as they finish.

        At most `in_flight` clips are taken from `clips` before all outcomes on one of them are out.
        """
        raise NotImplementedError

    def cleanup(self) -> None:
        """Give the analyzers' memory back, leaving the workers in the state that the plan names."""
        raise NotImplementedError

    def wake(self) -> None:
        """Make the workers ready for the next clip after `cleanup`."""
        raise NotImplementedError

    def state(self) -> dict[str, str]:
        """Worker → its state, for people: "2 analyzers loaded", "exited"."""
        raise NotImplementedError

    def pids(self) -> dict[str, int]:
        """Worker → its process."""
        raise NotImplementedError

    def close(self) -> None:
        """End what is left: processes, threads, shared memory."""
        raise NotImplementedError
