"""A worker that dies while it loads an analyzer: that one stays lost, and the others run."""

from __future__ import annotations

import os
from itertools import pairwise

import pytest

from clipbench.executors import registry as executors
from clipbench.executors.faults import DEADLY
from clipbench.executors.layout import Group
from tests.support.executors import NAMES, outcomes, running, usable
from tests.support.fake_plans import FAKES, FOLDER, planned, task

MORTAL = [name for name in NAMES if executors.strategy(name).contains >= DEADLY]


@pytest.fixture(autouse=True)
def wild(monkeypatch):
    monkeypatch.setenv("CLIPBENCH_PLUGINS", os.pathsep.join(map(str, (FAKES, FOLDER / "wild.py"))))
    monkeypatch.syspath_prepend(FOLDER)


def of(executor: str, cleanup: str, replicas: int = 1, **settings: str):
    """A group with the victim between two others, and a group beside it."""
    names = ("steady", "wild_whole", "sleeper", "deaf", "counting")
    tasks = {name: task(name, names, **(settings if name == "wild_whole" else {})) for name in names}
    a = Group("a", "cpu", tuple(tasks[name] for name in names[:3]), replicas=replicas)
    b = Group("b", "cpu", tuple(tasks[name] for name in names[3:]))
    return planned([a, b], executor, {"threads": 1, "cleanup": cleanup})


CASES = [(name, cleanup, 1) for name in MORTAL for cleanup in ("unload", "offload", "exit")]


@pytest.mark.parametrize(("name", "cleanup", "replicas"), usable([*CASES, ("gpu_pinned", "unload", 2)]))
def test_the_victim_stays_lost_and_the_others_run(name, cleanup, replicas):
    made = of(name, cleanup, replicas, where="load", what="exit")
    with running(name, made) as executor:
        spawned = []
        for _ in range(3):
            found = outcomes(executor)
            victim = found.pop("wild_whole")
            assert victim.status == "crashed" and victim.reason.startswith("cannot be loaded: ")
            assert {other: o.status for other, o in found.items()} == dict.fromkeys(found, "ok")
            spawned.append(sum(span.phase == "spawn" for span in executor.observer.spans))
            executor.cleanup()
            executor.wake()
        workers = len(executor.pids())
    # A successor for each worker that died. With exit, all are started anew, and none of them dies.
    assert spawned[0] <= workers + sum(worker.holds("wild_whole") for worker in made.layout)
    assert [b - a for a, b in pairwise(spawned)] == [workers * (cleanup == "exit")] * 2
    assert executor.cleanup_failures()["wild_whole"] == victim.reason


@pytest.mark.parametrize("name", usable(MORTAL))
def test_one_that_dies_when_it_is_woken_is_the_only_one_lost(name):
    with running(name, of(name, "offload", where="wake", what="kill")) as executor:
        assert {o.status for o in outcomes(executor).values()} == {"ok"}
        executor.cleanup()
        executor.wake()
        found = outcomes(executor)
    victim = found.pop("wild_whole")
    assert {other: o.status for other, o in found.items()} == dict.fromkeys(found, "ok")
    assert victim.status == "crashed" and victim.reason.startswith("cannot be loaded: ")
