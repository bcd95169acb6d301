"""The scheduling policy and the lifecycle of workers, on a simulated transport and clock: no process."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from itertools import count

import pytest

from clipbench.analyzers.base import FrameRequest, Needs, Segment, Settings
from clipbench.executors import protocol
from clipbench.executors.base import Outcome
from clipbench.executors.layout import Task, WorkerPlan
from clipbench.executors.protocol import Command, Report, WorkerSpec
from clipbench.executors.scheduling import Scheduler
from clipbench.executors.settings import ExecutorSettings
from clipbench.executors.steps import Fed, Feed, Finish
from clipbench.executors.supervision import ATTEMPTS, Supervisor
from tests.support.clip_views import ArrayClip
from tests.support.fake_plans import Notes


def task(name: str, *upstream: str, after: tuple[str, ...] = (), frames: bool = False) -> Task:
    return Task(name, Settings(), upstream, after, Needs((FrameRequest(1, 64),)) if frames else Needs())


def clip(decoded: bool = True) -> ArrayClip:
    made = ArrayClip(duration_s=1.0)
    made.whole = lambda needs: made if decoded or not needs.frames else None
    return made


def ok(name: str, seconds: float = 1.0) -> Outcome:
    return Outcome(name, "ok", "w", "cpu", segments=[Segment(0, 1, name)], analyze_s=seconds)


def assigned(scheduler: Scheduler, *idle: str, holds=lambda worker, analyzer: True) -> list[tuple]:
    return [(a.worker, a.clip, a.task.analyzer) for a in scheduler.assign(idle, holds)]


def test_the_longest_way_to_go_comes_first():
    scheduler = Scheduler([task("short"), task("start"), task("end", "start")])
    scheduler.admit(0, clip())
    assert assigned(scheduler, "a", "b") == [("a", 0, "start"), ("b", 0, "short")]
    assert assigned(scheduler, "a") == []  # the end waits for what it reads
    scheduler.record(0, ok("start"))
    (last,) = scheduler.assign(["a"], lambda *_: True)
    assert last.task.analyzer == "end" and set(last.results) == {"start"}


def test_what_was_measured_counts():
    scheduler = Scheduler([task("a"), task("b")])
    for number, first in enumerate(("a", "b")):  # alike at first; then b is known to take longer
        scheduler.admit(number, clip())
        assert assigned(scheduler, "w") == [("w", number, first)]
        assigned(scheduler, "v")
        assert not scheduler.record(number, ok("a", 1.0))
        assert scheduler.record(number, ok("b", 5.0))  # the last one on the clip


def test_the_oldest_clip_comes_first_and_frames_are_waited_for():
    scheduler = Scheduler([task("seen", frames=True), task("heard")])
    scheduler.admit(0, clip(decoded=False))
    scheduler.admit(1, clip())
    assert assigned(scheduler, "a", "b", "c") == [("a", 0, "heard"), ("b", 1, "seen"), ("c", 1, "heard")]


def test_a_worker_gets_what_it_holds_and_what_is_lost_is_dropped():
    scheduler = Scheduler([task("a"), task("b"), task("c", after=("a",))])
    scheduler.admit(0, clip())
    assert assigned(scheduler, "w", holds=lambda worker, analyzer: analyzer == "b") == [("w", 0, "b")]
    assert scheduler.drop({"a", "c"}) == [(0, "a"), (0, "c")]
    assert not scheduler.record(0, Outcome("a", "crashed", "w", ""))
    assert not scheduler.record(0, Outcome("c", "crashed", "w", ""))
    assert scheduler.record(0, ok("b"))


def test_the_tasks_of_a_group_go_to_whichever_replica_is_free():
    scheduler = Scheduler([task("a"), task("b")])
    for number in (0, 1):
        scheduler.admit(number, clip())
    assert assigned(scheduler, "g.1", "g.2") == [("g.1", 0, "a"), ("g.2", 0, "b")]
    assert not scheduler.record(0, ok("b"))
    assert assigned(scheduler, "g.2") == [("g.2", 1, "a")]  # g.1 is still at the first clip
    assert scheduler.record(0, ok("a"))
    assert assigned(scheduler, "g.1") == [("g.1", 1, "b")]


def test_the_state_of_a_chunked_analyzer_goes_to_another_replica():
    scheduler, made = Scheduler([replace(task("a"), chunked=True)]), clip()
    made.chunks = 2
    scheduler.admit(0, made)
    steps = []
    for worker in ("g.1", "g.2", "g.1"):
        (one,) = scheduler.assign(["g.1", "g.2"], lambda free, _, worker=worker: free == worker)
        assert assigned(scheduler, "g.1", "g.2") == []  # one step of an analyzer on a clip at a time
        steps.append(one.step)
        if isinstance(one.step, Feed):
            chunk = one.step.chunk
            scheduler.fed(0, Fed("a", chunk, b"found %d" % chunk, b"after %d" % chunk, 0.5))
    assert steps == [Feed(0, None), Feed(1, b"after 0"), Finish((b"found 0", b"found 1"), b"after 1")]


class Worker:
    """A pretended worker: it answers commands at once, but for those analyzers that hang or kill it."""

    numbers = count(3)

    def __init__(self, spec: WorkerSpec, hangs: set[str], dies: set[str]) -> None:
        self.said: deque[Report] = deque([protocol.Ready(1)])
        self.spec, self.hangs, self.dies = spec, hangs, dies
        self.dead, self.number, self.heard = False, next(self.numbers), []

    def send(self, command: Command) -> None:
        if self.dead:
            raise BrokenPipeError
        match command:
            case protocol.Load(loading):
                self.heard.append(f"load {loading.analyzer}")
                self.said.append(protocol.Began(loading.analyzer, "load"))
                if {self.heard[-1], f"{self.spec.worker.name} {self.heard[-1]}"} & self.dies:
                    self.dead = True
                else:
                    self.said.append(protocol.Loaded(loading.analyzer))
            case protocol.Analyze(clip=number, task=running):
                self.heard.append(f"analyze {running.analyzer}")
                if running.analyzer in self.dies:
                    self.dead = True
                elif running.analyzer not in self.hangs:
                    self.said.append(protocol.Done(number, ok(running.analyzer)))
            case protocol.Exit():
                self.dead = True

    def recv(self) -> Report:
        if not self.said:
            raise EOFError
        return self.said.popleft()

    def readable(self) -> bool:
        return bool(self.said) or self.dead

    def poll(self, timeout_s: float) -> bool:
        return self.readable()

    def fileno(self) -> int:
        return self.number

    def kill(self, grace_s: float = 0.0) -> None:
        self.dead = True

    def died_of(self) -> str:
        return "the worker was ended by a test"


class Simulation:
    """A transport of pretended workers, and a clock that moves when nobody has anything to say."""

    def __init__(self, hangs: Sequence[str] = (), dies: Sequence[str] = ()) -> None:
        self.now_s, self.hangs, self.dies = 0.0, set(hangs), set(dies)
        self.opened: list[Worker] = []

    def open(self, spec: WorkerSpec) -> Worker:
        self.opened.append(Worker(spec, self.hangs, self.dies))
        if "start" in self.dies:
            self.opened[-1].said.clear()
            self.opened[-1].dead = True
        return self.opened[-1]

    def patience_s(self, idle: bool) -> float:
        return 0.1

    def wait(self, links: Sequence[Worker], timeout_s: float) -> list[Worker]:
        if not (readable := [link for link in links if link.readable()]):
            self.now_s += 1.0
        return readable


def run(
    simulation: Simulation, *names: str, seconds: float = 1.0, workers: tuple[str, ...] = ("w",)
) -> tuple[Supervisor, dict[str, Outcome]]:
    """One clip through one pretended worker with these analyzers, or through several that are equal."""
    settings = ExecutorSettings(timeout_s=30.0, load_timeout_s=100.0)
    tasks = tuple(map(task, names))
    supervisor = Supervisor(simulation, Notes(), settings, lambda: simulation.now_s)
    supervisor.start([WorkerSpec(WorkerPlan(name, "cpu", tasks)) for name in workers])
    scheduler, found = Scheduler(tasks), {}
    scheduler.admit(0, ArrayClip(duration_s=seconds))
    while scheduler.flights:
        for assignment in scheduler.assign(supervisor.idle(), supervisor.holds):
            supervisor.give(assignment)
        for number, name in scheduler.drop(supervisor.lost):
            found[name] = Outcome(name, "crashed", "w", "", reason=supervisor.lost[name])
            scheduler.record(number, found[name])
        supervisor.load_next(scheduler.awaited)
        for number, outcome in supervisor.listen():
            found[outcome.analyzer] = outcome
            scheduler.record(number, outcome)
    supervisor.end()
    return supervisor, found


def test_nothing_goes_wrong():
    simulation = Simulation()
    _, found = run(simulation, "a", "b")
    assert {name: o.status for name, o in found.items()} == {"a": "ok", "b": "ok"}
    assert len(simulation.opened) == 1 and simulation.opened[0].dead


def test_a_worker_that_hangs_is_replaced_when_its_time_is_over():
    simulation = Simulation(hangs=["a"])
    _, found = run(simulation, "a", "b")
    assert (found["a"].status, found["a"].reason) == ("timeout", "took longer than 30 s")
    assert found["a"].analyze_s == pytest.approx(31.0, abs=1.0)  # on the simulation's clock
    assert found["b"].status == "ok" and len(simulation.opened) == 2


def test_a_worker_that_dies_costs_what_it_was_doing():
    simulation = Simulation(dies=["a"])
    _, found = run(simulation, "a", "b")
    assert (found["a"].status, found["a"].reason) == ("crashed", "the worker was ended by a test")
    assert found["b"].status == "ok" and len(simulation.opened) == 2


def test_what_kills_its_worker_when_it_is_loaded_is_left_out():
    simulation = Simulation(dies=["load a"])
    supervisor, found = run(simulation, "a", "b")
    assert supervisor.lost == {"a": "cannot be loaded: the worker was ended by a test"}
    assert (found["a"].status, found["b"].status) == ("crashed", "ok")
    assert len(simulation.opened) == 2


def test_what_one_replica_has_died_of_is_given_to_no_other():
    """Else it would depend on who is idle whether the analyzer has results."""
    simulation = Simulation(dies=["g.1 load a"])
    _, found = run(simulation, "a", "b", workers=("g.1", "g.2"))
    assert (found["a"].status, found["b"].status) == ("crashed", "ok")
    assert found["a"].reason == "cannot be loaded: the worker was ended by a test"
    assert [worker.heard.count("load a") for worker in simulation.opened] == [1, 1, 0]


def test_a_worker_that_never_starts_is_given_up():
    simulation = Simulation(dies=["start"])
    supervisor, found = run(simulation, "a")
    assert found["a"].reason == "no worker stays alive: the worker was ended by a test"
    assert len(simulation.opened) == ATTEMPTS
    assert supervisor.state() == {"w": "exited"}


def test_a_worker_that_replaces_another_first_loads_what_is_waiting():
    """Else what is ready would wait until all that the old one held is there again."""
    simulation = Simulation(dies=["a"])
    _, found = run(simulation, "a", "b", "c")
    assert [o.status for o in found.values()] == ["crashed", "ok", "ok"]
    assert simulation.opened[1].heard[:4] == ["load b", "analyze b", "load c", "analyze c"]


@pytest.mark.parametrize(("seconds", "limit_s"), [(5.0, 30.0), (300.0, 900.0)])
def test_a_longer_clip_may_take_longer(seconds, limit_s):
    simulation = Simulation(hangs=["a"])
    _, found = run(simulation, "a", seconds=seconds)
    assert found["a"].reason == f"took longer than {limit_s:g} s"
