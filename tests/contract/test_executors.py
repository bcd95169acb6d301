"""The executor contract: every task has an outcome, and a failing analyzer costs only itself."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from clipbench.executors import registry as executors
from clipbench.executors.arrivals import NEVER, AllThere
from clipbench.executors.faults import DEADLY, HUNG, Fault
from clipbench.executors.layout import Group
from tests.support.clip_views import ArrayClip
from tests.support.executors import NAMES, outcomes, running, usable
from tests.support.fake_plans import Notes, grouped, plan, planned, task, use_fakes

STRIKES = [(name, kind, 1) for name in NAMES for kind in sorted(executors.strategy(name).contains)]
#: Kind for each way to fail → with how many replicas too, where a group can have several workers.
SEVERAL = {"raise": 2, "sigkill": 3, "no_start": 2}
#: The executors of which several workers run at once.
PARALLEL = [name for name in NAMES if name != "sequential"]
STRIKES += [(n, k, SEVERAL[k]) for n, k, _ in STRIKES if n in PARALLEL and k in SEVERAL]
STRIKES += [("threads", "hang", 3)]  # which it has instead of the deadly ones


@pytest.fixture(autouse=True)
def fakes(monkeypatch):
    use_fakes(monkeypatch)


@pytest.mark.parametrize(("name", "replicas"), usable([(name, n) for name in NAMES for n in (1, 2, 3)]))
def test_the_contract(name, replicas):
    groups = {"a": ("steady", "raising", "unloadable"), "b": ("deaf", "reader", "hungry", "greedy")}
    made = grouped(groups, executor=name, replicas=replicas)
    with running(name, made) as executor:
        found = outcomes(executor)
        again = outcomes(executor, 2.0)
        spans = executor.observer.spans
    assert set(found) == {a for names in groups.values() for a in names}

    assert found["steady"].status == "ok" and found["steady"].headline == "steady"
    assert found["steady"].analyze_s >= 0
    assert (found["deaf"].status, found["deaf"].segments) == ("ok", [])
    assert found["deaf"].reason == "the clip has no audio track"

    assert (found["raising"].status, found["raising"].reason) == ("failed", "RuntimeError: a planted fault")
    assert "Traceback" in found["raising"].error
    assert (found["hungry"].status, found["hungry"].retried) == ("oom", "")
    assert found["unloadable"].reason == "cannot be loaded: FileNotFoundError: a planted missing file"

    # Readers get the results that they read, and not those of what failed.
    assert found["reader"].segments[0].data == {"read": ["steady"]}
    # A lack of memory is met with half the batch, once.
    assert (found["greedy"].status, found["greedy"].retried) == ("ok", "batch 8 → 4")

    # Workers stay warm between clips.
    assert again["steady"].segments[0].end_s == 2.0
    for analyzer in found:
        holders = sorted(worker.name for worker in made.layout if worker.holds(analyzer))
        assert sorted(s.worker for s in spans if s.phase == "load" and s.analyzer == analyzer) == holders
        assert found[analyzer].worker in holders
    assert {s.clip for s in spans if s.phase == "analyze"} == {0, 1}
    assert all(s.end_s >= s.start_s for s in spans)


@pytest.mark.parametrize("name", usable(NAMES))
def test_sys_exit_in_an_analyzer_costs_that_analyzer_and_no_worker(name):
    groups = {"a": ("leaving", "leaving_early", "steady"), "b": ("abandoned", "deaf")}
    with running(name, grouped(groups, executor=name)) as executor:
        found = outcomes(executor)
        spawned = sum(span.phase == "spawn" for span in executor.observer.spans)
        pids = executor.pids()
    assert (found["leaving"].status, found["leaving"].reason) == ("failed", "SystemExit: 3")
    assert found["leaving_early"].reason == "cannot be loaded: SystemExit: no licence"
    assert (found["abandoned"].status, found["abandoned"].reason) == ("failed", "GeneratorExit: no message")
    assert found["steady"].status == found["deaf"].status == "ok"
    assert spawned == (0 if name == "sequential" else len(pids))


@pytest.mark.parametrize("mode", ["unload", "offload", "exit"])
@pytest.mark.parametrize("name", usable(NAMES))
def test_an_analyzer_that_cannot_be_parked_or_unloaded_costs_nothing(name, mode):
    groups = {"a": ("clinging", "steady"), "b": ("deaf",)}
    with running(name, grouped(groups, cleanup=mode, executor=name)) as executor:
        for _ in range(2):
            assert {o.status for o in outcomes(executor).values()} == {"ok"}
            executor.cleanup()
            executor.wake()
        spawned = sum(span.phase == "spawn" for span in executor.observer.spans)
    if mode != "exit":
        assert spawned == (0 if name == "sequential" else 2)


#: The reasons for which each of the MISTAKES in fake_analyzers/mistaken.py fails.
WHY = [
    "TypeError: analyze must return a list of Segment, not NoneType",
    "TypeError: analyze must return a list of Segment, not generator",
    "TypeError: analyze must return a list of Segment; segment 1 is of type dict",
    "ValueError: segment 0: start_s is nan; write None for what has no value",
    "ValueError: segment 1: start_s is 1, after its end_s 0.5",
    "ValueError: segment 0: start_s is -1, before the beginning of the clip",
    "ValueError: segment 0: end_s is 99, but the clip ends at 1.6 s",
    "TypeError: segment 0: label is of type NoneType, not text",
    "ValueError: segment 0: label has half of a character, U+D83D, which UTF-8 cannot write",
    "ValueError: segment 0: confidence is 1.5, outside of 0 to 1",
    "TypeError: segment 0: data is of type NoneType, not a dictionary",
    "TypeError: segment 0: data.file is of type PosixPath, which JSON does not have",
    "TypeError: segment 0: data.raw is of type bytes, which JSON does not have",
    "TypeError: segment 0: data.seen[0] is of type set, which JSON does not have",
    "TypeError: segment 0: data.counts has the key 3: keys of JSON are text",
    "ValueError: segment 0: data.n is an integer of 16610 bits, and 64 are the most",
    "ValueError: segment 0: data.inner[0].inner[0].inner[0].inner[0].inner[0]… is nested more than 50 deep, "
    "or holds itself",
]


@pytest.mark.parametrize("name", usable(NAMES))
def test_what_an_analyzer_returns_by_mistake_costs_that_analyzer_and_is_named(name):
    clips = [ArrayClip(duration_s=1 + n / 10) for n in range(len(WHY))]
    with running(name, grouped({"a": ("mistaken", "steady"), "b": ("reader",)}, executor=name)) as executor:
        found = list(executor.run_many(AllThere(clips), 2))
        spawned = sum(span.phase == "spawn" for span in executor.observer.spans)
        pids = executor.pids()
    mistaken = sorted((number, o.status, o.reason) for number, o in found if o.analyzer == "mistaken")
    assert mistaken == [(number, "failed", reason) for number, reason in enumerate(WHY)]
    others = [o for _, o in found if o.analyzer != "mistaken"]
    assert len(others) == 2 * len(WHY) and {o.status for o in others} == {"ok"}
    assert spawned == (0 if name == "sequential" else len(pids))  # no worker was lost


@pytest.mark.parametrize("name", usable(NAMES))
def test_what_a_chunk_leaves_has_to_be_pickled_and_read_again(name):
    groups = {
        "a": ("fed", "no_pair", "unpicklable_state"),
        "b": ("unpicklable_found", "unreadable_found", "steady"),
    }
    with running(name, grouped(groups, executor=name)) as executor:
        found = outcomes(executor)
    assert found["fed"].segments[0].data == {"chunks": 1, "starts": [0.0]}
    assert found["steady"].status == "ok"
    reasons = {n: o.reason for n, o in found.items() if o.status == "failed"}
    assert reasons.pop("no_pair") == "TypeError: feed must return what it found and the state, not NoneType"
    for analyzer, what in {
        "unpicklable_state": "the state cannot be pickled: ",
        "unpicklable_found": "what was found in chunk 0 cannot be pickled: ",
        "unreadable_found": "what was found in chunk 0 cannot be unpickled: ValueError: invalid literal",
    }.items():
        assert reasons.pop(analyzer).startswith(f"TypeError: {what}")
    assert reasons == {}


@pytest.mark.parametrize("name", usable(NAMES))
def test_cleanup_and_waking(name):
    for mode in ("exit", "unload", "offload"):
        with running(
            name, grouped({"a": ("steady",), "b": ("deaf",)}, cleanup=mode, executor=name)
        ) as executor:
            first = outcomes(executor)
            executor.cleanup()
            assert executor.state()
            if mode == "exit" and name not in ("sequential", "threads"):
                assert executor.pids() == {}
            executor.wake()
            assert {n: o.status for n, o in outcomes(executor).items()} == dict.fromkeys(first, "ok")
            executor.cleanup()
            if name != "sequential":
                assert outcomes(executor)["steady"].status == "ok"  # it wakes by itself


@pytest.mark.parametrize("name", usable(NAMES))
def test_several_clips_in_flight_do_not_mix(name):
    clips = [ArrayClip(duration_s=1.0 + n) for n in range(5)]
    groups = {"a": ("sleeper", "counting", "late"), "b": ("counting_too",)}
    with running(name, grouped(groups, executor=name, replicas=2)) as executor:
        found = list(executor.run_many(AllThere(clips), 3))
    assert len(found) == 5 * 4
    for number, outcome in found:
        assert outcome.segments[0].end_s == 1.0 + number
        if outcome.analyzer == "late":
            assert outcome.segments[0].data == {"read": ["sleeper"]}
        if outcome.analyzer.startswith("counting"):
            assert outcome.segments[0].data["calls"] <= 1  # shared data: once per worker and clip


class OneAfterAnother:
    """Clips of which each arrives as soon as `seen` has counted an outcome of the one before."""

    def __init__(self, clips, clock):
        self.clips, self.clock, self.taken, self.seen = clips, clock, 0, 0

    @property
    def next_s(self):
        return NEVER if self.taken == len(self.clips) else self.clock() + 0.01 * (self.taken > self.seen)

    def take(self, now_s):
        if self.taken > self.seen or self.taken == len(self.clips):  # by `next_s`, it would be later than now
            return None
        self.taken += 1
        return self.clips[self.taken - 1]


@pytest.mark.parametrize("name", usable(NAMES))
def test_clips_that_have_not_arrived_are_waited_for_while_others_are_worked_on(name):
    with running(name, plan("steady", executor=name)) as executor:
        clips = OneAfterAnother([ArrayClip(duration_s=1.0) for _ in range(3)], executor.clock)
        for number, outcome in executor.run_many(clips, 2):
            assert (number, outcome.status) == (clips.seen, "ok")
            clips.seen += 1
    assert clips.seen == 3


@pytest.mark.parametrize("name", usable(NAMES))
def test_close_may_come_at_any_point(name):
    executors.create(name, observer=Notes()).close()
    with running(name, plan("sleeper", executor=name)) as executor:
        next(executor.run(ArrayClip(duration_s=1.0)))
        executor.close()


@pytest.mark.parametrize(("name", "kind", "replicas"), usable(STRIKES))
def test_a_fault_costs_only_the_analyzer_that_it_strikes(name, kind, replicas):
    groups = {"a": ("steady", "sleeper"), "b": ("deaf", "late", "counting")}
    options = {"faults": (Fault(kind, "steady"),), "timeout_s": 3.0, "replicas": replicas}
    with running(name, grouped(groups, **options, executor=name)) as executor:
        for _ in range(2):  # the next clip has a whole set of workers again
            found = outcomes(executor)
            struck = found.pop("steady")
            assert {n: o.status for n, o in found.items()} == dict.fromkeys(found, "ok")
            expected = {"oom": "oom", "hang": "timeout", "raise": "failed", "no_load": "failed"}
            if kind == "no_start":
                assert struck.status == "ok"  # the first worker died; its successor did the work
            else:
                assert struck.status == expected.get(kind, "crashed")
                assert struck.reason
            assert found["late"].segments[0].data == {"read": ["sleeper"]}


@pytest.mark.parametrize("name", usable([n for n in NAMES if executors.strategy(n).contains >= DEADLY]))
def test_a_worker_killed_from_outside_is_replaced(name):
    with running(name, grouped({"a": ("sleeper", "steady"), "b": ("deaf",)}, executor=name)) as executor:
        killed = executor.pids().values()
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        found = outcomes(executor)
        lost = [o for o in found.values() if o.status != "ok"]
        assert len(found) == 3 and len(lost) <= len(killed)
        assert all(o.status == "crashed" for o in lost)
        said = "Worker unexpectedly exits" if name == "ray" else "SIGKILL"  # Ray does not say of what
        assert all(said in o.reason for o in lost)
        assert all(o.status == "ok" for o in outcomes(executor).values())


@pytest.mark.parametrize("name", usable([n for n in PARALLEL if executors.strategy(n).contains >= HUNG]))
def test_workers_work_at_the_same_time(name):
    with running(name, grouped({"a": ("sleeper",), "b": ("greedy",)}, executor=name)) as executor:
        outcomes(executor)
        spans = [s for s in executor.observer.spans if s.phase == "analyze"]
    assert max(s.start_s for s in spans) < min(s.end_s for s in spans)


@pytest.mark.parametrize("name", ["sequential", "threads"])
def test_the_thread_budget_ends_with_the_executor(name, monkeypatch):
    from clipbench.analyzers import threads

    monkeypatch.setenv("CLIPBENCH_THREADS", "7")
    with running(name, plan("steady", executor=name, threads=1)):
        assert threads.budget() == 1
    assert threads.budget() == 7


def test_a_worker_that_ends_whenever_it_is_idle_is_given_up():
    """It would be made anew for as long as the other one works."""
    names = ("undermined", "late", "sleeper")
    a = Group("a", "cpu", tuple(task(name, names) for name in names[:2]))
    b = Group("b", "cpu", (task("sleeper", names, seconds=60),))
    with running("gpu_pinned", planned([a, b], "gpu_pinned", {})) as executor:
        found = {}
        for outcome in executor.run(ArrayClip(duration_s=1.0)):
            found[outcome.analyzer] = outcome
            if "late" in found:
                break
    assert "no worker stays alive: the worker exited with code 3" in found["late"].reason
    assert "sleeper" not in found


def test_a_worker_that_never_says_that_it_is_there_is_given_up(monkeypatch):
    executor = executors.create("threads", observer=Notes())
    dumb = threading.Event()
    monkeypatch.setattr("clipbench.executors.threads.work", lambda connection, spec: dumb.wait(10))
    executor.start(plan("steady", load_timeout_s=0.1))
    try:
        found = outcomes(executor)["steady"]
    finally:
        executor.close()
        dumb.set()
    assert (found.status, found.reason) == (
        "crashed", "no worker stays alive: it did not start within 0.1 s"
    )  # fmt: skip
