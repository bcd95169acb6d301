"""A run with one worker is read as costs, what it does not tell as null; others are refused in one line."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from clipbench.bench.costing import from_run
from clipbench.bench.errors import InputError
from clipbench.bench.planning import cost_store
from clipbench.bench.runs import storage
from clipbench.bench.runs.results import ClipSummary, PassSummary, Result
from clipbench.executors.base import Span
from tests.support.minimal_result import a_result


def a_run() -> Result:
    """Five warm passes over ten seconds in two chunks, after a cold one that took much longer."""
    result = a_result()
    result.run.clip = ClipSummary("a.mp4", duration_s=10.0)
    result.run.settings = {"a": {"fps": 2.0}}
    result.run.other_cores = 0.0
    for number, slow in enumerate((9.0, 1.0, 1.2, 0.9, 1.1, 0.8)):
        start = 100.0 * number
        result.run.passes.append(PassSummary(number == 0, start, start + 50, "a.mp4"))
        times = [
            ("decode", "", 0, 0.4),
            ("analyze", "a", 0, 1.0),
            ("analyze", "a", 1, 2.0),
            ("analyze", "a", None, 0.5),
        ]
        at = start
        for phase, analyzer, chunk, seconds in times:
            result.spans.append(Span("main", analyzer, phase, at, at + slow * seconds, number, chunk))
            at += slow * seconds + 0.01
    return result


def written(folder: Path, result: Result) -> Path:
    return storage.write_result(result, {}, folder)


def test_warm_passes_are_read(tmp_path):
    costs = from_run.read(written(tmp_path, a_run())).costs
    cost = costs.analyzers["a"]
    assert cost.work.host.per_s == pytest.approx(0.3)
    assert cost.finish.host.per_s == pytest.approx(0.05)
    assert cost.load_s == 0.1
    assert costs.decoding.frames.per_s == pytest.approx(0.04)
    assert costs.overheads["e"].step_s == pytest.approx(0.01)
    assert costs.facts["models.a.fps"] == 2.0


def test_what_a_run_does_not_tell_is_null_with_a_reason(tmp_path):
    kept = from_run.read(written(tmp_path, a_run()))
    cost_store.write(tmp_path / "costs.json", kept)
    raw = json.loads((tmp_path / "costs.json").read_text())["costs"]
    work = raw["analyzers"]["a"]["work"]
    assert work["parallel"] is work["pressure"] is work["host"]["fixed_s"] is work["gpu"] is None
    assert raw["decoding"]["open_s"] is None and raw["overheads"]["e"]["spawn_s"] is not None
    assert all(raw["unknown"].values())
    assert cost_store.read(tmp_path / "costs.json") == kept


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"workers": 2}, "executor=sequential"),
        ({"threads": 2}, "executor.threads=1"),
        ({"profile": "torch"}, "profiler"),
        ({"passes": []}, "scenario.repeats=5"),
    ],
)
def test_runs_that_say_nothing_of_costs_are_refused(tmp_path, change, said):
    result = a_run()
    result.run = dataclasses.replace(result.run, **change)
    with pytest.raises(InputError, match=said) as caught:
        from_run.read(written(tmp_path, result))
    assert "\n" not in str(caught.value)
