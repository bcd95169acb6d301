"""The simulated executor: the real scheduler and supervisor, against times that follow by hand."""

from __future__ import annotations

import dataclasses

import pytest

from clipbench.analyzers.base import FrameRequest, Needs, Settings
from clipbench.bench.planning.simulation import DeclaredClip, predict
from clipbench.executors.arrivals import AllThere
from clipbench.executors.base import Plan
from clipbench.executors.costs import (
    AnalyzerCost,
    Costs,
    DecodingCost,
    Growth,
    Overheads,
    Pretended,
    Work,
)
from clipbench.executors.faults import Fault
from clipbench.executors.layout import Gpu, Group, Machine, Task
from clipbench.executors.simulated import Simulated, SimulatedSettings
from tests.support.fake_plans import Notes

FRAMES = Needs((FrameRequest(1.0, 640),), True)
CLIP = DeclaredClip(10.0, 1000, 1000)


def waiting(seconds: float, **more) -> AnalyzerCost:
    return AnalyzerCost(Work(waiting=Growth(seconds)), **more)


def planned(groups: dict[str, list[Task]], machine: Machine, faults=(), device="cpu", **settings) -> Plan:
    chosen = SimulatedSettings(**{"threads": 1, **settings})
    made = [Group(name, device, tuple(tasks)) for name, tasks in groups.items()]
    return Plan(tuple(made), Simulated.layout(made, machine, chosen), chosen, faults=tuple(faults))


def simulated(plan: Plan, machine: Machine, costs: Costs, clips: int = 1, in_flight: int = 1):
    """The spans and the outcomes of a simulation by clip and analyzer, with the executor after it."""
    executor = Simulated(Notes())
    plan = dataclasses.replace(plan, pretended=Pretended(machine, costs))
    executor.start(plan)
    opened = [executor.pretend(plan, CLIP, 5.0) for _ in range(clips)]
    found = dict.fromkeys(())
    for number, outcome in executor.run_many(AllThere(opened), in_flight):
        found[number, outcome.analyzer] = outcome
    return executor.observer.spans, found, executor


def costs(analyzers: dict[str, AnalyzerCost], **more) -> Costs:
    return Costs("here", 2, "declared", analyzers, **more)


def task(name: str, *upstream: str, **more) -> Task:
    return Task(name, Settings(), upstream, **more)


def test_the_most_urgent_first_and_readers_after_what_they_read():
    two = Machine(2, (0, 1))
    plan = planned({"x": [task("a"), task("b"), task("c", "b")], "y": [task("d"), task("e", "a")]}, two)
    spans, found, _ = simulated(
        plan,
        two,
        costs({name: waiting(s) for name, s in {"a": 1, "b": 2, "c": 1, "d": 0.5, "e": 1}.items()}),
    )
    order = [(s.analyzer, round(s.start_s, 6), round(s.end_s, 6)) for s in spans if s.phase == "analyze"]
    assert order == [("d", 0, 0.5), ("a", 0, 1), ("e", 1, 2), ("b", 1, 3), ("c", 3, 4)]
    assert {o.status for o in found.values()} == {"ok"}
    assert found[0, "a"].reason.startswith("simulated") and found[0, "a"].segments == []


def test_what_the_executor_takes_counts():
    one = Machine(1)
    plan = planned({"x": [task("a"), task("b")]}, one)
    taken = Overheads(spawn_s=2.0, step_s=0.25, driver_s=0.5)
    table = costs({"a": waiting(1, load_s=3.0), "b": waiting(1)}, overheads={"gpu_pinned": taken})
    found = predict(plan, one, table, [CLIP] * 2)
    assert found.ready_s == pytest.approx(5.0)
    assert found.makespan_s == pytest.approx(2 * 2 * (0.25 + 1 + 0.5))
    fast = dataclasses.replace(one, core_speed=2.0)
    assert predict(plan, fast, table, [CLIP] * 2).makespan_s == pytest.approx(2 * 2 * (0.125 + 1 + 0.25))


def test_chunks_are_read_as_they_are_decoded():
    two = Machine(2)
    plan = planned({"x": [task("a", needs=FRAMES, chunked=True)]}, two, like="spawn_pool", workers=1)
    decoding = DecodingCost(open_s=1.0, sound=Growth(0, 0.1), frames=Growth(0, 0.1, 0.1))
    work = Work(host=Growth(0.0, 0.1))
    table = costs({"a": AnalyzerCost(work, finish=Work(waiting=Growth(0.5)))}, decoding=decoding)
    found = predict(plan, two, table, [CLIP])
    # Each chunk of 5 s takes 0.5 s for its sound and 1 s for its frames; reading it 0.5 s, beside decoding.
    assert found.makespan_s == pytest.approx(1 + 2 * 1.5 + 0.5 + 0.5)
    assert found.decoder == pytest.approx(4 / 5) and found.cores == pytest.approx(5 / 5 / 2)


