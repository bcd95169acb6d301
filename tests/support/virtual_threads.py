"""The executor `threads` on a clock that stands still until everybody waits: real in all but the time.

Threads, pipes, the worker's loop, supervision and scheduling are those of a run. How busy the machine is
makes no difference to the order in which anything happens.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Sequence

from clipbench.executors.protocol import Link
from clipbench.executors.simulated import JUST_OVER_S
from clipbench.executors.threads import ThreadLink, Threads

#: Seconds, of real time, after which a worker that neither says anything nor sleeps fails the test.
STUCK_S = 60.0


class Clock:
    """A clock in seconds that `advance` moves; a thread that sleeps on it goes on when its time has come."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._moved = threading.Condition()
        self._wakes: dict[threading.Thread, float] = {}

    def now(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        """What `time.sleep` does, on this clock."""
        this = threading.current_thread()
        with self._moved:
            self._wakes[this] = self.now_s + seconds
            self._moved.wait_for(lambda: this not in self._wakes)

    def sleeps(self, thread: threading.Thread) -> bool:
        """Whether a thread sleeps on this clock."""
        return thread in self._wakes

    def advance(self, until_s: float) -> bool:
        """Go to when the next thread wakes up, at most to `until_s`; whether one has."""
        with self._moved:
            first = min(self._wakes, key=self._wakes.__getitem__, default=None)
            if first is None or self._wakes[first] > until_s:
                assert until_s < math.inf, "everybody waits, and nobody will ever do anything"
                self.now_s = until_s
                return False
            self.now_s = self._wakes.pop(first)
            self._moved.notify_all()
            return True

    def end(self) -> None:
        """Wake up all that still sleep, such as what was left behind since it hung."""
        with self._moved:
            self._wakes.clear()
            self._moved.notify_all()


class VirtualThreads(Threads):
    """`threads` on such a clock, which goes on when every worker is idle or asleep and has said all."""

    def __init__(self, observer, clock: Clock) -> None:
        super().__init__(observer)
        self.time, self.clock = clock, clock.now

    def patience_s(self, idle: bool) -> float:
        return max(0.0, self.started().next_limit_s() - self.time.now_s) + JUST_OVER_S

    def wait(self, links: Sequence[Link], timeout_s: float) -> Sequence[Link]:
        until_s, stuck_s = self.time.now_s + timeout_s, time.monotonic() + STUCK_S
        while time.monotonic() < stuck_s:
            at_rest = self._at_rest()  # before it is looked at what has been said: nobody will say more
            if heard := super().wait(links, 0.0 if at_rest else 0.01):
                return heard
            if at_rest and not self.time.advance(until_s):
                return []
        raise AssertionError("a worker neither says anything nor sleeps")

    def _at_rest(self) -> bool:
        """Whether every worker waits for a command, or sleeps."""
        for worker in self.started().workers:
            assert isinstance(worker.link, ThreadLink)
            if not worker.idle() and not self.time.sleeps(worker.link.thread):
                return False
        return True
