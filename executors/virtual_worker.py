"""A pretended worker: it answers its executor when a real one would have, and analyzes nothing."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import assert_never

from clipbench.executors import faults, protocol
from clipbench.executors.base import Observer, Outcome, Phase, Span, Status
from clipbench.executors.costs import AnalyzerCost, Costs, Overheads, Work
from clipbench.executors.layout import Task, WorkerPlan
from clipbench.executors.processes import describe_exit
from clipbench.executors.protocol import Command, Report, WorkerSpec
from clipbench.executors.steps import Fed, Feed, Finish, begins
from clipbench.executors.virtual import PARKED, Process, Stretch, World
from clipbench.executors.virtual_clip import VirtualPiece

#: The kinds of fault that strike when an analyzer begins with a clip.
STRIKING = faults.KINDS - {"no_load", "no_start"}
#: What an outcome says that nobody has worked for.
SIMULATED = "simulated: nothing was analyzed"
#: So many kinds of work are remembered with what they are made of.
MOST_KNOWN = 10_000
#: Kind of fault → how a process ends of it, as its exit code.
EXIT_CODES = {"segfault": -11, "exit": 7, "sigkill": -9, "no_start": 7}
#: Kind of fault → what becomes of the analyzer, and what its outcome says.
RAISED: dict[str, tuple[Status, str]] = {
    "raise": ("failed", "RuntimeError: planted fault"),
    "oom": ("oom", "MemoryError: planted fault"),
}


@dataclass(frozen=True)
class Prices:
    """What work takes for a worker: the costs of analyzers, and how fast the machine is beside theirs."""

    costs: Costs
    overheads: Overheads
    core_speed: float
    gpu_speeds: dict[int, float]

    def own(self, seconds: float, cpus: tuple[int, ...]) -> Stretch:
        """So many seconds of a core for the executor's own work."""
        return Stretch(seconds / self.core_speed, 1.0, cpus)

    def of(
        self, work: Work, span_s: float, megapixels: float, worker: WorkerPlan, device: str
    ) -> Iterator[Stretch]:
        """What a piece of work is made of, on this worker, where its analyzer is on `device`."""
        alone_s = work.host_s(span_s, megapixels, worker.threads)
        if alone_s > 0:
            cores = work.host.at(span_s, megapixels) / alone_s
            seconds = alone_s / self.core_speed
            yield Stretch(seconds, cores, worker.cpus, work.pressure, work.sensitivity)
        gpu_s = work.gpu.at(span_s, megapixels)
        if gpu_s > 0:
            gpu = int(device.removeprefix("gpu:"))
            yield Stretch(gpu_s / self.gpu_speeds[gpu], gpu=gpu, share=work.gpu_share)
        waiting_s = work.waiting.at(span_s, megapixels)
        if waiting_s > 0:
            yield Stretch(waiting_s)


