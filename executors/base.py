"""The executor contract: what is planned, what comes back, and the methods in between.

Executors know nothing of any single analyzer: they see tasks, and analyzers through `analyzers.base`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

from clipbench.analyzers.base import Chunk, ClipFacts, Needs, Segment
from clipbench.executors.arrivals import AllThere, Arrivals
from clipbench.executors.costs import Pretended
from clipbench.executors.faults import Fault
from clipbench.executors.graph import Urgency
from clipbench.executors.layout import Group, Machine, Task, WorkerPlan, in_order, one_per_group
from clipbench.executors.settings import ExecutorSettings
from clipbench.executors.steps import Fed, OnDecoded, nobody
from clipbench.plugins import Part

Status = Literal["ok", "failed", "timeout", "oom", "crashed", "skipped"]
Phase = Literal["spawn", "import", "load", "decode", "analyze", "cleanup"]

#: One clock for all processes of a machine: CLOCK_MONOTONIC counts from boot for every process.
now = time.monotonic


class Handle(Protocol):
    """A piece of a clip that can be sent to another process."""

    def open(self) -> OpenPiece: ...


class OpenPiece(Chunk, Protocol):
    """A piece of a clip that a worker has opened, with a memo of its own."""

    def close(self) -> None: ...


class Piece(Protocol):
    """A piece of a clip: one chunk, or all of it, or the facts alone; `name` tells those of a clip apart."""

    name: str
    #: Seconds of the clip that it has.
    span_s: float

    def share(self) -> Handle:
        """A handle for other processes of this machine: nothing is copied."""

    def export(self) -> Handle:
        """A handle for other machines, with all of the piece in it."""


class Journal(Protocol):
    """What the analyzers have found in the chunks of a clip so far."""

    def position(self, analyzer: str) -> tuple[int, bytes | None]:
        """The chunk that an analyzer reads next, and its pickled state; (0, None) at the beginning."""

    def fed(self, fed: Fed) -> None:
        """Keep what an analyzer found in a chunk."""

    def found(self, analyzer: str) -> Sequence[bytes]:
        """What an analyzer found in each chunk, in order: it can be sent to processes of this machine."""


class ClipLost(Exception):
    """Decoding a clip has failed on the way: the message is one line that names it and says why."""


class Clip(ClipFacts, Protocol):
    """A clip as an executor gets it, which is decoded while it is analyzed.

    Its decoder goes ahead of the analyzers by a bounded number of chunks, and waits for them to be released.
    """

    chunks: int
    journal: Journal

    def chunk(self, number: int, needs: Needs) -> Piece | None:
        """A chunk, from 0, with at least what `needs` names; None while that is not decoded.

        Its sound is there before its frames, and what was there once stays until it is released. Raises
        ClipLost, and for a released chunk KeyError.
        """

    def whole(self, needs: Needs) -> Piece | None:
        """The clip with at least what `needs` names; None while that is not decoded. Raises ClipLost.

        With no needs it is the facts alone, which are there at once.
        """

    def release(self, until: int) -> None:
        """Give back the chunks before this one: nobody will ask for them."""

    def wait(self, timeout_s: float) -> None:
        """Wait until something more is decoded, for at most so many seconds."""


class PretendedClip(Clip, Protocol):
    """A clip of a virtual executor. It has to be closed."""

    def close(self) -> None: ...


@dataclass(frozen=True)
class Plan:
    """A validated grouping under an executor: what runs, in which workers, on which devices.

    `groups` are those of the grouping, `layout` the workers that the executor made of them, and `settings`
    the executor's, `pretended` what a virtual one computes with. `visible` has the numbers of the GPUs that
    this process may use, in CUDA's order; `one_process` is the executor's; `profile` is the kind of a
    profiler to attach and the folder for what it writes.
    """

    groups: tuple[Group, ...]
    layout: tuple[WorkerPlan, ...]
    settings: ExecutorSettings = field(default_factory=ExecutorSettings)
    visible: tuple[int, ...] = ()
    one_process: bool = False
    faults: tuple[Fault, ...] = ()
    profile: tuple[str, str] = ("", "")
    pretended: Pretended | None = None

    @property
    def workers(self) -> int:
        """How many workers there are."""
        return len(self.layout)

    @property
    def threads(self) -> int:
        """The thread budget of a worker: the largest, where they differ."""
        return max((worker.threads for worker in self.layout), default=1)

    def tasks(self) -> list[Task]:
        """All tasks, each after those that it waits for, otherwise in the grouping's order."""
        return in_order(self.groups)

    def workers_of(self, group: Group) -> list[WorkerPlan]:
        """The workers that hold a group."""
        return [worker for worker in self.layout if worker.holds(group.tasks[0].analyzer)]

    def group_of(self, analyzer: str) -> Group:
        """The group that holds `analyzer`."""
        return next(g for g in self.groups if any(t.analyzer == analyzer for t in g.tasks))


