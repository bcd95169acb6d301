"""How pieces of work that go on at the same time share what a virtual machine has: its cores, and a GPU.

Each has `entered`, `left` and `account`, and tells which activities go on at another rate than before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Cores that are asked for are sums, and rounded.
ROUNDING = 1e-9
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
    `used_s` counts the seconds in which a core was busy. As long as all get what they ask for, nothing is
    computed anew but for those whom a newcomer slows down by its company.
    """

    def __init__(self, cores: int) -> None:
        self.cores, self.used_s = cores, 0.0
        self._there: dict[int, OnCores] = {}
        self._demand: dict[Cpus, float] = {(): 0.0}
        self._within: dict[Cpus, Sequence[Cpus]] = {(): [()]}
        self._around: dict[Cpus, list[Cpus]] = {(): [()]}
        self._load: dict[Cpus, float] = {(): 0.0}
        self._free, self._level = True, dict[Cpus, float]()
        self._pressure, self._pressing, self._company = 0.0, 0, 0.0
        self._busy, self._since_s = 0.0, 0.0

    def entered(self, number: int, work: OnCores, now_s: float) -> list[tuple[int, float]]:
        """A piece of work begins. Its rate, and that of each whose rate may be new."""
        self.account(now_s)
        if work.cpus not in self._demand:
            self._meet(work.cpus)
        self._there[number] = work
        self._count(work, 1)
        fits = all(self._has_room(cpus) for cpus in self._around[work.cpus])
        if self._free and fits and not work.pressure:
            return [(number, self._rate(work))]
        return self._shared()

    def left(self, number: int, now_s: float) -> list[tuple[int, float]]:
        """A piece of work ends. The rate of each whose rate may be new."""
        self.account(now_s)
        work = self._there.pop(number)
        self._count(work, -1)
        return [] if self._free and not work.pressure else self._shared()

    def account(self, now_s: float) -> None:
        """Count what was used until now."""
        self.used_s += (now_s - self._since_s) * (self._load[()] if self._free else self._busy)
        self._since_s = now_s

    def _has_room(self, cpus: Cpus) -> bool:
        """Whether all who keep to these cores get what they ask for."""
        return self._load[cpus] <= (len(cpus) or self.cores) + ROUNDING

    def _meet(self, cpus: Cpus) -> None:
        """Work of this kind has not been there before: note which sets of cores have its cores in them."""
        self._demand[cpus] = 0.0
        within = self._within = {one: inside(one, self._demand) for one in self._demand}
        self._around = {one: [other for other in within if one in within[other]] for one in within}
        self._load = {one: sum(self._demand[other] for other in others) for one, others in within.items()}

    def _count(self, work: OnCores, sign: int) -> None:
        """Have a piece of work more, or one less, in what is asked for and in the company."""
        self._demand[work.cpus] += sign * work.cores
        for cpus in self._around[work.cpus]:
            self._load[cpus] += sign * work.cores
        if work.pressure:
            self._pressing += sign
            self._pressure = self._pressure + sign * work.pressure if self._pressing else 0.0

    def _shared(self) -> list[tuple[int, float]]:
        """All rates, computed anew: the share of the cores that each asks for, less what company costs."""
        self._free = all(self._has_room(cpus) for cpus in self._load)
        self._company = self._pressure
        if not self._free:
            asked = {cpus: cores for cpus, cores in self._demand.items() if cores > ROUNDING}
            level = self._level = levels(asked, self.cores, self._within)
            there = self._there.values()
            self._busy = sum(work.cores * level[work.cpus] for work in there)
            self._company = sum(work.pressure * level[work.cpus] for work in there if work.pressure)
        return [(number, self._rate(work)) for number, work in self._there.items()]

    def _rate(self, work: OnCores) -> float:
        rate = 1.0 if self._free else self._level[work.cpus]
        if self._pressing and work.sensitivity:
            rate /= 1 + work.sensitivity * (self._company - work.pressure * rate)
        return rate


def levels(
    demand: Mapping[Cpus, float], cores: int, within: Mapping[Cpus, Sequence[Cpus]] | None = None
) -> dict[Cpus, float]:
    """Which cores work keeps to → the share that it gets of the cores that it asks for, up to 1.

    `demand` has how many cores are asked for. All shares rise together, until some cores are full; then that
    of all who keep to those stays. `within` has, where it is known, for each set of cores those that are
    `inside` of it.
    """
    if within is None:
        within = {cpus: inside(cpus, demand) for cpus in {*demand, ()}}
    # Where each has cores to itself, nothing is shared.
    if all(cpus and len(within[cpus]) == 1 for cpus in demand) and sum(map(len, demand)) <= cores:
        return {cpus: min(1.0, len(cpus) / max(asked, ROUNDING)) for cpus, asked in demand.items()}
    limits = [
        (len(cpus) or cores, [other for other in within[cpus] if other in demand]) for cpus in {*demand, ()}
    ]
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
