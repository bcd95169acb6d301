"""A few of the faults over the real twenty analyzers; `python -m studies.real_faults` has all of them."""

from __future__ import annotations

import pytest

from clipbench.executors.faults import CONTAINABLE
from studies.real_faults import EXPECTED, Case, cases, strike


@pytest.mark.parametrize(
    "case",
    [Case("gpu_pinned", "sigkill", gate="require"), Case("threads", "raise", gate="report")],
    ids=lambda case: f"{case.executor}-{case.kind}",
)
def test_nineteen_results_and_nothing_left(case, tmp_path):
    told = strike(case, tmp_path)
    assert told.wrong == ()
    assert told.ok == 19


def test_no_fault_is_left_out():
    assert set(EXPECTED) == CONTAINABLE
    assert {case.kind for case in cases() if case.executor == "spawn_pool"} == CONTAINABLE
