"""Runs as what is compared, and tables of many figures: false alarms, and what is still found."""

from __future__ import annotations

import numpy as np
import pytest

from clipbench.bench.comparing import by_run, families
from clipbench.bench.comparing.by_run import ASSUMED, UNKNOWN, Sides, Spread, spread_of
from clipbench.bench.comparing.calibration import DEFAULT
from clipbench.bench.comparing.statistics import compare_samples
from studies.false_alarms import DESIGNS, alarms, calls, main
from studies.noise_models import kinds
from tests.support.stored_results import STEADY, times

KINDS = kinds()
TABLE = next(one for one in DESIGNS if one.name == "table, 9 rounds")
PAIR = next(one for one in DESIGNS if one.name == "two single runs")


@pytest.mark.parametrize("kind", ["heavy tails", "AR(1)", "two modes"])
def test_a_table_of_equals_names_no_analyzer(kind):
    """Twenty calls at p < 0.02 each named one in every fifth table."""
    assert alarms(calls(TABLE, KINDS[kind], 0.0, trials=40)) <= 2


def test_a_slow_analyzer_is_still_found_in_a_table():
    found = calls(TABLE, KINDS["measured, quiet"], 0.3, trials=10, between=0.02)
    assert sum(each[0] == "slower" for each in found) >= 8
    assert sum(call in ("slower", "faster") for each in found for call in each[1:]) <= 1


@pytest.mark.parametrize("design", [one for one in DESIGNS if one.figures == 1 and one.passes > 1])
def test_passes_of_one_process_are_not_independent(design):
    """Processes that differ by 3 %: called so in every fifth pair when passes counted."""
    assert alarms(calls(design, KINDS["heavy tails"], 0.0, trials=150)) <= 5


def test_what_passes_say_is_not_what_processes_say():
    """Nine passes each of one process, a tenth apart: by themselves they are slower, of one process they are
    not, and of many they are."""
    slow = times(1.1)
    assert compare_samples(STEADY, slow, DEFAULT, paired=False).call == "slower"
    single = by_run.compare(Sides([STEADY], [slow], paired=False), DEFAULT, UNKNOWN)
    assert single.call == "undecided" and single.runs == (1, 1) and single.samples == (9, 9)
    assert single.reason.startswith("slower, but with 1 run a side the processes alone may account for 16 %")
    many = by_run.compare(Sides([[x] for x in STEADY], [[x] for x in slow]), DEFAULT, UNKNOWN)
    assert many.call == "slower" and many.runs == (9, 9)
    alike = Spread(0.005, 6)
    known = by_run.compare(Sides([STEADY], [slow], paired=False), DEFAULT, alike)
    assert known.call == "slower"
    assert by_run.compare(Sides([STEADY], [times(1.5)], paired=False), DEFAULT, UNKNOWN).call == "slower"


def test_the_bound_is_less_for_more_runs_and_more_for_more_figures():
    one, three = (Sides([STEADY] * n, [STEADY] * n) for n in (1, 3))
    assert UNKNOWN.bound(three) < UNKNOWN.bound(one) < UNKNOWN.bound(one, family=20)
    assert Spread(ASSUMED, 6).bound(one) > UNKNOWN.bound(one)  # six runs only tell roughly
    restless = Sides([STEADY], [[x**9 for x in STEADY]])
    assert UNKNOWN.bound(restless) > UNKNOWN.bound(one)  # what varies so may be otherwise in the next run
    few, many = ([1.0, 1.2, 0.9] * n for n in (1, 6))
    few_passes, many_passes = (Sides([passes], [passes]) for passes in (few, many))
    assert UNKNOWN.bound(few_passes) > 1.6 * UNKNOWN.bound(many_passes)  # they tell little
    mixed, in_order = ([1.0, 1.2, 0.9, 1.1, 0.8] * 2, sorted([1.0, 1.2, 0.9, 1.1, 0.8] * 2))
    alternating, drifting = (Sides([passes], [passes]) for passes in (mixed, in_order))
    assert UNKNOWN.bound(drifting) > UNKNOWN.bound(alternating)  # passes like those before them say less
    assert spread_of([[1.0, 1.0, 1.2], [1.1, 1.1, 1.1]]).deviation == pytest.approx(np.log(1.1) / 2**0.5)


def test_more_is_better_for_some():
    sides = Sides([[x] for x in STEADY], [[1.2 * x] for x in STEADY], better="higher")
    assert by_run.compare(sides, DEFAULT, UNKNOWN).call == "faster"


def test_of_few_runs_the_smallest_p_counts_for_all():
    """Holm's: three times the least, twice the next."""
    found = families.holm({"a": 0.001, "b": 0.04, "c": 0.03})
    assert found == pytest.approx({"a": 0.003, "b": 0.06, "c": 0.06})


def test_a_figure_that_no_rule_can_call_costs_the_others_nothing():
    """One peak of memory a run is no sample of a table, of which two runs have nine passes."""
    pair = {"time": Sides([STEADY], [times(1.5)], paired=False)}
    peaks = {f"peak {n}": Sides([[2.0]], [[2.0]], paired=False) for n in range(9)}
    both = by_run.compare_family(pair | peaks, DEFAULT, [UNKNOWN])
    assert both["time"] == by_run.compare_family(pair, DEFAULT, [UNKNOWN])["time"]
    assert both["time"].call == "slower" and both["peak 1"].call == "undecided"


def test_the_command(capsys):
    main(["--trials", "2", "--only", "two single runs, calibrated, drift"])
    out = capsys.readouterr().out
    assert "two single runs" in out and "drift" in out and "found in 80 %" in out
