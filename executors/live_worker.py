"""A worker that was started, and what it is doing, as its supervisor sees it."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, field
from typing import TypeAlias

from clipbench.executors.protocol import Command, Link, WorkerSpec

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Loading:
    """A worker is loading an analyzer; "" stands for unloading, parking or waking all of them."""

    analyzer: str = ""


@dataclass(frozen=True)
class Analyzing:
    """A worker is running an analyzer on a piece of a clip, and may take `limit_s` seconds."""

    clip: int
    analyzer: str
    limit_s: float


Busy: TypeAlias = Loading | Analyzing


@dataclass
class LiveWorker:
    """A worker that was started, as its supervisor sees it.

    `busy` is what it has been doing since `since_s`; `to_load` is what it was asked to load and has not yet
    loaded; `useful` says whether it has finished anything, `dying` why it is about to end.
    """

    spec: WorkerSpec
    link: Link
    started_s: float
    pid: int | None = None
    to_load: list[str] = field(default_factory=list)
    loaded: set[str] = field(default_factory=set)
    busy: Busy | None = None
    since_s: float = 0.0
    useful: bool = False
    dying: str = ""

    @property
    def name(self) -> str:
        """The worker's name."""
        return self.spec.worker.name

    def idle(self) -> bool:
        """Whether it can be given a task now."""
        return self.pid is not None and self.busy is None and not self.dying

    def overdue(self, now_s: float, load_s: float) -> str:
        """Why it has to be ended, if it takes too long; "" otherwise. Loading may take `load_s` seconds."""
        if self.pid is None and now_s - self.started_s > load_s:
            return f"it did not start within {load_s:g} s"
        limit_s = self._limit_s(load_s)
        if self.busy is not None and now_s - self.since_s > limit_s:
            return f"took longer than {limit_s:g} s"
        return ""

    def due_s(self, load_s: float) -> float:
        """When it will be overdue, if nothing happens before."""
        starts = self.started_s + load_s if self.pid is None else math.inf
        return min(starts, self.since_s + self._limit_s(load_s) if self.busy is not None else math.inf)

    def _limit_s(self, load_s: float) -> float:
        return self.busy.limit_s if isinstance(self.busy, Analyzing) else load_s

    def send(self, command: Command) -> None:
        """Tell the worker; that it has ended is noticed when it is listened to."""
        try:
            self.link.send(command)
        except OSError as error:
            log.debug("%s has ended, and is not told %s: %s", self.name, type(command).__name__, error)
