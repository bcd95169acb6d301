"""The noise floor of a machine: what it is made from, kept under, and found by."""

from __future__ import annotations

import dataclasses
import io
import json

import numpy as np
import pytest
from rich.console import Console

from clipbench.bench.comparing import calibration
from clipbench.bench.enough import ENOUGH
from clipbench.bench.errors import InputError
from clipbench.bench.measuring import session
from clipbench.bench.planning import config
from clipbench.bench.runs.remeasure import Unmeasured
from clipbench.reports.comparison import baseline_console as report
from tests.support.baselines import a_saved_result
from tests.support.fake_plans import use_fakes


def runs(between: float, within: float, seed: int = 0) -> list[list[float]]:
    rng = np.random.default_rng(seed)
    middles = np.exp(rng.normal(0, between, (calibration.RUNS, 1)))
    return (middles * np.exp(rng.normal(0, within, (calibration.RUNS, ENOUGH)))).tolist()


def calibrated(samples: list[list[float]], **options) -> calibration.Calibration:
    return calibration.calibrate(lambda number: a_saved_result(samples[number - 1], number, **options))


def test_without_a_calibration_the_default_and_what_to_do():
    found = calibration.lookup(a_saved_result())
    assert found.value == calibration.DEFAULT
    assert found.source == "not calibrated on this machine: python run.py calibrate=true"


def test_what_was_calibrated_is_found_again(store):
    made = calibrated(runs(0.02, 0.02))
    found = calibration.lookup(a_saved_result(number=9))
    assert found.value == made.noise and found.source == "calibrated on 2026-01-01T00:00:00+00:00"
    kept = json.loads(store.read_text())["calibrations"]
    assert [len(run) for entry in kept.values() for run in entry["runs"]] == [ENOUGH] * calibration.RUNS


def test_several_are_kept_and_the_newest_of_each():
    first = calibrated(runs(0.02, 0.02))
    other = calibrated(runs(0.01, 0.05), cores=8)
    again = calibrated(runs(0.05, 0.02, seed=1))
    assert calibration.lookup(a_saved_result()).value == again.noise != first.noise
    assert calibration.lookup(a_saved_result(cores=8)).value == other.noise


def test_noise_of_repeats_and_of_runs_are_both_seen():
    quiet, repeats, apart = (
        calibrated(runs(*noise)) for noise in ((0.001, 0.001), (0.001, 0.05), (0.1, 0.001))
    )
    assert quiet.noise < 0.02
    assert repeats.noise > 0.02 and repeats.noise == max(repeats.within, repeats.between)
    assert apart.noise > 0.04 and apart.between > 0.04


def test_a_broken_file_is_named(store):
    store.parent.mkdir()
    for text in ("", "[]", '{"schema": 99}', '{"schema": 2, "calibrations": {"x": {"noise": 1}}}'):
        store.write_text(text)
        with pytest.raises(InputError, match="holds no calibrations"):
            calibration.lookup(a_saved_result())


def test_a_file_of_an_earlier_version_is_no_floor_and_says_what_to_do(store):
    store.parent.mkdir()
    store.write_text(
        '{"schema": 1, "calibrations": {"0123456789abcdef": {"noise": 0.2, "measured_at": "x"}}}'
    )
    found = calibration.lookup(a_saved_result())
    assert found.value == calibration.DEFAULT
    assert "earlier ones did not record" in found.source and "calibrate=true" in found.source
    made = calibrated(runs(0.02, 0.02))
    assert calibration.lookup(a_saved_result()).value == made.noise


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (["baseline=save"], "two commands"),
        (["scenario=offline"], "scenario=single_stream"),
        (["scenario.repeats=4"], "scenario.repeats=5 or more"),
        (["faults=slow", "faults.analyzer=steady"], "planted fault"),
        (["profile=torch"], "profiler"),
    ],
)
def test_what_cannot_be_calibrated_is_refused(tmp_path, monkeypatch, overrides, line):
    use_fakes(monkeypatch)
    prepared = session.prepare(
        config.compose("only=[steady]", "calibrate=true", *overrides), tmp_path / "run"
    )
    with pytest.raises(InputError, match=line):
        calibration.check(prepared)


def test_a_run_that_failed_leaves_the_old_calibration(store):
    calibrated(runs(0.02, 0.02))
    before = store.read_text()

    def failing(number: int):
        raise RuntimeError("the third run came to nothing")

    with pytest.raises(RuntimeError):
        calibration.calibrate(failing)
    assert store.read_text() == before


def test_a_run_that_lost_an_analyzer_is_no_calibration(store):
    with pytest.raises(Unmeasured, match=r"run 2: not every analyzer succeeded: sleeper \(timeout\)"):
        calibration.calibrate(lambda n: a_saved_result(number=n, sleeper=None if n == 2 else 2.0))
    with pytest.raises(Unmeasured, match="run 1: the run was interrupted"):
        calibration.calibrate(lambda number: a_saved_result(interrupted=True))
    assert not store.exists()


def test_other_work_may_not_be_known():
    found = calibration.calibrate(lambda n: a_saved_result(other_cores=None if n < 3 else 0.5, number=n))
    assert found.other_cores == 0.5 and found.busy
    found = calibration.calibrate(lambda number: a_saved_result(other_cores=None, number=number))
    assert found.other_cores is None and not found.busy
    shown = io.StringIO()
    report.show_calibration(found, "/a/path", Console(file=shown, width=160))
    assert "took meanwhile: not known" in shown.getvalue() and "no core counts" in shown.getvalue()
    assert "was busy" not in shown.getvalue()


def test_the_floor_is_shown_with_the_samples():
    shown = io.StringIO()
    found = calibrated([[1.0, 1.01, 0.99]] * calibration.RUNS)
    report.show_calibration(found, "/a/path", Console(file=shown, width=160))
    assert f"noise floor {found.noise:.1%} of rtf_warm" in shown.getvalue()
    assert shown.getvalue().count("0.99") >= calibration.RUNS and "/a/path" in shown.getvalue()
    assert "was busy" not in shown.getvalue()
    busy = dataclasses.replace(found, other_cores=0.9, busy=True)
    report.show_calibration(busy, "/a/path", Console(file=shown, width=160))
    assert "was busy" in shown.getvalue()
