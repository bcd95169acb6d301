"""The simulator against the real executor: with analyzers that only wait, both do the same at the same times.

The real one runs on a clock that stands still until everybody waits (virtual_threads.py), so that it makes no
difference what else the machine does. `python -m studies.simulator` compares them on the real clock.
"""

from __future__ import annotations

import importlib

import pytest

from clipbench.executors.faults import Fault
from tests.support.sleepers import PLUGIN, Case, in_virtual_time, real, simulated
from tests.support.virtual_threads import Clock


@pytest.fixture(autouse=True)
def sleepers(monkeypatch):
    """The analyzers that only wait."""
    monkeypatch.setenv("CLIPBENCH_PLUGINS", str(PLUGIN))
    monkeypatch.syspath_prepend(PLUGIN.parent)


@pytest.fixture
def clock(monkeypatch, sleepers):
    """The clock on which the sleepers and what hangs sleep, and by which workers tell the time."""
    made = Clock()
    for module in (PLUGIN.stem, "clipbench.executors.faults"):
        monkeypatch.setattr(importlib.import_module(module), "time", made)
    monkeypatch.setattr("clipbench.executors.worker.now", made.now)
    yield made
    made.end()


@pytest.mark.parametrize(
    "case",
    [
        Case("threads", 1),
        Case("threads", 3),
        Case("threads", 8),
        Case("threads", 2, replicas=2),
        Case("threads", 3, clips=3, in_flight=2),
        Case("threads", 5, clips=4, in_flight=3),
        Case("threads", 2, replicas=2, clips=4, in_flight=3),
        Case("threads", 2, faults=(Fault("raise", "sleeper_1"),), clips=2, in_flight=2),
        Case("threads", 2, faults=(Fault("hang", "sleeper_0"),), timeout_s=0.6),
        Case("threads", 3, faults=(Fault("hang", "sleeper_0"),), clips=2, in_flight=2, timeout_s=1.0),
        Case("threads", 2, faults=(Fault("no_load", "sleeper_3"),)),
    ],
    ids=str,
)
def test_the_same_order_times_and_outcomes(case, clock):
    expected, found = simulated(case), in_virtual_time(case, clock)
    assert (found.orders, found.statuses) == (expected.orders, expected.statuses)
    assert found.times.keys() == expected.times.keys()
    for step, times in expected.times.items():
        assert found.times[step] == pytest.approx(times, abs=1e-5), step
    assert found.makespan_s == pytest.approx(expected.makespan_s, abs=1e-5)


@pytest.mark.parametrize(
    "case",
    [
        Case("sequential", 1),
        Case("sequential", 1, clips=3, in_flight=2),
        Case("sequential", 1, faults=(Fault("raise", "sleeper_1"),), clips=2),
    ],
    ids=str,
)
def test_one_after_another_in_the_same_order(case):
    """One worker does one thing at a time, so that the real clock can do no harm."""
    expected, found = simulated(case), real(case)
    assert (found.orders, found.statuses) == (expected.orders, expected.statuses)
    assert found.makespan_s > 0.98 * expected.makespan_s  # nobody wakes up early
