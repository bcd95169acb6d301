"""The workers that live: who is idle, has something to load or is overdue, without a look at every one."""

from __future__ import annotations

import math
from itertools import count

from clipbench.executors.live_worker import LiveWorker
from clipbench.executors.protocol import Link


class Crew:
    """The workers by their names, in the order in which they were started.

    `links` are theirs; nobody is overdue before `due_s`, where loading an analyzer may take `load_s` seconds.
    Whoever changes a worker says so with `note`.
    """

    def __init__(self, load_s: float) -> None:
        self.workers: dict[str, LiveWorker] = {}
        self.links: tuple[Link, ...] = ()
        self.by_link: dict[Link, LiveWorker] = {}
        self._load_s = load_s
        self._numbers = count()
        self._number: dict[str, int] = {}
        self._idle: dict[int, LiveWorker] = {}
        self._to_load: dict[int, LiveWorker] = {}
        self.due_s = math.inf

    def add(self, worker: LiveWorker) -> None:
        """Have a worker that was started."""
        self.workers[worker.name] = worker
        self._number[worker.name] = next(self._numbers)
        self.relink()
        self.note(worker)

    def remove(self, worker: LiveWorker) -> None:
        """Have a worker no more."""
        del self.workers[worker.name]
        number = self._number.pop(worker.name)
        self._idle.pop(number, None)
        self._to_load.pop(number, None)
        self.relink()

    def relink(self) -> None:
        """Have the workers reached by the links that they have now."""
        self.by_link = {worker.link: worker for worker in self.workers.values()}
        self.links = tuple(self.by_link)

    def note(self, worker: LiveWorker) -> None:
        """Take note of what a worker is doing now."""
        number = self._number[worker.name]
        if worker.idle():
            self._idle[number] = worker
        else:
            self._idle.pop(number, None)
        if worker.to_load:
            self._to_load[number] = worker
        else:
            self._to_load.pop(number, None)
        if worker.busy is not None or worker.pid is None:
            self.due_s = min(self.due_s, worker.due_s(self._load_s))

    def has_idle(self) -> bool:
        """Whether there is a worker that can be given something."""
        return bool(self._idle)

    def idle(self) -> list[str]:
        """The names of the workers that can be given something."""
        return [self._idle[number].name for number in sorted(self._idle)]

    def loading(self) -> list[LiveWorker]:
        """The idle workers that have something to load."""
        return [self._idle[number] for number in sorted(self._to_load) if number in self._idle]

    def settled(self) -> bool:
        """Whether all workers are idle and have nothing to load."""
        return len(self._idle) == len(self.workers) and not self._to_load

    def overdue(self, now_s: float) -> list[tuple[LiveWorker, str]]:
        """The workers that take too long, and why."""
        if now_s < self.due_s:
            return []
        late = [(w, reason) for w in self.workers.values() if (reason := w.overdue(now_s, self._load_s))]
        self.due_s = min((w.due_s(self._load_s) for w in self.workers.values()), default=math.inf)
        return late
