"""The analyzer graph over several workers: who does what when, and what becomes of a worker that dies.

A strategy derives from `Scheduled` and says what workers there are (`groups`), which of them may run a task
(`may_run`), and how one is made and ended (`open`, `kill`). Everything else is here, once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from multiprocessing.connection import wait

from clipbench.analyzers.base import Segment
from clipbench.executors.base import Clip, Executor, Group, Outcome, Plan, Span, Task, now
from clipbench.executors.remote import Job, Remote, Spec

#: How often a worker that ends without having done anything is made anew.
ATTEMPTS = 3
#: Seconds between two looks at what sends no message: clocks, and frames that are being decoded.
TICK_S = 0.01


@dataclass
class InFlight:
    """One clip on its way: what waits, what runs, what is known."""

    number: int
    clip: Clip
    waiting: dict[str, Task]
    running: set[str] = field(default_factory=set)
    done: set[str] = field(default_factory=set)
    results: dict[str, list[Segment]] = field(default_factory=dict)

    def ready(self) -> list[Task]:
        """The tasks that could start now."""
        frames = self.clip.decoded()
        return [
            task
            for task in self.waiting.values()
            if (frames or not task.frames) and self.done.issuperset({*task.upstream, *task.after})
        ]


class Scheduled(Executor):
    """Base of the executors that speak to workers over connections."""

    overlaps_decoding = True

    def groups(self, plan: Plan) -> tuple[Group, ...]:
        """One group per worker; by default those of the plan."""
        return plan.groups

    def may_run(self, remote: Remote, task: Task) -> bool:
        """Whether this worker may run this task; by default, those of its group."""
        return any(t.analyzer == task.analyzer for t in remote.spec.group.tasks)

    def open(self, spec: Spec) -> Remote:
        """Start a worker."""
        raise NotImplementedError

    def kill(self, remote: Remote) -> None:
        """End a worker at once, whatever it is doing."""
        raise NotImplementedError

    def end(self, remote: Remote) -> None:
        """Wait for a worker that was told to exit, and end it if it does not."""
        self.kill(remote)

    def died_of(self, remote: Remote) -> str:
        """Why a worker is gone, in words."""
        return "the worker ended"

    def start(self, plan: Plan) -> None:
        self.plan = plan
        self.remotes: list[Remote] = []
        self.lost: dict[str, str] = {}  # analyzer → why no worker can run it any more
        self.asleep = False
        self.durations: dict[str, float] = {}
        self.clips = 0
        for group in self.groups(plan):
            self._begin(Spec(group, plan))
        self._settle()

    def _begin(self, spec: Spec) -> None:
        self.observer.began(spec.group.name, "", "spawn")
        remote = self.open(spec)
        self.remotes.append(remote)
        remote.load(tuple(t for t in spec.group.tasks if t.analyzer not in self.lost))

    def _settle(self) -> None:
        """Listen until every worker has nothing to do."""
        flights: dict[int, InFlight] = {}
        while any(not remote.idle() for remote in self.remotes):
            self._listen(flights)

    def run_many(self, clips: Iterator[Clip], in_flight: int) -> Iterator[tuple[int, Outcome]]:
        if self.asleep:
            self.wake()
        first = self.clips
        flights: dict[int, InFlight] = {}
        more = True
        while more or flights:
            while more and len(flights) < in_flight:
                clip = next(clips, None)
                if clip is None:
                    more = False
                else:
                    tasks = {task.analyzer: task for task in self.plan.tasks()}
                    flights[self.clips] = InFlight(self.clips, clip, tasks)
                    self.clips += 1
            self._assign(flights)
            for number, outcome in self._lost_outcomes(flights) + self._listen(flights):
                self._note(flights[number], outcome)
                finished = not flights[number].waiting and not flights[number].running
                if finished:
                    del flights[number]
                    for remote in self.remotes:
                        remote.forget(number)
                yield number - first, outcome

    def _note(self, flight: InFlight, outcome: Outcome) -> None:
        flight.running.discard(outcome.analyzer)
        flight.done.add(outcome.analyzer)
        if outcome.status == "ok":
            flight.results[outcome.analyzer] = outcome.segments
        if outcome.analyze_s is not None:
            self.durations[outcome.analyzer] = outcome.analyze_s

    def _assign(self, flights: dict[int, InFlight]) -> None:
        """Give every idle worker the ready task with the longest way to go, of the oldest clip first."""
        urgency = self._urgency()
        ready = [(flight, task) for flight in flights.values() for task in flight.ready()]
        ready.sort(key=lambda each: (each[0].number, -urgency[each[1].analyzer]))
        for remote in self.remotes:
            if not remote.idle():
                continue
            chosen = next((each for each in ready if self.may_run(remote, each[1])), None)
            if chosen is None:
                continue
            ready.remove(chosen)
            flight, task = chosen
            known = remote.sent.get(flight.number, set())
            news = {n: flight.results[n] for n in task.upstream if n in flight.results and n not in known}
            del flight.waiting[task.analyzer]
            flight.running.add(task.analyzer)
            remote.analyze(Job(flight.number, flight.clip.share(), task, news))

    def _urgency(self) -> dict[str, float]:
        """Analyzer → seconds from its start to the end of all that waits for it, as last measured.

        Longest remaining path first: R. L. Graham, Bounds on Multiprocessing Timing Anomalies, 1969.
        """
        urgency: dict[str, float] = {}
        for task in reversed(self.plan.tasks()):
            name = task.analyzer
            readers = [t.analyzer for t in self.plan.tasks() if name in {*t.upstream, *t.after}]
            own = self.durations.get(name, 1.0)
            urgency[name] = own + max((urgency[reader] for reader in readers), default=0.0)
        return urgency

    def _lost_outcomes(self, flights: dict[int, InFlight]) -> list[tuple[int, Outcome]]:
        """Outcomes of tasks that no worker is left for."""
        found = []
        for flight in flights.values():
            for name in [n for n in flight.waiting if n in self.lost]:
                del flight.waiting[name]
                worker = self.plan.group_of(name).name
                found.append((flight.number, Outcome(name, "crashed", worker, "", reason=self.lost[name])))
        return found

    def _listen(self, flights: dict[int, InFlight]) -> list[tuple[int, Outcome]]:
        """Hear what the workers say for a moment; look after those that died or take too long."""
        outcomes: list[tuple[int, Outcome]] = []
        by_connection = {remote.connection: remote for remote in self.remotes}
        for connection in wait(list(by_connection), timeout=TICK_S):
            remote = by_connection[connection]
            try:
                message = connection.recv()
            except (EOFError, OSError):
                outcomes += self._bury(remote, "crashed", remote.dying or self.died_of(remote))
            else:
                outcomes += self._hear(remote, message)
        for remote in list(self.remotes):
            if remote.pid is None and now() - remote.started_s > self.plan.load_timeout_s:
                outcomes += self._bury(
                    remote, "timeout", f"it did not start within {self.plan.load_timeout_s:g} s"
                )
            if remote.busy is None:
                continue
            limit = self.plan.load_timeout_s if remote.busy[0] == "load" else self.plan.timeout_s
            if now() - remote.since_s > limit:
                outcomes += self._bury(remote, "timeout", f"took longer than {limit:g} s")
        return outcomes

    def _hear(self, remote: Remote, message: tuple) -> list[tuple[int, Outcome]]:
        match message:
            case ("ready", pid):
                remote.pid = pid
                self.observer.ended(Span(remote.name, "", "spawn", remote.started_s, now(), self.clips))
            case ("began", analyzer, phase):
                if phase == "load":
                    remote.busy, remote.since_s = ("load", analyzer), now()
                self.observer.began(remote.name, analyzer, phase)
            case ("ended", span):
                self.observer.ended(span)
            case ("loaded", analyzer):
                remote.to_load.remove(analyzer)
                remote.loaded.add(analyzer)
                remote.busy = None
            case ("dying", reason):
                remote.dying = reason
            case ("done", number, outcome):
                remote.busy, remote.useful = None, True
                return [(number, outcome)]
            case ("cleaned",) | ("awake",):
                remote.cleaning, remote.busy = False, None
        return []

    def _bury(self, remote: Remote, status: str, reason: str) -> list[tuple[int, Outcome]]:
        """A worker is gone, or must go: what it was at is lost, everything else goes to its successor."""
        self.kill(remote)
        self.remotes.remove(remote)
        # One that keeps dying of nothing, before it has done anything, will not do better the next time.
        attempt = remote.spec.attempt + 1 if remote.busy is None and not remote.useful else 1
        spec, outcomes = replace(remote.spec, attempt=attempt), []
        match remote.busy:
            case ("analyze", (number, analyzer)):
                device = remote.spec.group.device_of(analyzer)
                outcome = Outcome(analyzer, status, remote.name, device, reason=reason)
                outcome.analyze_s = now() - remote.since_s
                outcomes.append((number, outcome))
                self.observer.ended(Span(remote.name, analyzer, "analyze", remote.since_s, now(), number))
            case ("load", analyzer) if analyzer:
                self.lost[analyzer] = f"cannot be loaded: {reason}"
            case _ if attempt >= ATTEMPTS:
                left = {task.analyzer for other in self.remotes for task in other.spec.group.tasks}
                for task in remote.spec.group.tasks:
                    if task.analyzer not in left:
                        self.lost[task.analyzer] = f"no worker stays alive: {reason}"
                return outcomes
        self._begin(spec)
        return outcomes

    def cleanup(self) -> None:
        self.asleep = True
        if self.plan.cleanup == "exit":
            self._end_all()
            return
        for remote in self.remotes:
            remote.cleaning, remote.busy, remote.since_s = True, ("load", ""), now()
            remote.send(self.plan.cleanup)
        self._settle()

    def wake(self) -> None:
        self.asleep = False
        if self.plan.cleanup == "exit":
            for group in self.groups(self.plan):
                self._begin(Spec(group, self.plan, attempt=1))
        else:
            for remote in self.remotes:
                remote.cleaning, remote.busy, remote.since_s = True, ("load", ""), now()
                remote.send("wake", remote.spec.group.tasks)
        self._settle()

    def state(self) -> dict[str, str]:
        if not self.remotes:
            return {group.name: "exited" for group in self.groups(self.plan)}
        held = {"unload": "unloaded", "offload": "parked in host memory"}
        doing = held.get(self.plan.cleanup, "loaded") if self.asleep else "loaded"
        return {r.name: f"alive, {len(r.loaded)} analyzers {doing}" for r in self.remotes}

    def pids(self) -> dict[str, int]:
        return {remote.name: remote.pid for remote in self.remotes if remote.pid is not None}

    def _end_all(self) -> None:
        """Ask all workers to exit, and end those that do not."""
        for remote in self.remotes:
            remote.send("exit")
        for remote in self.remotes:
            self.end(remote)
        self.remotes = []

    def close(self) -> None:
        with contextlib.suppress(AttributeError):  # closed before it was started
            self._end_all()
