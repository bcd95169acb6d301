"""The clips of a run as they arrive at the executor: each is opened when the executor takes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol

from clipbench.bench.clips.clip_info import ClipInfo
from clipbench.executors.arrivals import AT_ONCE, NEVER
from clipbench.executors.base import Clip


class OpenedClip(Clip, Protocol):
    """A clip that was opened: what is known of it so far, and why decoding has failed, if it has."""

    @property
    def info(self) -> ClipInfo: ...
    @property
    def failure(self) -> str: ...


#: Opens the clip at a path, which arrived at a time; None for one that is lost.
Opener = Callable[[Path, float], OpenedClip | None]


class ClipQueue:
    """Clips that are there from the beginning, or arrive at `times`. See `Arrivals` in executors/arrivals.py.

    `times` are in seconds from `begin`, in order: at each of them the next clip of `paths` that can be read
    arrives. Without them all of `paths` are there, or the first `most` that can be read.
    """

    def __init__(
        self,
        paths: Iterable[Path],
        opener: Opener,
        times: Sequence[float] | None = None,
        most: int | None = None,
    ) -> None:
        self._paths, self._opener, self._times = iter(paths), opener, times
        self._most = most if times is None else len(times)
        self._began_s, self._taken, self._exhausted = 0.0, 0, False
        self._first: OpenedClip | None = None

    def begin(self, now_s: float) -> None:
        """Have the times count from now on."""
        self._began_s = now_s

    def peek(self, now_s: float) -> OpenedClip | None:
        """Open the first clip already, which stays in the queue; None where none can be read."""
        self._first = self.take(now_s)
        return self._first

    @property
    def next_s(self) -> float:
        if self._first is not None:
            return AT_ONCE
        if self._exhausted or self._taken == self._most:
            return NEVER
        return AT_ONCE if self._times is None else self._began_s + self._times[self._taken]

    def take(self, now_s: float) -> OpenedClip | None:
        if self._first is not None:
            first, self._first = self._first, None
            return first
        if now_s < self.next_s:
            return None
        arrived_s = max(self.next_s, self._began_s)
        for path in self._paths:
            if clip := self._opener(path, arrived_s):
                self._taken += 1
                return clip
        self._exhausted = True
        return None
