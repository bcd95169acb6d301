"""Many faults in a random order: each costs one analyzer, and none leaves anything behind."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from clipbench.executors.arrivals import AllThere
from clipbench.executors.faults import CONTAINABLE
from tests.support.clip_views import ArrayClip
from tests.support.executors import processes, running
from tests.support.fake_plans import grouped, use_fakes

#: What the fake `fate` can meet while it analyzes, in the order of its numbers; and what becomes of it.
KINDS = sorted(CONTAINABLE - {"no_load", "no_start"})
STATUS = {"raise": "failed", "oom": "oom", "hang": "timeout"}
#: How often each is met; each hang takes as long as the timeout.
TIMES = {kind: 2 if kind == "hang" else 5 for kind in KINDS}


@pytest.mark.parametrize("name", ["gpu_pinned", "spawn_pool"])
def test_random_faults_in_a_row(name, monkeypatch):
    use_fakes(monkeypatch)
    met = random.Random(1).sample(KINDS, sum(TIMES.values()), counts=TIMES.values())
    clips = [ArrayClip(duration_s=(len(KINDS) + KINDS.index(kind)) / 10) for kind in met]
    groups = {"a": ("fate", "steady"), "b": ("sleeper", "late", "deaf")}
    before = processes()
    with running(name, grouped(groups, executor=name, timeout_s=2.0)) as executor:
        found = list(executor.run_many(AllThere(clips), 2))
        assert len(processes() - before) <= 2 + 1  # workers, and the tracker of shared memory
    assert len(found) == len(met) * 5
    struck = {number: o for number, o in found if o.analyzer == "fate"}
    assert [struck[number].status for number in range(len(met))] == [STATUS.get(k, "crashed") for k in met]
    assert all(o.reason for o in struck.values())
    assert Counter(o.status for _, o in found if o.analyzer != "fate") == {"ok": 4 * len(met)}
