"""A machine in virtual time: pieces of work share its cores and GPUs, and the clock jumps from end to end.

A process (a worker, a decoder) is a generator that yields `Stretch`es: what it does until it goes on. It
yields PARKED where it waits for somebody to `resume` it. There are no ticks: between two events every rate
stays as it is, so what is left of each stretch says when the next event is (processor sharing:
L. Kleinrock, Time-shared Systems: A Theoretical Treatment, 1967).
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from clipbench.executors.layout import Machine
from clipbench.executors.sharing import Host, SharedGpu

#: Events nearer to each other than this, in seconds, are at the same time: times are sums, and rounded.
SAME_TIME_S = 1e-9


@dataclass(frozen=True, slots=True)
class Stretch:
    """So many `seconds` of one kind of work, if nothing else ran.

    Of the host it keeps `cores` cores busy, any of `cpus` (empty: of all), and bears company as `Work` in
    executors/costs.py does; of the GPU with this index it fills `share`. With neither, it only waits.
    """

    seconds: float
    cores: float = 0.0
    cpus: tuple[int, ...] = ()
    pressure: float = 0.0
    sensitivity: float = 0.0
    gpu: int | None = None
    share: float = 0.0


class Parked:
    """What a process yields that waits for `World.resume`."""


PARKED = Parked()
Process: TypeAlias = Generator[Stretch | Parked, None, None]


class Activity:
    """A process in the world, the stretch that it is at, and what was left of that when it was `at_s`.

    `rate` is how many of the stretch's seconds pass in one. `version` counts its entries in the queue, of
    which only the last one holds.
    """

    __slots__ = ("at_s", "kind", "left_s", "number", "parked", "process", "rate", "stretch", "version")

    def __init__(self, process: Process, kind: str, number: int) -> None:
        self.process, self.kind, self.number = process, kind, number
        self.stretch: Stretch | None = None
        self.left_s = self.rate = self.at_s = 0.0
        self.parked, self.version = False, 0


@dataclass(frozen=True)
class Usage:
    """What was used until now, in seconds: of cores in all and by kind of process, and of each GPU.

    A GPU that is half filled for a second counts as half a second in `filled_s`, and as one in `busy_s`.
    """

    cores_s: float
    by_kind_s: dict[str, float]
    filled_s: dict[int, float]
    busy_s: dict[int, float]


class World:
    """A clock, a machine, and what goes on in it. `news` says that somebody who waits should look around."""

    def __init__(self) -> None:
        self.now_s, self.news = 0.0, False
        self.machine = Machine(1)
        self._queue: list[tuple[float, int, int, Activity]] = []
        self._numbers = itertools.count()
        self._activities: dict[int, Activity] = {}
        self._host, self._gpus = Host(1), dict[int, SharedGpu]()
        self._by_kind_s: dict[str, float] = {}

    def clock(self) -> float:
        """Seconds since the world began."""
        return self.now_s

    def furnish(self, machine: Machine) -> None:
        """Have this machine, before anything goes on."""
        self.machine, self._host = machine, Host(machine.cores)
        self._gpus = {gpu.index: SharedGpu() for gpu in machine.gpus}

    def begin(self, process: Process, kind: str = "") -> Activity:
        """Start a process of some kind, and have it go as far as it can at this time."""
        activity = Activity(process, kind, next(self._numbers))
        self._activities[activity.number] = activity
        self._go_on(activity)
        return activity

    def resume(self, activity: Activity) -> None:
        """Have a parked process go on; one that is at work goes on by itself."""
        if activity.parked:
            activity.parked = False
            self._go_on(activity)

    def end(self, activity: Activity) -> None:
        """End a process, whatever it is at."""
        activity.parked = False
        self._leave(activity)
        activity.process.close()
        self._activities.pop(activity.number, None)

    def advance(self, until_s: float) -> bool:
        """Go to the next time at which a process goes on, at most to `until_s`; whether there was one."""
        queue = self._queue
        while queue and queue[0][2] != queue[0][3].version:
            heapq.heappop(queue)
        if not queue or queue[0][0] > until_s:
            if until_s == math.inf:
                raise RuntimeError("nothing will ever happen in this world")
            self.now_s = max(self.now_s, until_s)
            return False
        self.now_s = max(self.now_s, queue[0][0])
        while queue and queue[0][0] <= self.now_s + SAME_TIME_S:
            _, _, version, activity = heapq.heappop(queue)
            if version == activity.version:
                self._leave(activity)
                self._go_on(activity)
        return True

    def usage(self) -> Usage:
        """What was used until now."""
        self._host.account(self.now_s)
        for gpu in self._gpus.values():
            gpu.account(self.now_s)
        return Usage(
            self._host.used_s,
            dict(self._by_kind_s),
            {index: gpu.filled_s for index, gpu in self._gpus.items()},
            {index: gpu.busy_s for index, gpu in self._gpus.items()},
        )

    def cores_s(self) -> float:
        """Seconds in which cores were busy until now, all of them together."""
        return self.usage().cores_s

    def gpu_times(self) -> dict[int, list[tuple[float, float]]]:
        """GPU → from when until when it had something to do, up to now."""
        return {index: gpu.busy_times(self.now_s) for index, gpu in self._gpus.items()}

    def _go_on(self, activity: Activity) -> None:
        """Have a process go on until it is at a stretch that takes time, parks or ends."""
        for step in activity.process:
            if isinstance(step, Parked):
                activity.parked = True
                return
            if step.seconds > 0:
                self._enter(activity, step)
                return
        self._activities.pop(activity.number, None)

    def _enter(self, activity: Activity, stretch: Stretch) -> None:
        activity.stretch, activity.left_s, activity.at_s = stretch, stretch.seconds, self.now_s
        activity.rate = 0.0
        if stretch.gpu is not None:
            self._note(self._gpus[stretch.gpu].entered(activity.number, stretch.share, self.now_s))
        elif stretch.cores:
            self._note(self._host.entered(activity.number, stretch, self.now_s))
        else:
            self._note([(activity.number, 1.0)])

    def _leave(self, activity: Activity) -> None:
        """Take an activity off what it is at."""
        stretch, activity.stretch = activity.stretch, None
        activity.version += 1
        if stretch is None:
            return
        if stretch.gpu is not None:
            self._note(self._gpus[stretch.gpu].left(activity.number, self.now_s))
        elif stretch.cores:
            left_s = activity.left_s - (self.now_s - activity.at_s) * activity.rate
            done_s = (stretch.seconds - max(0.0, left_s)) * stretch.cores
            self._by_kind_s[activity.kind] = self._by_kind_s.get(activity.kind, 0.0) + done_s
            self._note(self._host.left(activity.number, self.now_s))

    def _note(self, rates: Iterable[tuple[int, float]]) -> None:
        """Have these activities go on at these rates."""
        now_s = self.now_s
        for number, rate in rates:
            activity = self._activities[number]
            if rate == activity.rate:
                continue
            activity.left_s -= (now_s - activity.at_s) * activity.rate
            activity.at_s, activity.rate = now_s, rate
            activity.version += 1
            ends_s = now_s + max(0.0, activity.left_s) / rate
            if ends_s < math.inf:
                heapq.heappush(self._queue, (ends_s, number, activity.version, activity))
