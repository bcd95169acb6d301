"""The lifecycle of workers: they are started, watched, replaced when they die or take too long, and ended.

Where a worker comes from is the transport's business, and what it is given to do the scheduler's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import assert_never

from clipbench.executors import protocol
from clipbench.executors.arrivals import NEVER
from clipbench.executors.base import Observer, Outcome, Span, Status
from clipbench.executors.crew import Crew
from clipbench.executors.live_worker import Analyzing, Busy, LiveWorker, Loading
from clipbench.executors.protocol import Report, Transport, WorkerSpec
from clipbench.executors.scheduling import Assignment
from clipbench.executors.settings import ExecutorSettings
from clipbench.executors.steps import Fed, Feed

log = logging.getLogger(__name__)

#: How often a worker that ends without having done anything is started again.
ATTEMPTS = 3
#: Seconds of clip for which `timeout_s` is meant: a longer piece gets proportionally more.
TIMEOUT_SPAN_S = 10.0
#: Seconds that a worker has for ending by itself.
GRACE_S = 2.0


class Supervisor:
    """Keeps the workers of a plan alive. `lost` has the analyzers that no worker can run now, and why.

    `cleanup_failures` has those that could not be unloaded, parked or woken.
    """

    def __init__(
        self,
        transport: Transport,
        observer: Observer,
        settings: ExecutorSettings,
        clock: Callable[[], float],
    ) -> None:
        self.transport, self.observer, self.settings, self.clock = transport, observer, settings, clock
        self.specs: tuple[WorkerSpec, ...] = ()
        self.crew = Crew(settings.load_timeout_s)
        self.lost: dict[str, str] = {}
        self.cleanup_failures: dict[str, str] = {}
        self.asleep = False
        self.clips = 0
        self._known: dict[int, dict[str, set[str]]] = {}  # clip → worker → whose results it has

    @property
    def workers(self) -> list[LiveWorker]:
        """The workers that live."""
        return list(self.crew.workers.values())

    def start(self, specs: Sequence[WorkerSpec]) -> None:
        """Start these workers, and wait until all have loaded what they hold."""
        self.specs = tuple(specs)
        for spec in specs:
            self._begin(spec)
        self._settle()

    def _begin(self, spec: WorkerSpec) -> None:
        self.observer.began(spec.worker.name, "", "spawn")
        started = self.clock()
        worker = LiveWorker(spec, self.transport.open(spec), started)
        worker.to_load = self._loadable(spec)
        self.crew.add(worker)

    def load_next(self, awaited: Callable[[], Sequence[str]] = tuple) -> None:
        """Have every idle worker load the next of its analyzers, those that are `awaited` first.

        So a worker that replaces another does what is waiting as soon as it can.
        """
        for worker in self.crew.loading():
            # One of which another worker has died would end this one, too.
            worker.to_load = [name for name in worker.to_load if name not in self.lost]
            if worker.to_load:
                left = set(worker.to_load)
                name = next((name for name in awaited() if name in left), worker.to_load[0])
                worker.to_load.remove(name)
                self._now_does(worker, Loading(name))
                worker.send(protocol.Load(worker.spec.worker.task(name)))
            self.crew.note(worker)

    def _now_does(self, worker: LiveWorker, busy: Busy | None) -> None:
        worker.busy, worker.since_s = busy, self.clock()
        self.crew.note(worker)

    def _settle(self) -> None:
        """Have every worker load all that it holds, and listen until that is done."""
        while not self.crew.settled():
            self.load_next()
            self.listen()

    def named(self, name: str) -> LiveWorker:
        """The worker of this name."""
        return self.crew.workers[name]

    def idle(self) -> list[str]:
        """The names of the workers that can be given a task."""
        return self.crew.idle()

    def holds(self, worker: str, analyzer: str) -> bool:
        """Whether this worker has this analyzer, and no other has died of it."""
        return analyzer in self.crew.workers[worker].loaded and analyzer not in self.lost

    def give(self, assigned: Assignment) -> None:
        """Have a worker run a task, with those results that it does not have yet."""
        worker, clip, name = self.named(assigned.worker), assigned.clip, assigned.task.analyzer
        known = self._known.setdefault(clip, {}).setdefault(worker.name, set())
        news = {n: segments for n, segments in assigned.results.items() if n not in known}
        known.update(news)
        if not isinstance(assigned.step, Feed):
            known.add(name)  # it makes the results itself
        piece = assigned.piece
        limit_s = self.settings.timeout_s * max(1.0, piece.span_s / TIMEOUT_SPAN_S)
        self._now_does(worker, Analyzing(clip, name, limit_s))
        worker.send(protocol.Analyze(clip, piece.name, piece.share(), assigned.task, assigned.step, news))

    def forget(self, clip: int, piece: str = "") -> None:
        """Have every worker let go of a finished clip, or of a piece of one."""
        for name in self._known.get(clip, ()):
            self.crew.workers[name].send(protocol.Forget(clip, piece))
        if not piece:
            self._known.pop(clip, None)

    def listen(self, until_s: float = NEVER) -> list[tuple[int, Outcome | Fed]]:
        """Hear what the workers say for a moment, and replace those that have died or take too long.

        The moment is over when the clock says `until_s`.
        """
        outcomes: list[tuple[int, Outcome | Fed]] = []
        tick_s = self.transport.patience_s(self.crew.has_idle())
        left_s = max(0.0, until_s - self.clock())
        for link in self.transport.wait(self.crew.links, min(tick_s, left_s)):
            worker = self.crew.by_link[link]
            try:
                report = link.recv()
            except (EOFError, OSError):
                outcomes += self._replace(worker, "crashed", worker.dying or link.died_of())
            else:
                outcomes += self._hear(worker, report)
        for worker, reason in self.crew.overdue(self.clock()):
            outcomes += self._replace(worker, "timeout", reason)
        return outcomes

    def next_limit_s(self) -> float:
        """A time before which no worker will have taken too long; infinity where none can."""
        return self.crew.due_s

    def _hear(self, worker: LiveWorker, report: Report) -> list[tuple[int, Outcome | Fed]]:
        match report:
            case protocol.Ready(pid):
                worker.pid = pid
                self.crew.note(worker)
                span = Span(worker.name, "", "spawn", worker.started_s, self.clock(), self.clips)
                self.observer.ended(span)
            case protocol.Began(analyzer, phase):
                if phase == "load":
                    self._now_does(worker, Loading(analyzer))
                self.observer.began(worker.name, analyzer, phase)
            case protocol.Ended(span):
                self.observer.ended(span)
            case protocol.Loaded(analyzer, failures):
                worker.loaded.add(analyzer)
                self._now_does(worker, None)
                self.cleanup_failures.update(failures)
            case protocol.Dying(reason):
                worker.dying = reason
                self.crew.note(worker)
            case protocol.Done(clip, outcome):
                worker.useful = True
                self._now_does(worker, None)
                return [(clip, outcome)]
            case protocol.FedChunk(clip, fed):
                worker.useful = True
                self._now_does(worker, None)
                return [(clip, fed)]
            case protocol.Cleaned(failures):
                self._now_does(worker, None)
                self.cleanup_failures.update(failures)
            case _:
                assert_never(report)
        return []

    def _replace(self, worker: LiveWorker, status: Status, reason: str) -> list[tuple[int, Outcome | Fed]]:
        """End a worker that has died or must go, and start another in its place.

        What it was doing is lost; everything else is left to the new one.
        """
        log.info("worker %s is replaced: %s", worker.name, reason)
        worker.link.kill()
        self.crew.remove(worker)
        for known in self._known.values():
            known.pop(worker.name, None)
        # One that dies again and again before it has done anything will not do better the next time.
        attempt = worker.spec.attempt + 1 if worker.busy is None and not worker.useful else 1
        outcomes: list[tuple[int, Outcome | Fed]] = []
        match worker.busy:
            case Analyzing(clip, analyzer, _):
                device, ended = worker.spec.worker.device_of(analyzer), self.clock()
                outcome = Outcome(analyzer, status, worker.name, device, reason=reason)
                outcome.analyze_s = ended - worker.since_s
                outcomes.append((clip, outcome))
                self.observer.ended(Span(worker.name, analyzer, "analyze", worker.since_s, ended, clip))
            case Loading(analyzer) if analyzer:
                self.lost[analyzer] = f"cannot be loaded: {reason}"
            case _ if attempt >= ATTEMPTS:
                self._give_up(worker, reason)
                return outcomes
        self._begin(replace(worker.spec, attempt=attempt))
        return outcomes

    def _give_up(self, worker: LiveWorker, reason: str) -> None:
        """What only this worker held is lost."""
        log.warning("worker %s is given up: %s", worker.name, reason)
        held: set[str] = {task.analyzer for other in self.workers for task in other.spec.worker.tasks}
        for task in worker.spec.worker.tasks:
            if task.analyzer not in held:
                self.lost[task.analyzer] = f"no worker stays alive: {reason}"

    def clean(self) -> None:
        """Bring the workers into the state that `settings.cleanup` names, and wait for that."""
        self.asleep = True
        if self.settings.cleanup == "exit":
            self.end()
        else:
            unload = self.settings.cleanup == "unload"
            for worker in self.workers:
                self._now_does(worker, Loading())
                worker.send(protocol.Unload() if unload else protocol.Offload())
            self._settle()

    def wake(self) -> None:
        """Make the workers ready again after `clean`, and wait for that."""
        self.asleep = False
        if self.settings.cleanup == "exit":
            self.start([replace(spec, attempt=1) for spec in self.specs])
            return
        for worker in self.workers:
            worker.to_load = self._loadable(worker.spec)
            self.crew.note(worker)
        self._settle()

    def _loadable(self, spec: WorkerSpec) -> list[str]:
        """The analyzers of a worker that are not lost."""
        return [task.analyzer for task in spec.worker.tasks if task.analyzer not in self.lost]

    def end(self) -> None:
        """Ask all workers to exit, and end those that do not."""
        for worker in self.workers:
            worker.send(protocol.Exit())
        for worker in self.workers:
            self._end(worker)
        self._dismiss()

    def kill(self) -> None:
        """End all workers at once."""
        for worker in self.workers:
            worker.link.kill()
        self._dismiss()

    def _dismiss(self) -> None:
        self.crew = Crew(self.settings.load_timeout_s)
        self._known.clear()

    def _end(self, worker: LiveWorker) -> None:
        # What a worker still has to say fills the pipe, and it waits until somebody hears it.
        try:
            while worker.link.poll(GRACE_S):
                self._hear(worker, worker.link.recv())
        except (EOFError, OSError):
            worker.link.kill(GRACE_S)  # its connection has ended, and it is about to
        else:
            # One that is at work cannot listen: a run that was interrupted does not wait for it.
            level = logging.WARNING if worker.busy is None else logging.INFO
            log.log(level, "worker %s does not exit when it is asked to, and is killed", worker.name)
            worker.link.kill()

    def state(self) -> dict[str, str]:
        """Worker → its state, for people."""
        if not self.workers:
            return {spec.worker.name: "exited" for spec in self.specs}
        held = {"unload": "unloaded", "offload": "parked in host memory"}
        doing = held.get(self.settings.cleanup, "loaded") if self.asleep else "loaded"
        return {w.name: f"alive, {len(w.loaded)} analyzers {doing}" for w in self.workers}

    def pids(self) -> dict[str, int]:
        """Worker → its process."""
        return {worker.name: worker.pid for worker in self.workers if worker.pid is not None}
