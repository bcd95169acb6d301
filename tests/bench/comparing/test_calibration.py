"""The noise floor of a machine: what it is made from, kept under, and found by."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console

from clipbench.bench.comparing import calibration
from clipbench.bench.errors import InputError
from clipbench.bench.runs.remeasure import Unmeasured
from clipbench.bench.runs.results import ClipSummary, GpuSummary
from clipbench.executors.faults import Fault
from clipbench.reports.comparison import baseline_console as report
from tests.bench.comparing.test_baseline import made
from tests.support.fakes import plan, use_fakes


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    path = tmp_path / "outputs" / "calibration.json"
    monkeypatch.setattr(calibration, "store", path)
    return path


def runs(between: float, within: float, seed: int = 0) -> list[list[float]]:
    rng = np.random.default_rng(seed)
    middles = np.exp(rng.normal(0, between, (calibration.RUNS, 1)))
    return (middles * np.exp(rng.normal(0, within, (calibration.RUNS, 3)))).tolist()


def calibrated(samples: list[list[float]]) -> dict:
    return calibration.calibrate(lambda number: made(samples[number - 1], number))


def test_without_a_calibration_the_default_and_what_to_do():
    noise, why = calibration.lookup(calibration.key_of(made()))
    assert noise == calibration.DEFAULT
    assert why == "not calibrated on this machine: python run.py calibrate=true"


def test_what_was_calibrated_is_found_again(store):
    found = calibrated(runs(0.02, 0.02))
    noise, why = calibration.lookup(calibration.key_of(made(number=9)))
    assert noise == found["noise"] and why == "calibrated on 2026-01-01T00:00:00+00:00"
    kept = json.loads(store.read_text())["calibrations"]
    assert [len(run) for entry in kept.values() for run in entry["runs"]] == [3] * calibration.RUNS


@pytest.mark.parametrize(
    "other",
    [
        {"environment": {"cpu": "Another"}},
        {"environment": {"cores_allowed": 64}},
        {"environment": {"gpus": [GpuSummary(name="NVIDIA H100", memory_gb=80)]}},
        {"run": {"clip": ClipSummary("a.mp4", "1" * 64)}},
        {"run": {"grouping": "staged"}},
        {"run": {"executor": "threads"}},
        {"run": {"models": "random"}},
        {"run": {"threads": 1}},
    ],
)
def test_a_calibration_holds_for_what_it_was_made_of(other):
    calibrated(runs(0.02, 0.02))
    result = made()
    for part, changes in other.items():
        for name, value in changes.items():
            setattr(getattr(result, part), name, value)
    assert calibration.lookup(calibration.key_of(result))[1].startswith("not calibrated")
    assert calibration.lookup(calibration.key_of(made(late=1.0)))[1].startswith("not calibrated")


def test_several_are_kept_and_the_newest_of_each():
    first = calibrated(runs(0.02, 0.02))
    other = calibration.calibrate(lambda number: made(runs(0.01, 0.05)[number - 1], number, cores=8))
    again = calibrated(runs(0.05, 0.02, seed=1))
    assert calibration.lookup(first["key"])[0] == again["noise"] != first["noise"]
    assert calibration.lookup(other["key"])[0] == other["noise"]


def test_noise_of_repeats_and_of_runs_are_both_seen():
    quiet = calibration.floors(runs(0.001, 0.001))
    repeats = calibration.floors(runs(0.001, 0.05))
    apart = calibration.floors(runs(0.1, 0.001))
    assert quiet["noise"] < 0.02
    assert repeats["noise"] > 0.02 and repeats["noise"] == max(repeats["within"], repeats["between"])
    assert apart["noise"] > 0.04 and apart["between"] > 0.04


def test_a_broken_file_is_named(store):
    store.parent.mkdir()
    for text in ("", "[]", '{"schema": 99}'):
        store.write_text(text)
        with pytest.raises(InputError, match="holds no calibrations"):
            calibration.lookup(calibration.key_of(made()))


def test_what_cannot_be_calibrated_is_refused(monkeypatch):
    use_fakes(monkeypatch)

    def refused(baseline=None, name="single_stream", repeats=3, **options) -> str:
        cfg = SimpleNamespace(baseline=baseline, scenario=SimpleNamespace(name=name, repeats=repeats))
        with pytest.raises(InputError) as error:
            calibration.check(SimpleNamespace(cfg=cfg, plan=plan("steady", **options)))
        return str(error.value)

    assert "two commands" in refused(baseline="save")
    assert "scenario=single_stream" in refused(name="offline")
    assert "scenario.repeats=2 or more" in refused(repeats=1)
    assert "planted fault" in refused(faults=(Fault("slow", "steady"),))
    assert "profiler" in refused(profile=("torch", ""))


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
        calibration.calibrate(lambda number: made(number=number, sleeper=None if number == 2 else 2.0))
    with pytest.raises(Unmeasured, match="run 1: the run was interrupted"):
        calibration.calibrate(lambda number: made(interrupted=True))
    assert not store.exists()


def test_other_work_may_not_be_known():
    found = calibration.calibrate(lambda number: made(other_cores=None if number < 3 else 0.5, number=number))
    assert found["other_cores"] == 0.5 and found["busy"]
    found = calibration.calibrate(lambda number: made(other_cores=None, number=number))
    assert found["other_cores"] is None and not found["busy"]
    shown = io.StringIO()
    report.show_calibration(found, "/a/path", Console(file=shown, width=160))
    assert "took meanwhile: not known" in shown.getvalue() and "no core counts" in shown.getvalue()
    assert "was busy" not in shown.getvalue()


def test_the_floor_is_shown_with_the_samples():
    shown = io.StringIO()
    found = calibrated([[1.0, 1.01, 0.99]] * calibration.RUNS)
    report.show_calibration(found, "/a/path", Console(file=shown, width=160))
    assert f"noise floor {found['noise']:.1%} of rtf_warm" in shown.getvalue()
    assert shown.getvalue().count("0.99") >= calibration.RUNS and "/a/path" in shown.getvalue()
    assert "was busy" not in shown.getvalue()
    found |= {"other_cores": 0.9, "busy": True}
    report.show_calibration(found, "/a/path", Console(file=shown, width=160))
    assert "was busy" in shown.getvalue()