@dataclass(frozen=True)
class Span:
    """One piece of a worker's time, on the clock of `now`; `analyzer` is "" outside of any.

    `clip` counts the clips that the executor was given, from 0. `chunk` is the chunk that was read, or None.
    In the result of a long run a span may stand for a `count` of chunks: `chunk` and later ones there.
    """

    worker: str
    analyzer: str
    phase: Phase
    start_s: float
    end_s: float
    clip: int = 0
    chunk: int | None = None
    count: int = 1


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
    segments: Sequence[Segment] = field(default_factory=list)
    headline: str = ""
    analyze_s: float | None = None
    reason: str = ""
    error: str = ""
    retried: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


def skipped(analyzer: str, reason: str) -> Outcome:
    """The outcome of an analyzer that no worker has run, and why."""
    return Outcome(analyzer, "skipped", "", "", reason=reason)


class Observer(Protocol):
    """Told what the workers do, as they do it; calls come from the process that owns the executor."""

    def began(self, worker: str, analyzer: str, phase: Phase) -> None: ...

    def ended(self, span: Span) -> None: ...


class ExecutorUnavailable(Exception):
    """The executor cannot be used here: the message says what it requires."""


class ExecutorLost(Exception):
    """The executor has ended on the way, and cannot go on: the message says why."""


class Executor(Part):
    """Runs the analyzers of a plan on clips.

    Call `start` once, then `run` or `run_many`; `cleanup` gives memory back as the settings say, and `wake`
    makes it ready again; `close` ends everything, and may be called at any point, also twice. A failing
    analyzer never raises here: it is an `Outcome`, and every task of the plan gets one for every clip.
    """

    name: ClassVar[str]
    #: A dataclass derived from ExecutorSettings: what `executor.<key>=` can set.
    settings_type: ClassVar[type[ExecutorSettings]] = ExecutorSettings
    #: The packages that it imports and that a plain installation does not have.
    requires: ClassVar[tuple[str, ...]] = ()
    #: The kinds of fault (executors/faults.py) that cost no more than the analyzer they strike.
    contains: ClassVar[frozenset[str]] = frozenset()
    #: Whether its workers are threads or children of this process, so that their CPU time counts as its own.
    children: ClassVar[bool] = True
    #: The clock that arrivals, time limits and spans go by, in seconds.
    clock: Callable[[], float] = staticmethod(now)
    #: Seconds in which cores were busy until now, all of them together; 0 where they are real.
    cores_s: Callable[[], float] = staticmethod(float)
    #: Whether all its workers are in one process, with one CUDA context that stays while it lives.
    one_process: ClassVar[bool] = False
    #: Which of the tasks that could go on comes first.
    ranking: ClassVar[type[Urgency]] = Urgency
    #: Whether nothing runs: workers, clock and clips are pretended, and `pretend` makes the clips.
    virtual: ClassVar[bool] = False

    def __init__(self, observer: Observer) -> None:
        self.observer = observer

    @classmethod
    def layout(
        cls, groups: Sequence[Group], machine: Machine, settings: ExecutorSettings
    ) -> tuple[WorkerPlan, ...]:
        """The workers that these groups become on this machine; by default one for each replica of a group.

        Their devices are those that the groups ask for: which GPU `gpu:auto` is, planning decides afterwards.
        """
        return one_per_group(groups, machine, settings.threads)

    def pretend(
        self, plan: Plan, facts: ClipFacts, chunk_s: float | None, on_decoded: OnDecoded = nobody
    ) -> PretendedClip:
        """A clip as it were decoded in chunks of about `chunk_s`; it may be asked for before `start`."""
        raise NotImplementedError

    def start(self, plan: Plan) -> None:
        """Make the workers and load every analyzer."""
        raise NotImplementedError

    def run(self, clip: Clip) -> Iterator[Outcome]:
        """The outcomes of all analyzers on `clip`, as they finish."""
        yield from (outcome for _, outcome in self.run_many(AllThere([clip]), 1))

    def run_many(self, clips: Arrivals[Clip], in_flight: int) -> Iterator[tuple[int, Outcome]]:
        """The outcomes on several clips with the clip's place in the queue, as they finish.

        Each is taken when it has arrived, but at most `in_flight` before all outcomes on one of them are out.
        """
        raise NotImplementedError

    def cleanup(self) -> None:
        """Give the analyzers' memory back, leaving the workers in the state that the plan names."""
        raise NotImplementedError

    def wake(self) -> None:
        """Make the workers ready for the next clip after `cleanup`."""
        raise NotImplementedError

    def cleanup_failures(self) -> dict[str, str]:
        """After `close`: the analyzers that could not be unloaded, parked or woken, or were lost, and why."""
        return {}

    def state(self) -> dict[str, str]:
        """Worker → its state, for people: "2 analyzers loaded", "exited"."""
        raise NotImplementedError

    def pids(self) -> dict[str, int]:
        """Worker → its process."""
        raise NotImplementedError

    def gpu_times(self) -> dict[int, list[tuple[float, float]]]:
        """GPU → from when until when it had something to do; empty where they are real and not known."""
        return {}

    def close(self) -> None:
        """End what is left: processes, threads, shared memory."""
        raise NotImplementedError
