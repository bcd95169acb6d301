"""The simulator against the real executors: with analyzers that only wait, both do the same in one order."""

from __future__ import annotations

import pytest

from clipbench.executors.faults import Fault
from tests.support.sleepers import PLUGIN, Case, real, simulated

#: How often a real run is tried: where much else runs, one that waits may be late, and the order another.
TRIES = 3


@pytest.fixture(autouse=True)
def sleepers(monkeypatch):
    monkeypatch.setenv("CLIPBENCH_PLUGINS", str(PLUGIN))
    monkeypatch.syspath_prepend(PLUGIN.parent)


@pytest.mark.parametrize(
    "case",
    [
        Case("sequential", 1),
        Case("sequential", 1, clips=3, in_flight=2),
        Case("sequential", 1, faults=(Fault("raise", "sleeper_1"),), clips=2),
        Case("threads", 1),
        Case("threads", 3),
        Case("threads", 8),
        Case("threads", 2, replicas=2),
        Case("threads", 3, clips=3, in_flight=2),
        Case("threads", 2, faults=(Fault("raise", "sleeper_1"),), clips=2, in_flight=2),
        Case("threads", 2, faults=(Fault("hang", "sleeper_0"),), timeout_s=0.6),
        Case("threads", 2, faults=(Fault("no_load", "sleeper_3"),)),
    ],
    ids=str,
)
def test_the_same_order_and_the_same_outcomes(case):
    expected = simulated(case)
    for _ in range(TRIES):
        found = real(case)
        assert found.makespan_s > 0.98 * expected.makespan_s  # nobody wakes up early
        if found.orders == expected.orders and found.statuses == expected.statuses:
            return
    assert (found.orders, found.statuses) == (expected.orders, expected.statuses)
