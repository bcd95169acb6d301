"""The messages between an executor and its workers, and what both use to exchange them.

A `Command` goes to a worker, a `Report` comes back. Whoever receives them matches all of them: mypy names a
message that is not handled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from clipbench.analyzers.base import Segment
from clipbench.executors.base import Handle, Outcome, Phase, Span
from clipbench.executors.faults import Fault
from clipbench.executors.layout import Task, WorkerPlan
from clipbench.executors.steps import Fed, Step


@dataclass(frozen=True)
class WorkerSpec:
    """All that a worker needs to start: what it was planned as, and what of the run concerns it.

    `attempt` counts how often it was started before. The other fields are those of `Plan` and
    `ExecutorSettings`.
    """

    worker: WorkerPlan
    visible: tuple[int, ...] = ()
    memory_fraction: float | None = None
    faults: tuple[Fault, ...] = ()
    profile: tuple[str, str] = ("", "")
    attempt: int = 0

    def dies_at_start(self) -> bool:
        """Whether a fault is planted that ends the worker at its first start."""
        planted = any(f.kind == "no_start" and self.worker.holds(f.analyzer) for f in self.faults)
        return planted and self.attempt == 0


@dataclass(frozen=True)
class Load:
    """Load an analyzer, or bring it back after Unload or Offload.

    Answered by Loaded, also where it cannot be loaded: then its outcomes say so. One at a time: so a worker
    that dies of it says by that which one it was.
    """

    task: Task


@dataclass(frozen=True)
class Analyze:
    """Take one step of an analyzer on a piece of a clip. Answered by FedChunk, or by Done.

    `piece` is the piece's name. `results` are the segments of analyzers that it reads and that this worker
    has not seen yet.
    """

    clip: int
    piece: str
    handle: Handle
    task: Task
    step: Step
    results: Mapping[str, Sequence[Segment]]


@dataclass(frozen=True)
class Forget:
    """Let go of a clip: nothing more will be run on it. With `piece`, of that piece alone."""

    clip: int
    piece: str = ""


@dataclass(frozen=True)
class Unload:
    """Drop the weights of all analyzers. Answered by Cleaned."""


@dataclass(frozen=True)
class Offload:
    """Park the weights of all analyzers in host memory. Answered by Cleaned."""


@dataclass(frozen=True)
class Exit:
    """End. Answered by Cleaned and the end of the connection."""


Command: TypeAlias = Load | Analyze | Forget | Unload | Offload | Exit


@dataclass(frozen=True)
class Ready:
    """The worker has started, as the process `pid`."""

    pid: int


@dataclass(frozen=True)
class Began:
    """The worker has begun a piece of work; `analyzer` is "" outside of any."""

    analyzer: str
    phase: Phase


@dataclass(frozen=True)
class Ended:
    """The worker has ended the piece of work that it began last."""

    span: Span


@dataclass(frozen=True)
class Loaded:
    """The worker has done with loading an analyzer. `failures` has those that did not wake, and why."""

    analyzer: str
    failures: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FedChunk:
    """An analyzer has read a chunk of a clip."""

    clip: int
    fed: Fed


@dataclass(frozen=True)
class Done:
    """What became of one analyzer on one clip."""

    clip: int
    outcome: Outcome


@dataclass(frozen=True)
class Cleaned:
    """The worker has unloaded or offloaded its analyzers. `failures` has those that raised, and what."""

    failures: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Dying:
    """The worker is about to end, and why."""

    reason: str


Report: TypeAlias = Ready | Began | Ended | Loaded | FedChunk | Done | Cleaned | Dying


class WorkerConnection(Protocol):
    """The worker's end of the line to its executor."""

    def send(self, report: Report, /) -> None:
        """Tell the executor; raises OSError where it no longer listens."""

    def recv(self) -> Command:
        """Wait for the next command; raises EOFError or OSError where there can be none."""

    def close(self) -> None:
        """End the connection."""


class Link(Protocol):
    """A worker as its executor holds it: the other end of the line, and the means to end the worker."""

    def send(self, command: Command, /) -> None:
        """Tell the worker; raises OSError where it has ended."""

    def recv(self) -> Report:
        """The next report; raises EOFError or OSError where the worker has ended."""

    def poll(self, timeout_s: float, /) -> bool:
        """Whether `recv` would return or raise at once; waits for that for up to `timeout_s` seconds."""

    def fileno(self) -> int:
        """The file descriptor that can be read when `recv` would return or raise at once."""

    def kill(self, grace_s: float = 0.0) -> None:
        """End the worker, after `grace_s` seconds in which it may end by itself; may be called twice."""

    def died_of(self) -> str:
        """Why the worker has ended, in words, for an outcome's reason."""


class Transport(Protocol):
    """What starts workers and waits for what they say."""

    def open(self, spec: WorkerSpec, /) -> Link:
        """Start a worker, without waiting until it is ready."""

    def wait(self, links: Sequence[Link], timeout_s: float, /) -> Sequence[Link]:
        """Those of `links` that can be read, as soon as there is one; after `timeout_s` seconds none."""

    def patience_s(self, idle: bool, /) -> float:
        """Seconds between two looks at what sends no message.

        That is clocks and, while a worker is `idle` and a task waits for them, chunks that are being decoded.
        """
