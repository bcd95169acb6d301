"""How pieces of work that go on at the same time share what a virtual machine has: its cores, and a GPU.

Each has `entered`, `left` and `account`, and tells which activities go on at another rate than before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Which cores a piece of work may use; empty: all.
Cpus = tuple[int, ...]


class OnCores(Protocol):
    """A piece of work as its cores see it. See `Stretch` in executors/virtual.py."""

    @property
    def cores(self) -> float: ...
    @property
    def cpus(self) -> Cpus: ...
    @property
    def pressure(self) -> float: ...
    @property
    def sensitivity(self) -> float: ...


class Host:
    """The cores. Threads share them as they do under Linux: each gets as much as the others, at most a core.

    Work that keeps to some cores shares these, and what keeps to none takes what is left (max-min fairness).
    `used_s` counts the seconds in which a core was busy.
    """

    def __init__(self, cores: int) -> None:
        self.cores, self.used_s = cores, 0.0
        self._there: dict[int, OnCores] = {}
        self._busy, self._since_s = 0.0, 0.0
        self._levels: dict[tuple[tuple[Cpus, float], ...], dict[Cpus, float]] = {}

    def entered(self, number: int, work: OnCores, now_s: float) -> list[tuple[int, float]]:
        """A piece of work begins. The rate of each that is there, this one included."""
        self.account(now_s)
        self._there[number] = work
        return self._shared()

    def left(self, number: int, now_s: float) -> list[tuple[int, float]]:
        """A piece of work ends. The rate of each that is still there."""
        self.account(now_s)
        del self._there[number]
        return self._shared()

    def account(self, now_s: float) -> None:
        """Count what was used until now."""
        self.used_s += (now_s - self._since_s) * self._busy
        self._since_s = now_s

    def _shared(self) -> list[tuple[int, float]]:
        """The rate of each piece of work: its share of the cores it asks for, less what company costs."""
        demand: dict[Cpus, float] = {}
        for work in self._there.values():
            demand[work.cpus] = demand.get(work.cpus, 0.0) + work.cores
        key = tuple(demand.items())
        level = self._levels.get(key)
        if level is None:
            level = self._levels[key] = levels(demand, self.cores)
        self._busy = sum(cores * level[cpus] for cpus, cores in key)
        pressure = sum(work.pressure * level[work.cpus] for work in self._there.values() if work.pressure)
        rates = []
        for number, work in self._there.items():
            rate = level[work.cpus]
            if pressure and work.sensitivity:
                rate /= 1 + work.sensitivity * (pressure - work.pressure * rate)
            rates.append((number, rate))
        return rates


def levels(demand: Mapping[Cpus, float], cores: int) -> dict[Cpus, float]:
    """Which cores work keeps to → the share that it gets of the cores that it asks for, up to 1.

    `demand` has how many cores are asked for. All shares rise together, until some cores are full; then that
    of all who keep to those stays.
    """
    limits = [(len(cpus) or cores, inside(cpus, demand)) for cpus in {*demand, ()}]
    level: dict[Cpus, float] = {}
    while len(level) < len(demand):
        lowest: float = 1.0
        full: Sequence[Cpus] = list(demand)
        for room, there in limits:
            asked = sum(demand[cpus] for cpus in there if cpus not in level)
            free = room - sum(demand[cpus] * level[cpus] for cpus in there if cpus in level)
            if asked and free / asked < lowest:
                lowest, full = free / asked, there
        for cpus in full:
            level.setdefault(cpus, max(lowest, 0.0))
    return level


def inside(cpus: Cpus, others: Iterable[Cpus]) -> Sequence[Cpus]:
    """Those of the other sets of cores that have no core outside of this one."""
    return [other for other in others if not cpus or (other and set(other).issubset(cpus))]


class SharedGpu:
    """A GPU. Each gets the share that it fills; where these are more than the GPU together, all get less.

    `filled_s` counts the seconds for the share that was filled, `busy_s` those with anything on it.
    """

    def __init__(self) -> None:
        self.filled_s = self.busy_s = 0.0
        self._there: dict[int, float] = {}
        self._times: list[tuple[float, float]] = []
        self._busy_since_s = 0.0
        self._filled, self._rate, self._since_s = 0.0, 1.0, 0.0

    def entered(self, number: int, share: float, now_s: float) -> list[tuple[int, float]]:
        """A piece of work begins, that fills so much of it. The rates of those whose rate is new."""
        self.account(now_s)
        if not self._there:
            self._busy_since_s = now_s
        self._there[number] = share
        changed = self._shared()
        return changed or [(number, self._rate)]

    def left(self, number: int, now_s: float) -> list[tuple[int, float]]:
        """A piece of work ends. The rates of those whose rate is new."""
        self.account(now_s)
        del self._there[number]
        if not self._there:
            self._times.append((self._busy_since_s, now_s))
        return self._shared()

    def busy_times(self, now_s: float) -> list[tuple[float, float]]:
        """From when until when there was anything on it."""
        return [*self._times, *([(self._busy_since_s, now_s)] if self._there else [])]

    def account(self, now_s: float) -> None:
        """Count what was used until now."""
        passed_s = now_s - self._since_s
        self.filled_s += passed_s * self._filled
        self.busy_s += passed_s if self._there else 0.0
        self._since_s = now_s

    def _shared(self) -> list[tuple[int, float]]:
        asked = sum(self._there.values())
        self._filled = min(1.0, asked)
        rate = 1 / max(1.0, asked)
        if rate == self._rate:
            return []
        self._rate = rate
        return [(number, rate) for number in self._there]