class VirtualWorker:
    """A worker in a `world`, and the link to it (`Link` in executors/protocol.py).

    What it does is a process in the world, in which it stands for Serving and Worker, faults included.
    `answer` takes a report of finished work, which the executor then has to hear.
    """

    def __init__(
        self,
        world: World,
        spec: WorkerSpec,
        prices: Prices,
        observer: Observer,
        heard: Callable[[VirtualWorker], None],
        answer: Callable[[VirtualWorker, Report], None],
    ) -> None:
        """`heard` is told whenever there is something to `recv`."""
        self.world, self.spec, self.prices, self.observer = world, spec, prices, observer
        self.name = spec.worker.name
        self.reports: deque[Report] = deque()
        self.exit_code: int | None = None
        self.ended = False
        self._heard, self._answer = heard, answer
        self._inbox: deque[Command] = deque()
        self._derived: dict[tuple[int, str], set[str]] = {}
        self._known: dict[tuple[str, str, float, float], tuple[Stretch, ...]] = {}
        self._step = prices.own(prices.overheads.step_s, spec.worker.cpus)
        self._unloadable: set[str] = set()
        self._parked: set[str] = set()
        self._clip = 0
        self._activity = world.begin(self._live(), self.name)

    def readable(self) -> bool:
        """Whether `recv` would return or raise."""
        return bool(self.reports) or self.ended

    def say(self, report: Report) -> None:
        """Have the executor hear this."""
        self.reports.append(report)
        self._heard(self)

    def send(self, command: Command, /) -> None:
        if self.ended:
            raise BrokenPipeError(f"{self.name} has ended")
        self._inbox.append(command)
        self.world.resume(self._activity)

    def recv(self) -> Report:
        if not self.reports:
            raise EOFError
        return self.reports.popleft()

    def poll(self, timeout_s: float, /) -> bool:
        until_s = self.world.now_s + timeout_s
        while not self.readable() and self.world.advance(until_s):
            pass
        return self.readable()

    def fileno(self) -> int:
        raise NotImplementedError("a pretended worker has no file descriptor")

    def kill(self, grace_s: float = 0.0) -> None:
        self.ended = True
        self.world.end(self._activity)

    def died_of(self) -> str:
        return describe_exit(self.exit_code)

    def _end(self, exit_code: int | None = None) -> None:
        self.exit_code, self.ended = exit_code, True
        self._heard(self)

    def _live(self) -> Process:
        """What it does from its start to its end."""
        yield self.prices.own(self.prices.overheads.spawn_s, self.spec.worker.cpus)
        if self.spec.dies_at_start():
            self._end(EXIT_CODES["no_start"])
            return
        self.say(protocol.Ready(0))
        while not self.ended:
            if self._inbox:
                yield from self._do(self._inbox.popleft())
            else:
                yield PARKED

    def _do(self, command: Command) -> Process:
        match command:
            case protocol.Load(task):
                yield from self._load(task)
            case protocol.Analyze():
                yield from self._analyze(command)
            case protocol.Forget(clip, piece):
                self._forget(clip, piece)
            case protocol.Unload():
                self._span("", "cleanup", self.world.now_s)
                self.say(protocol.Cleaned())
            case protocol.Offload():
                self._parked = {task.analyzer for task in self.spec.worker.tasks} - self._unloadable
                self._span("", "cleanup", self.world.now_s)
                self.say(protocol.Cleaned())
            case protocol.Exit():
                self.say(protocol.Cleaned())
                self._end()
            case _:
                assert_never(command)

    def _span(self, analyzer: str, phase: Phase, start_s: float, chunk: int | None = None) -> None:
        """Tell of a piece of this worker's time, which ends now."""
        self.observer.ended(Span(self.name, analyzer, phase, start_s, self.world.now_s, self._clip, chunk))

    def _load(self, task: Task) -> Process:
        name, start_s = task.analyzer, self.world.now_s
        if task.broken or self._planted(name, "no_load"):
            self._unloadable.add(name)
        elif name in self._parked:
            self._parked.remove(name)
        else:
            self.observer.began(self.name, name, "load")
            yield self.prices.own(self._cost(name).load_s, self.spec.worker.cpus)
            self._span(name, "load", start_s)
        self.say(protocol.Loaded(name))

    def _cost(self, analyzer: str) -> AnalyzerCost:
        return self.prices.costs.analyzers[analyzer]

    def _planted(self, analyzer: str, *kinds: str) -> faults.Fault | None:
        """A fault of one of these kinds that strikes this analyzer."""
        return next((f for f in self.spec.faults if f.analyzer == analyzer and f.kind in kinds), None)

    def _forget(self, clip: int, piece: str) -> None:
        for key in [key for key in self._derived if key[0] == clip and piece in ("", key[1])]:
            del self._derived[key]

    def _analyze(self, job: protocol.Analyze) -> Process:
        """Take one step of an analyzer. Like a real worker, it tells the time of the work itself."""
        task, step, name = job.task, job.step, job.task.analyzer
        yield self._step
        self._clip, start_s = job.clip, self.world.now_s
        outcome = Outcome(name, "ok", self.name, self.spec.worker.device_of(name), reason=SIMULATED)
        if name in self._unloadable:
            outcome.status = "failed"
            outcome.reason = task.broken or "cannot be loaded: RuntimeError: planted fault"
            self._answer(self, protocol.Done(job.clip, outcome))
            return
        self.observer.began(self.name, name, "analyze")
        fault = self._planted(name, *STRIKING) if self.spec.faults and begins(step) else None
        if fault and fault.kind in EXIT_CODES:
            self._end(EXIT_CODES[fault.kind])
            return
        if fault and fault.kind in RAISED:
            outcome.status, outcome.reason = RAISED[fault.kind]
        else:
            if fault:
                yield Stretch(math.inf if fault.kind == "hang" else fault.seconds)
            yield from self._work(job)
        chunk = step.chunk if isinstance(step, Feed) else None
        self._span(name, "analyze", start_s, chunk)
        outcome.analyze_s = self.world.now_s - start_s
        if isinstance(step, Feed) and outcome.status == "ok":
            fed = Fed(name, step.chunk, b"", b"", outcome.analyze_s)
            self._answer(self, protocol.FedChunk(job.clip, fed))
        else:
            self._answer(self, protocol.Done(job.clip, outcome))

    def _work(self, job: protocol.Analyze) -> Process:
        """The work of a step: what is derived from the piece and was not yet, then the analyzer's own.

        Of a chunk it is also that for the windows which the chunk completes.
        """
        task, piece, cost = job.task, job.handle, self._cost(job.task.analyzer)
        assert isinstance(piece, VirtualPiece)
        if task.needs.audio and not task.needs.frames and not piece.has_audio:
            return  # there is nothing to analyze
        if not isinstance(job.step, Finish):
            if cost.derivations:
                derived = self._derived.setdefault((job.clip, job.piece), set())
                for key in cost.derivations:
                    if key not in derived:
                        derived.add(key)
                        yield from self._stretches(key, self.prices.costs.derivations[key], piece, task)
            yield from self._stretches("work", cost.work, piece, task)
            if cost.window_s:
                end_s = piece.start_s + piece.span_s
                complete_s = cost.completed_s(piece.start_s, end_s, piece.duration_s)
                yield from self._stretches("windowed", cost.windowed, piece, task, complete_s)
        if not isinstance(job.step, Feed):
            yield from self._stretches("finish", cost.finish, piece, task)

    def _stretches(
        self, what: str, work: Work, piece: VirtualPiece, task: Task, span_s: float | None = None
    ) -> Sequence[Stretch]:
        """What a piece of work is made of, or that for `span_s`; the same for all of one length and size."""
        span_s = piece.span_s if span_s is None else span_s
        key = what, task.analyzer, span_s, piece.megapixels
        found = self._known.get(key)
        if found is None:
            if len(self._known) > MOST_KNOWN:
                self._known.clear()
            worker = self.spec.worker
            made = self.prices.of(work, span_s, piece.megapixels, worker, worker.device_of(task.analyzer))
            found = self._known[key] = tuple(made)
        return found
