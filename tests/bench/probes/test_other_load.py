"""Other load: what is counted, and that what cannot be counted is unknown, neither 0 nor a crash."""

from __future__ import annotations

import os
from collections import namedtuple

import psutil
import pytest

from clipbench.bench.probes import other_load
from clipbench.executors import registry as executors

Times = namedtuple("Times", "user idle iowait guest steal")


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Makes this process one that may use the cores `allowed`, on a machine that shows those `named`, of
    which core n has been busy for n + 1 seconds."""

    def make(allowed: set[int], named: list[int]) -> None:
        stat = tmp_path / "stat"
        stat.write_text("cpu  1 2 3\n" + "".join(f"cpu{n} 1 2 3\n" for n in named) + "intr 4 5\n")
        monkeypatch.setattr(other_load, "STAT", stat)
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid: allowed, raising=False)
        times = [Times(n + 0.5, 100.0, 10.0, 7.0, 0.5) for n in named]
        monkeypatch.setattr(psutil, "cpu_times", lambda percpu: times)

    return make


def test_other_work_is_what_is_not_our_own(monkeypatch):
    clock = {"time": 10.0, "all": 100.0, "own": 7.0}
    monkeypatch.setattr(other_load.time, "monotonic", lambda: clock["time"])
    monkeypatch.setattr(other_load, "busy_seconds", lambda: clock["all"])
    monkeypatch.setattr(other_load, "own_seconds", lambda: clock["own"])
    others = other_load.OtherWork()
    clock.update(time=14.0, all=107.0, own=12.0)
    assert others.cores() == 0.5
    clock.update(all=101.0)
    assert others.cores() == 0.0  # ticks are coarse


def test_everybody_includes_us():
    assert other_load.busy_seconds() > 0 and other_load.own_seconds() > 0


@pytest.mark.parametrize(
    ("allowed", "named", "busy"),
    [
        ({0, 1}, [0, 1], 3.0),
        ({1}, [0, 1, 2], 2.0),
        ({0, 3}, [0, 1, 3], 5.0),  # core 2 is offline
        ({5, 6}, [0, 1], 3.0),  # the container's cores, named anew
    ],
)
def test_the_cores_that_we_may_use_are_counted(machine, allowed, named, busy):
    machine(allowed, named)
    assert other_load.busy_seconds() == busy


def test_cores_that_are_not_there_are_not_known(machine):
    machine({2, 5}, [0, 1, 2])
    others = other_load.OtherWork()
    assert others.cores() is None and "3 cores, and not all of the 2" in others.reason


def test_cores_that_go_offline_meanwhile_are_not_known(machine):
    machine({0, 1, 2}, [0, 1, 2])
    others = other_load.OtherWork()
    machine({0, 1, 2}, [0, 1])
    assert others.cores() is None and others.reason


def test_workers_that_are_no_children_are_not_known():
    assert not executors.strategy("ray").children
    assert all(executors.strategy(name).children for name in executors.running() if name != "ray")
    others = other_load.OtherWork(children=False)
    assert others.cores() is None and "not children" in others.reason
