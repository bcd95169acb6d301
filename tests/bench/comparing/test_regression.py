"""The decision behind baseline=compare, on samples with known answers."""

from __future__ import annotations

import numpy as np
import pytest

from clipbench.bench.comparing import regression
from clipbench.bench.comparing.regression import compare_runs, slower_analyzers
from clipbench.bench.enough import ENOUGH


def runs(count: int, repeats: int = ENOUGH, middle: float = 1.0, between=0.01, within=0.01, seed=0):
    """Runs whose middles vary by `between` and whose repeats vary by `within` around them."""
    rng = np.random.default_rng(seed)
    middles = middle * np.exp(rng.normal(0, between, (count, 1)))
    return (middles * np.exp(rng.normal(0, within, (count, repeats)))).tolist()


@pytest.mark.parametrize(
    ("factor", "call"), [(1.3, "slower"), (1 / 1.3, "faster"), (1.0, "same"), (1.04, "undecided")]
)
def test_every_call_can_be_reached(factor, call):
    found = compare_runs(runs(5), [[factor * x for x in (0.99, 1.0, 1.01, 0.995, 1.005)]], floor=0.03)
    assert found.call == call and found.valid
    assert found.low <= found.ratio <= found.high and found.ratio == pytest.approx(factor, rel=0.02)
    assert bool(found.reason) == (call == "undecided")


def test_the_same_samples_give_the_same_answer():
    assert compare_runs(runs(5), runs(1, seed=1), 0.03) == compare_runs(runs(5), runs(1, seed=1), 0.03)


def test_runs_far_apart_raise_the_noise_floor():
    near, far = runs(5, between=0.001, within=0.001), runs(5, between=0.2, within=0.001)
    now = [[1.2] * ENOUGH]
    assert compare_runs(near, now, 0.03).noise == 0.03 and compare_runs(near, now, 0.03).call == "slower"
    assert compare_runs(far, now, 0.03).noise > 0.15 and compare_runs(far, now, 0.03).call == "undecided"
    assert compare_runs(near, now, 0.25).call == "same"  # a calibration has its say too


def test_repeats_that_agree_do_not_stand_in_for_runs():
    """Nine repeats within 0.1 % of each other, in runs that lie 5 % apart."""
    apart = [[m, m * 1.001, m * 0.999] * 3 for m in (1.0, 1.05, 0.95)]
    assert compare_runs(apart, [[1.08, 1.081, 1.079] * 3], 0.01).call != "slower"


@pytest.mark.parametrize(
    ("baseline", "now", "reason"),
    [
        (runs(2), runs(1), "the baseline has 2 of the 3 runs"),
        (runs(3, repeats=ENOUGH - 1), runs(1), f"a run has {ENOUGH - 1} of the {ENOUGH} repeats"),
        (runs(3), [[1.0]], f"a run has 1 of the {ENOUGH} repeats"),
        (runs(3), [[]], f"a run has 0 of the {ENOUGH} repeats"),
        (runs(3), [[0.0, *[1.0] * ENOUGH]], "a sample is not above 0"),
    ],
)
def test_too_little_is_undecided_and_not_valid(baseline, now, reason):
    found = compare_runs(baseline, now, 0.03)
    assert (found.call, found.valid, found.ratio) == ("undecided", False, None)
    assert found.reason.startswith(reason)


def test_samples_without_any_spread():
    same = [1.0] * ENOUGH
    assert compare_runs([same] * 3, [same], 0.03).call == "same"
    assert compare_runs([same] * 3, [[1.1] * ENOUGH], 0.03).call == "slower"


def test_what_other_work_accounts_for_is_neither_slower_nor_faster():
    slower, faster = [[1.3, 1.31, 1.29, 1.3, 1.3]], [[0.7, 0.71, 0.69, 0.7, 0.7]]
    busy = compare_runs(runs(5), slower, 0.03, other_work=1.5)
    assert (busy.call, busy.valid) == ("undecided", False) and "other work" in busy.reason
    assert compare_runs(runs(5), slower, 0.03, other_work=1.1).call == "slower"  # it accounts for a part only
    assert compare_runs(runs(5), slower, 0.03, other_work=0.7).call == "slower"
    quiet = compare_runs(runs(5), faster, 0.03, other_work=0.6)
    assert (quiet.call, quiet.valid) == ("undecided", False) and "less other work" in quiet.reason
    assert compare_runs(runs(5), faster, 0.03, other_work=1.5).call == "faster"


def test_a_configuration_is_hardly_ever_slower_than_itself():
    calls = [compare_runs(runs(5, seed=s), runs(1, seed=1000 + s), 0.01).call for s in range(200)]
    assert calls.count("slower") <= 4 and calls.count("faster") <= 4


def test_twenty_per_cent_are_seen():
    calls = [compare_runs(runs(5, seed=s), runs(1, middle=1.2, seed=1000 + s), 0.03).call for s in range(100)]
    assert calls.count("slower") >= 95


def analyzers(**middles: float) -> dict[str, list[float]]:
    return {name: [m * x for x in (0.99, 1.0, 1.01, 0.995, 1.005)] for name, m in middles.items()}


def test_analyzers_that_moved_come_with_the_largest_gain_first():
    before = [analyzers(steady=1.0, a=0.1, b=2.0, tiny=0.001)] * 3
    now = [analyzers(steady=1.01, a=0.3, b=3.0, tiny=0.01)] * 2
    found = slower_analyzers(before, now, 0.03)
    assert [m.analyzer for m in found] == ["b", "a"]  # and not `tiny`: nothing beside the others
    assert found[0].before_s == 2.0 and found[0].now_s == 3.0
    assert found[1].ratio == pytest.approx(3.0) and found[1].low < 3 < found[1].high


def test_an_analyzer_that_is_not_in_every_run_has_not_moved():
    before, now = [analyzers(a=1.0)] * 3, [analyzers(a=2.0, new=5.0)]
    assert [m.analyzer for m in slower_analyzers(before, now, 0.03)] == ["a"]
    assert slower_analyzers(before, [analyzers(other=1.0)], 0.03) == []


def test_nothing_moved_where_all_stayed():
    before = [analyzers(a=1.0, b=2.0)] * 3
    assert slower_analyzers(before, [analyzers(a=1.0, b=2.0)], 0.03) == []


def test_the_spread_of_three_runs_is_students():
    """For two degrees of freedom, 4.303 standard deviations."""
    found = regression.noise_between_runs([[np.exp(-0.01)], [1.0], [np.exp(0.01)]])
    assert found == pytest.approx(np.expm1(4.303 * 0.01), rel=1e-3)
