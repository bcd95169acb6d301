"""What comes of saving a run to its baseline, and of comparing it: every outcome, and its exit code."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from clipbench.bench.comparing import baseline_comparison, baselines
from clipbench.bench.errors import Exit
from clipbench.bench.planning.config import GateConfig
from clipbench.bench.runs.remeasure import Unmeasured
from clipbench.bench.runs.results import Result
from clipbench.bench.runs.serialization import to_json
from clipbench.reports.comparison import baseline_console as report
from tests.support.baselines import a_saved_result

ENFORCED = GateConfig("enforce", ["baseline"])
REPORTED = GateConfig("report", ["baseline"])
KEY = {"grouping.name": "sequential", "executor.name": "threads", "models.profile": "embedded", "x": [1]}
SLOW = {"rtf": (1.5, 1.51, 1.49, 1.505, 1.495), "sleeper": 2.5}


@pytest.fixture
def kept(tmp_path) -> baselines.Baseline:
    """A baseline of five runs."""
    found = baselines.find(tmp_path / "store", KEY)
    for number in range(1, 6):
        assert baseline_comparison.save(
            found, a_saved_result([1.0, *(1.0 + sign * number / 500 for sign in (1, -1, 0.5, -0.5))], number)
        ).saved
        found = baselines.read(found.path)
    return found


def compared(kept, result, *again):
    """The outcome of a comparison in which fresh runs give `again`, one after the other."""
    left = list(again)

    def fresh() -> Result:
        one = left.pop(0)
        if isinstance(one, Exception):
            raise one
        return one

    outcome = baseline_comparison.conclude(kept, result, fresh, saving=False)
    assert not left, "a confirmation run was not made"
    assert result.run.baseline is outcome and json.dumps(to_json(outcome), allow_nan=False)
    shown = io.StringIO()
    report.show(outcome, Console(file=shown, width=160))
    assert f"baseline: {outcome.call}" in shown.getvalue()
    return outcome, shown.getvalue()


def test_runs_are_appended_and_only_the_newest_are_kept(tmp_path):
    found = baselines.find(tmp_path / "not" / "there", KEY)
    for number in range(1, baseline_comparison.KEEP + 4):
        outcome = baseline_comparison.conclude(
            found, (result := a_saved_result(number=number)), lambda: None, saving=True
        )
        assert result.run.baseline is outcome
        found = baselines.find(tmp_path / "not" / "there", KEY)
    assert outcome.runs == len(found.runs) == baseline_comparison.KEEP
    assert [run.id for run in found.runs] == [f"run{n}" for n in range(4, baseline_comparison.KEEP + 4)]
    one = json.loads(found.path.read_text())["runs"][0]
    assert one["rtf_warm"] == [1.0, 1.01, 0.99, 1.005, 0.995] and one["analyze_s"]["sleeper"] == [2.0] * 5
    assert one["git_commit"] == "f" * 40 and one["versions"]["torch"] == "2.13.0"
    assert one["metrics"] == {"quality.steady.f1": 0.9}


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (a_saved_result(interrupted=True), "the run was interrupted"),
        (a_saved_result(sleeper=None), "not every analyzer succeeded: sleeper (timeout)"),
    ],
)
def test_an_unfit_run_is_not_saved_and_says_why(result, reason, kept):
    before = kept.path.read_text()
    outcome = baseline_comparison.save(kept, result)
    assert not outcome.saved and outcome.reason == reason and kept.path.read_text() == before
    assert baseline_comparison.exit_code(outcome, REPORTED) == Exit.NOTHING_VALID
    shown = io.StringIO()
    report.show(outcome, Console(file=shown, width=160))
    assert "not saved" in shown.getvalue() and reason in shown.getvalue()


def test_a_busy_machine_is_told_when_saving_and_when_comparing(kept):
    for others, told in ((0.2, False), (0.3, True), (None, False)):
        outcome, shown = baseline_comparison.save(kept, a_saved_result(other_cores=others)), io.StringIO()
        report.show(outcome, Console(file=shown, width=160))
        assert outcome.saved and outcome.busy is told
        assert ("other work took 0.30 cores meanwhile" in shown.getvalue()) is told
    assert "other work was going on" not in compared(kept, a_saved_result())[1]
    kept.runs[:2] = [replace(run, other_cores=0.9) for run in kept.runs[:2]]
    outcome, shown = compared(kept, a_saved_result())
    assert outcome.busy_runs == 2 and "other work was going on during 2 of the saved runs" in shown


def test_where_the_noise_is_from_is_said(kept):
    assert "noise floor not calibrated" in compared(kept, a_saved_result())[1]
    kept.runs[0] = replace(kept.runs[0], rtf_warm=[1.6] * 5)
    outcome, shown = compared(kept, a_saved_result())
    assert outcome.noise > 0.3 and "noise floor from how far the saved runs lie apart" in shown


def test_the_same(kept):
    outcome, _ = compared(kept, a_saved_result())
    assert (outcome.call, outcome.runs, outcome.samples) == ("same", 5, 25)
    assert outcome.confirmed is None and outcome.moved == []
    assert outcome.low <= outcome.ratio <= outcome.high
    assert baseline_comparison.exit_code(outcome, ENFORCED) == Exit.OK


def test_slower_and_confirmed(kept):
    outcome, shown = compared(kept, a_saved_result(**SLOW), a_saved_result(**SLOW))
    assert (outcome.call, outcome.confirmed) == ("slower", True)
    assert [m.analyzer for m in outcome.moved] == ["sleeper"]
    assert "sleeper 2 s → 2.5 s" in shown and "measured again" in shown
    assert baseline_comparison.exit_code(outcome, REPORTED) == Exit.SLOWER


def test_slower_but_no_single_analyzer(kept):
    outcome, shown = compared(kept, *[a_saved_result(rtf=SLOW["rtf"]) for _ in range(2)])
    assert outcome.call == "slower" and outcome.moved == []
    assert "no analyzer moved beyond its own noise" in shown


@pytest.mark.parametrize(
    ("second", "reason", "valid"),
    [
        (a_saved_result(), "slower at first, but not when measured again", True),
        (a_saved_result(sleeper=None), "slower at first, but not when measured again", False),
        (Unmeasured("exit code 1"), "slower, but it could not be measured again: exit code 1", False),
    ],
)
def test_slower_but_not_confirmed(kept, second, reason, valid):
    outcome, _ = compared(kept, a_saved_result(**SLOW), second)
    assert (outcome.call, outcome.reason, outcome.valid) == ("undecided", reason, valid)
    assert baseline_comparison.exit_code(outcome, REPORTED) == Exit.OK
    assert baseline_comparison.exit_code(outcome, ENFORCED) == (Exit.OK if valid else Exit.TARGET_MISSED)


def test_faster(kept):
    outcome, _ = compared(kept, a_saved_result((0.5, 0.51, 0.49, 0.505, 0.495)))
    assert outcome.call == "faster" and baseline_comparison.exit_code(outcome, ENFORCED) == Exit.OK


def test_less_work_is_not_faster_and_not_slower(kept):
    for rtf in ((0.5, 0.51, 0.49, 0.505, 0.495), SLOW["rtf"]):
        outcome, _ = compared(kept, a_saved_result(rtf, sleeper=None))
        assert outcome.call == "undecided" and "sleeper (timeout)" in outcome.reason
        assert baseline_comparison.exit_code(outcome, REPORTED) == Exit.OK
        assert baseline_comparison.exit_code(outcome, ENFORCED) == Exit.TARGET_MISSED


def test_fewer_metrics_are_not_faster_but_may_be_slower(kept):
    outcome, _ = compared(kept, a_saved_result((0.5, 0.51, 0.49, 0.505, 0.495), quality=None))
    assert (outcome.call, outcome.reason) == ("undecided", "no longer measured: quality.steady.f1")
    assert baseline_comparison.exit_code(outcome, ENFORCED) == Exit.TARGET_MISSED
    slow = [a_saved_result(**SLOW, quality=None) for _ in range(2)]
    assert compared(kept, *slow)[0].call == "slower"


def test_too_few_runs_are_undecided(kept):
    kept.runs = kept.runs[:2]
    outcome, shown = compared(kept, a_saved_result(**SLOW))
    assert outcome.call == "undecided" and "2 of the 3 runs" in outcome.reason and "of 2 runs" in shown
    assert baseline_comparison.exit_code(outcome, REPORTED) == Exit.OK
    assert baseline_comparison.exit_code(outcome, ENFORCED) == Exit.TARGET_MISSED


def test_a_busy_machine_is_not_slower_code(kept):
    outcome, _ = compared(kept, a_saved_result(**SLOW, other_cores=1.0))
    assert (outcome.call, outcome.valid, outcome.busier) == ("undecided", False, 2.0)
    assert compared(kept, *[a_saved_result(**SLOW, other_cores=0.2)] * 2)[0].call == "slower"
    kept.runs = [replace(run, other_cores=1.0) for run in kept.runs]
    assert compared(kept, *[a_saved_result(**SLOW, other_cores=1.0)] * 2)[0].call == "slower"


def test_where_other_work_is_not_known_there_is_no_correction_for_it(kept):
    outcome, shown = compared(kept, *[a_saved_result(**SLOW, other_cores=None)] * 2)
    assert (outcome.call, outcome.busier, outcome.other_cores) == ("slower", None, None)
    assert "other cores not known, and not corrected for: no core counts" in shown
    kept.runs[0] = replace(kept.runs[0], other_cores=None)
    assert compared(kept, a_saved_result(other_cores=1.0))[0].busier == 2.0
    kept.runs = [replace(run, other_cores=None) for run in kept.runs]
    assert compared(kept, a_saved_result(other_cores=1.0))[0].busier is None


def test_an_interrupted_run_is_compared_with_nothing(kept):
    outcome, _ = compared(kept, a_saved_result((), interrupted=True))
    assert (outcome.call, outcome.reason) == ("undecided", "the run was interrupted")


def test_what_has_changed_since_is_said(kept):
    versions = {**kept.runs[-1].versions, "torch": "2.12.0[/]"}
    kept.runs[-1] = replace(kept.runs[-1], versions=versions)
    outcome, shown = compared(kept, a_saved_result())
    assert outcome.since == ["torch: 2.12.0[/] → 2.13.0"] and "torch: 2.12.0[/] → 2.13.0" in shown


def test_no_comparison_no_say_in_the_exit_code():
    assert baseline_comparison.exit_code(None, ENFORCED) == Exit.OK
