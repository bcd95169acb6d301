"""How clips come to an executor: when they arrive, and not before.

All times are in seconds on the executor's own clock, which may be a virtual one. So nobody sleeps until
something arrives: the executor waits for it as it waits for its workers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")
Arrived = TypeVar("Arrived", covariant=True)

#: When that arrives which never does, and that which was there from the beginning.
NEVER, AT_ONCE = math.inf, -math.inf


class Arrivals(Protocol[Arrived]):
    """What arrives one after another: for an executor, the clips of a run."""

    @property
    def next_s(self) -> float:
        """When the next one arrives, or has arrived; NEVER where nothing more comes.

        That nothing more comes may show only when `take` has given nothing.
        """

    def take(self, now_s: float) -> Arrived | None:
        """The next one, if it has arrived by `now_s`. Clips are decoded from then on."""


class AllThere(Generic[T]):
    """Arrivals that are there from the beginning. See `Arrivals`."""

    def __init__(self, things: Iterable[T]) -> None:
        self._things = iter(things)
        self.next_s = AT_ONCE

    def take(self, now_s: float) -> T | None:
        found = next(self._things, None)
        if found is None:
            self.next_s = NEVER
        return found