def test_what_is_collected_is_worked_on_when_a_window_is_complete_and_at_the_end():
    one = Machine(1)
    plan = planned({"x": [task("a", needs=FRAMES, chunked=True)]}, one)
    windowed = Work(waiting=Growth(per_s=0.1))
    table = costs({"a": AnalyzerCost(Work(waiting=Growth(0.5)), windowed=windowed, window_s=6.0)})
    spans, _, _ = simulated(plan, one, table)
    seconds = [span.end_s - span.start_s for span in spans if span.phase == "analyze"]
    assert seconds == pytest.approx([0.5, 0.5 + 1.0, 0.0])
    cost = dataclasses.replace(table.analyzers["a"], window_s=2.0)
    spans, _, _ = simulated(plan, one, costs({"a": cost}))
    seconds = [span.end_s - span.start_s for span in spans if span.phase == "analyze"]
    assert seconds == pytest.approx([0.5 + 0.4, 0.5 + 0.6, 0.0])


def test_a_worker_derives_once_for_each_piece():
    one = Machine(1)
    table = costs(
        {name: waiting(1, derivations=("people",)) for name in "ab"},
        derivations={"people": Work(waiting=Growth(3))},
    )
    together = planned({"x": [task("a"), task("b")]}, one)
    apart = planned({"x": [task("a")], "y": [task("b")]}, one)
    assert predict(together, one, table, [CLIP]).makespan_s == pytest.approx(5)
    assert predict(apart, one, table, [CLIP] * 3, in_flight=3).makespan_s == pytest.approx(12)


def test_gpus_are_shared_and_told_of():
    machine = Machine(4, gpus=(Gpu(0, 80.0, speed=2.0),))
    tasks = {name: [task(name, gpu=True)] for name in "ab"}
    plan = planned(tasks, machine, device="gpu:0")
    work = Work(host=Growth(1.0), gpu=Growth(2.0), gpu_share=1.0)
    table = costs({name: AnalyzerCost(work, gpu_memory_gb=2.0) for name in "ab"})
    found = predict(plan, machine, table, [CLIP])
    assert found.makespan_s == pytest.approx(3.0)  # a second of the host; two of the GPU, at twice the speed
    assert found.gpus == {0: pytest.approx(2 / 3)} and found.gpu_memory_gb == {0: 4.0}


def test_clips_that_arrive_wait_their_turn():
    one = Machine(1)
    plan = planned({"x": [task("a")]}, one)
    found = predict(plan, one, costs({"a": waiting(2)}), [CLIP] * 3, in_flight=1, times_s=[0.0, 1.0, 10.0])
    assert found.latency_s == pytest.approx((2, 3, 2)) and found.makespan_s == pytest.approx(12)


@pytest.mark.parametrize(
    ("kind", "status", "seconds", "reason"),
    [
        ("raise", "failed", 0, "RuntimeError: planted fault"),
        ("oom", "oom", 0, "MemoryError: planted fault"),
        ("no_load", "failed", None, "cannot be loaded: RuntimeError: planted fault"),
        ("hang", "timeout", 30, "took longer than 30 s"),
        ("sigkill", "crashed", 0, "the worker was ended by SIGKILL"),
        ("exit", "crashed", 0, "the worker exited with code 7"),
        ("slow", "ok", 1.5, "simulated: nothing was analyzed"),
        ("no_start", "ok", 1, "simulated: nothing was analyzed"),
    ],
)
def test_faults_cost_the_analyzer_that_they_strike(kind, status, seconds, reason):
    two = Machine(2, (0, 1))
    plan = planned(
        {"x": [task("a"), task("b")], "y": [task("c", "a")]}, two, [Fault(kind, "a")], timeout_s=30.0
    )
    table = costs({name: waiting(1) for name in "abc"}, overheads={"gpu_pinned": Overheads(spawn_s=4.0)})
    spans, found, executor = simulated(plan, two, table, clips=2, in_flight=2)
    assert [o.status for (_, name), o in found.items() if name == "a"] == [status] * 2
    a = found[0, "a"]
    assert a.reason.startswith(reason)
    assert a.analyze_s is None if seconds is None else a.analyze_s == pytest.approx(seconds, abs=1e-3)
    assert {o.status for (_, name), o in found.items() if name != "a"} == {"ok"}
    spawned = sum(span.phase == "spawn" for span in spans)
    assert spawned == 2 + (2 if kind in ("hang", "sigkill", "exit") else 0)
    executor.cleanup()
    executor.wake()
    executor.close()
    assert executor.pids() == {}


def test_a_fault_that_the_pretended_executor_cannot_contain_is_refused():
    from clipbench.executors.base import ExecutorUnavailable

    plan = planned({"x": [task("a")]}, Machine(1), [Fault("sigkill", "a")], like="threads")
    with pytest.raises(ExecutorUnavailable, match=r"executor\.like=threads cannot contain it"):
        simulated(plan, Machine(1), costs({"a": waiting(1)}))
