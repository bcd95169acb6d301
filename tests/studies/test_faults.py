"""A hundred random faults under every executor but Ray: each costs its victim; `studies.faults` has more."""

from __future__ import annotations

from clipbench.executors import registry as executors
from studies.faults import ENDED, ODD, RAISED, RETURNED, cases, study, table


def test_each_costs_its_victim_alone():
    done = study(100, 2, ["sequential", "threads", "spawn_pool", "gpu_pinned"])
    assert sum(len(case.faults) for case, _ in done) == 100
    assert [wrong for _, lines in done for wrong in lines] == [], "\n".join(table(done))


def test_a_thousand_have_every_kind_under_every_executor_that_contains_it():
    made = cases(1000, 1, executors.running())
    assert made == cases(1000, 1, executors.running())
    struck = [(case.executor, fault) for case in made for fault in case.faults]
    assert len(struck) == 1000
    assert {fault.what for _, fault in struck} == {*RAISED, *RETURNED, *ODD, *ENDED, "hang"}
    assert {executor for executor, fault in struck if fault.kind == "ended"} == {
        "spawn_pool", "gpu_pinned", "ray",
    }  # fmt: skip
    assert {executor for executor, fault in struck if fault.kind == "raised"} == set(executors.running())
