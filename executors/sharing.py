"""How pieces of work that go on at the same time share what a virtual machine has: its cores, and a GPU.

Each has `entered`, `left` and `account`, and tells which activities go on at another rate than before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

#: So many ways in which cores were shared are remembered.
MOST_KEPT = 10_000
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


class Shares(NamedTuple):
    """How the cores are shared: `levels`, the pressure of all, and whether each has all that it asks for."""

    level: dict[Cpus, float]
    pressure: float
    free: bool


class Host:
    """The cores. Threads share them as they do under Linux: each gets as much as the others, at most a core.

    Work that keeps to some cores shares these, and what keeps to none takes what is left (max-min fairness).
    `used_s` counts the seconds in which a core was busy.
    """

    def __init__(self, cores: int) -> None:
        self.cores, self.used_s = cores, 0.0
        self._there: dict[int, OnCores] = {}
        self._demand: dict[Cpus, float] = {}
        self._busy, self._since_s = 0.0, 0.0
        self._last = Shares({}, 0.0, False)
        self._levels: dict[tuple[tuple[Cpus, float], ...], dict[Cpus, float]] = {}

    def entered(self, number: int, work: OnCores, now_s: float) -> list[tuple[int, float]]:
        """A piece of work begins. Its rate, and that of each whose rate may be new."""
        self.account(now_s)
        self._there[number] = work
        self._demand[work.cpus] = self._demand.get(work.cpus, 0.0) + work.cores
        return self._shared([number])

    def left(self, number: int, now_s: float) -> list[tuple[int, float]]:
        """A piece of work ends. The rate of each whose rate may be new."""
        self.account(now_s)
        cpus = self._there.pop(number).cpus
        # Summed anew: what is added and taken away again would leave rounding errors behind.
        asked = [work.cores for work in self._there.values() if work.cpus == cpus]
        self._demand[cpus] = sum(asked)
        if not asked:
            del self._demand[cpus]
        return self._shared([])

    def account(self, now_s: float) -> None:
        """Count what was used until now."""
        self.used_s += (now_s - self._since_s) * self._busy
        self._since_s = now_s

    def _shared(self, new: list[int]) -> list[tuple[int, float]]:
        """The rates of those that may have another: the share of the cores they ask for, less the company."""
        level = self._level()
        self._busy = sum(cores * level[cpus] for cpus, cores in self._demand.items())
        there = self._there.values()
        pressure = sum(work.pressure * level[work.cpus] for work in there if work.pressure)
        before, self._last = self._last, Shares(level, pressure, min(level.values(), default=1.0) == 1.0)
        same = before.level is level or (before.free and self._last.free)
        numbers = new if same and before.pressure == pressure else self._there
        return [(number, self._rate(self._there[number])) for number in numbers]

    def _rate(self, work: OnCores) -> float:
        rate = self._last.level[work.cpus]
        if self._last.pressure and work.sensitivity:
            rate /= 1 + work.sensitivity * (self._last.pressure - work.pressure * rate)
        return rate

    def _level(self) -> dict[Cpus, float]:
        """`levels` of what is asked for now, which is often as it was before."""
        key = tuple(self._demand.items())
        level = self._levels.get(key)
        if level is None:
            if len(self._levels) > MOST_KEPT:
                self._levels.clear()
            level = self._levels[key] = levels(self._demand, self.cores)
        return level


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
