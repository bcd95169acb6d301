"""A hundred random faults in a row: each costs one analyzer, and none leaves anything behind."""

from __future__ import annotations

import random

import pytest

from clipbench.executors.arrivals import AllThere
from tests.support.clip_views import ArrayClip
from tests.support.executors import processes, running
from tests.support.fake_plans import grouped, use_fakes


@pytest.mark.parametrize("name", ["gpu_pinned", "spawn_pool"])
def test_fifty_random_faults_in_a_row(name, monkeypatch):
    use_fakes(monkeypatch)
    dice = random.Random(1)
    clips = [ArrayClip(duration_s=dice.randint(1, 60) / 10) for _ in range(50)]
    groups = {"a": ("fate", "steady"), "b": ("sleeper", "late", "deaf")}
    before = processes()
    with running(name, grouped(groups, executor=name, timeout_s=2.0)) as executor:
        found = list(executor.run_many(AllThere(clips), 2))
        assert len(processes() - before) <= 2 + 1  # workers, and the tracker of shared memory
    assert len(found) == 50 * 5
    struck = [o for _, o in found if o.analyzer == "fate"]
    assert {o.status for o in struck} == {"failed", "oom", "timeout", "crashed"}
    assert all(o.reason for o in struck)
    assert {o.status for _, o in found if o.analyzer != "fate"} == {"ok"}
