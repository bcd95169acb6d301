"""Replicas of a group, under every executor: they share the work, and each has its name and its place."""

from __future__ import annotations

import pytest

from clipbench.executors import registry as executors
from clipbench.executors.arrivals import AllThere
from clipbench.executors.faults import HUNG, Fault
from clipbench.executors.layout import Group
from tests.support.clip_views import ArrayClip
from tests.support.executors import NAMES, running, usable
from tests.support.fake_plans import planned, task, use_fakes

#: The executors of which several workers run at once.
PARALLEL = [name for name in NAMES if executors.strategy(name).contains >= HUNG]


@pytest.fixture(autouse=True)
def fakes(monkeypatch):
    use_fakes(monkeypatch)


@pytest.mark.parametrize("name", usable(PARALLEL))
def test_replicas_work_at_the_same_time_on_different_clips_and_analyzers(name, tmp_path):
    """Of two analyzers on two clips, three tasks wait for each other: the third is on the other clip."""
    names = ("meeting", "meeting_too", "fed")
    settings = {"folder": str(tmp_path), "guests": 3}
    tasks = tuple(task(n, names, **(settings if n != "fed" else {})) for n in names)
    made = planned([Group("a", "cpu", tasks, replicas=3)], name, {"threads": 1})
    clips = [ArrayClip(duration_s=1.0 + n) for n in range(2)]
    for clip in clips:
        clip.chunks = 4
    with running(name, made) as executor:
        found = list(executor.run_many(AllThere(clips), 2))
        workers = {*executor.pids()} or {worker.name for worker in made.layout}
    assert {o.status for _, o in found} == {"ok"} and len(found) == 6
    assert {o.worker for _, o in found} == workers == {worker.name for worker in made.layout}
    # A chunked analyzer takes one step on a clip at a time, in whatever worker, and its state goes with it.
    counted = [o.segments[0].data for _, o in found if o.analyzer == "fed"]
    assert counted == [{"chunks": 4, "starts": [0.0] * 4}] * 2


def test_one_replica_is_replaced_while_its_sister_goes_on(tmp_path):
    """Only what a worker was doing is lost with it: its sister meets the guest of the other group."""
    names = ("steady", "meeting", "meeting_too", "deaf")
    settings = {"folder": str(tmp_path), "guests": 2}
    tasks = {n: task(n, names, **(settings if "meeting" in n else {})) for n in names}
    groups = [
        Group("a", "cpu", (tasks["steady"], tasks["meeting"], tasks["deaf"]), replicas=2),
        Group("b", "cpu", (tasks["meeting_too"],)),
    ]
    made = planned(groups, "gpu_pinned", {"threads": 1}, faults=(Fault("sigkill", "steady"),))
    with running("gpu_pinned", made) as executor:
        before = executor.pids()
        found = {o.analyzer: o for o in executor.run(ArrayClip(duration_s=1.0))}
        replaced = [name for name, pid in executor.pids().items() if pid != before[name]]
    assert found.pop("steady").worker in ("a.1", "a.2")
    assert {o.status for o in found.values()} == {"ok"}
    assert len(replaced) <= 1 and "b" not in replaced
