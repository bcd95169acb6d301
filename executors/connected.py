"""The base of executors whose workers are reached over connections.

Scheduling, the lifecycle of workers and the transport come together here, and each of them can be replaced
singly: `Scheduler` decides, `Supervisor` keeps workers alive, and a subclass is the transport.
"""

from __future__ import annotations

import selectors
from collections.abc import Iterator, Sequence

from clipbench.executors.arrivals import NEVER, Arrivals
from clipbench.executors.base import Clip, Executor, Observer, Outcome, Plan, skipped
from clipbench.executors.graph import Urgency
from clipbench.executors.protocol import Link, WorkerSpec
from clipbench.executors.scheduling import Scheduler
from clipbench.executors.steps import Fed
from clipbench.executors.supervision import Supervisor

#: Seconds between two looks at what sends no message: at the chunks that are being decoded, while a worker is
#: idle and a task waits for one, and at clocks.
CHUNK_TICK_S, CLOCK_TICK_S = 0.01, 0.1


class Connected(Executor):
    """Runs a plan on workers that `open` starts. A subclass writes `open`; the rest is here, once."""

    def __init__(self, observer: Observer) -> None:
        super().__init__(observer)
        self.supervisor: Supervisor | None = None
        self._watched: tuple[Link, ...] = ()
        self._selector: selectors.BaseSelector = selectors.DefaultSelector()

    def open(self, spec: WorkerSpec) -> Link:
        """Start a worker and return its link, without waiting until it is ready."""
        raise NotImplementedError

    def wait(self, links: Sequence[Link], timeout_s: float) -> Sequence[Link]:
        """Those of `links` that can be read, as soon as there is one; after `timeout_s` seconds none."""
        if self._watched != tuple(links):
            self._watch(links)
        return [key.data for key, _ in self._selector.select(timeout_s)]

    def _watch(self, links: Sequence[Link]) -> None:
        """Have these links, and no others, looked at: once, and not anew for every message."""
        self._selector.close()
        self._selector, self._watched = selectors.DefaultSelector(), tuple(links)
        for link in links:
            self._selector.register(link.fileno(), selectors.EVENT_READ, link)

    def patience_s(self, idle: bool) -> float:
        """Seconds between two looks at what sends no message. See `Transport` in executors/protocol.py."""
        return CHUNK_TICK_S if idle and self.scheduler.awaits_pieces else CLOCK_TICK_S

    def shared(self, clip: Clip) -> Clip:
        """The clip as it is shared with workers; by default in this machine's memory."""
        return clip

    def ranked_by(self, plan: Plan) -> type[Urgency]:
        """Which of the tasks that could go on comes first."""
        return self.ranking

    def start(self, plan: Plan) -> None:
        self.plan = plan
        self.scheduler = Scheduler(plan.tasks(), plan.layout, self.ranked_by(plan))
        self.supervisor = Supervisor(self, self.observer, plan.settings, self.clock)
        self.supervisor.start(
            [
                WorkerSpec(worker, plan.visible, plan.settings.memory_fraction, plan.faults, plan.profile)
                for worker in plan.layout
            ]
        )

    def started(self) -> Supervisor:
        """The supervisor; raises RuntimeError before `start`."""
        if self.supervisor is None:
            raise RuntimeError("the executor was not started")
        return self.supervisor

    def run_many(self, clips: Arrivals[Clip], in_flight: int) -> Iterator[tuple[int, Outcome]]:
        supervisor, scheduler = self.started(), self.scheduler
        if supervisor.asleep:
            self.wake()
        first = supervisor.clips
        while clips.next_s < NEVER or scheduler.flights:
            while len(scheduler.flights) < in_flight and (clip := clips.take(self.clock())) is not None:
                scheduler.admit(supervisor.clips, self.shared(clip))
                supervisor.clips += 1
            if not scheduler.flights and clips.next_s == NEVER:
                return
            for assigned in scheduler.assign(supervisor.idle(), supervisor.holds):
                supervisor.give(assigned)
            supervisor.load_next(scheduler.awaited)
            until_s = clips.next_s if len(scheduler.flights) < in_flight else NEVER
            for number, answer in [*self._lost(), *supervisor.listen(until_s)]:
                if isinstance(answer, Fed):
                    scheduler.fed(number, answer)
                    continue
                if scheduler.record(number, answer):
                    supervisor.forget(number)
                yield number - first, answer
            for number, piece in scheduler.forgettable():
                supervisor.forget(number, piece)

    def _lost(self) -> list[tuple[int, Outcome]]:
        """Outcomes of tasks that no worker is left for, and of those whose clip cannot be decoded further."""
        lost = self.started().lost
        workerless = [
            (number, Outcome(name, "crashed", self.plan.group_of(name).name, "", reason=lost[name]))
            for number, name in self.scheduler.drop(lost)
        ]
        clipless = self.scheduler.drop_lost_clips()
        return workerless + [(number, skipped(name, reason)) for number, name, reason in clipless]

    def cleanup(self) -> None:
        self.started().clean()

    def wake(self) -> None:
        self.started().wake()

    def cleanup_failures(self) -> dict[str, str]:
        return self.supervisor.lost | self.supervisor.cleanup_failures if self.supervisor else {}

    def state(self) -> dict[str, str]:
        return self.started().state()

    def pids(self) -> dict[str, int]:
        return self.supervisor.pids() if self.supervisor else {}

    def close(self) -> None:
        if self.supervisor is not None:
            self.supervisor.end()
        self._selector.close()
