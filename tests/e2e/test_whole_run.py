"""The twenty on the reference clip, from the prompt: all is there and right, and it is as it was recorded.

One run serves all tests on it. What was recorded is in golden/, and test_golden.py records it anew.
"""

from __future__ import annotations

import json
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from clipbench.bench.enough import ENOUGH
from clipbench.bench.runs import storage
from tests.e2e.test_golden import RUNS, changes, findings, recorded, shape, start
from tests.support.command_line import run

#: One pass, and no model is loaded only to see how long that takes.
ONCE = ("scenario.warmup=0", "scenario.repeats=1", "executor.cleanup=offload")

Run = tuple[CompletedProcess[str], Path]


def made(name: str, folder: Path) -> Run:
    """One of the recorded runs, made anew: what it printed, and its folder."""
    done = start(name, folder, *ONCE)
    assert done.returncode == 0, done.stderr
    return done, folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Run:
    return made("whole", tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def faulty(tmp_path_factory) -> Run:
    return made("faulty", tmp_path_factory.mktemp("faulty"))


@pytest.fixture(params=RUNS)
def fresh(request) -> tuple[str, dict]:
    """The name of a recorded run, and result.json of the new one."""
    _, folder = request.getfixturevalue(request.param)
    return request.param, json.loads((folder / "result.json").read_text())


def test_result_json_keeps_its_keys_and_types(fresh):
    name, result = fresh
    assert changes(recorded(f"{name}.shape.json"), shape(result)) == []


def test_a_run_finds_what_it_found(fresh):
    name, result = fresh
    assert findings(result) == recorded(f"{name}.findings.json")


def test_all_twenty_analyze_the_reference_clip(whole):
    done, folder = whole
    result = storage.read_result(folder)
    assert len(result.analyzers) == 20
    assert {name: a.status for name, a in result.analyzers.items()} == dict.fromkeys(result.analyzers, "ok")
    for name, analyzer in result.analyzers.items():
        found = json.loads((folder / "segments" / f"{name}.json").read_text())
        assert len(found) == analyzer.segments > 0, name
        assert analyzer.headline and analyzer.analyze_s, name
        assert all(0 <= s["start_s"] <= s["end_s"] <= 10.05 and s["label"] for s in found), name
        assert name in done.stdout


def test_every_analyzer_is_as_right_as_the_targets_ask(whole):
    result = storage.read_result(whole[1])
    quality = [t for t in result.targets if t.metric.startswith("quality.")]
    assert not [t for t in quality if t.status == "fail"]
    unmeasured = {t.metric.split(".")[1] for t in quality if t.status == "not_measured"}
    assert unmeasured == {name for name, a in result.analyzers.items() if a.stand_in}
    assert not [name for name, a in result.analyzers.items() if all(v is None for v in a.quality.values())]


def test_stand_ins_and_what_was_not_measured_say_so(whole):
    done, folder = whole
    result = storage.read_result(folder)
    assert {n for n, a in result.analyzers.items() if a.stand_in} == {"qwen2_vl_temporal", "speech_emotion"}
    vlm = result.metric("vlm_segments_per_second")
    assert vlm.value is None and "stand-in" in vlm.reason
    assert "stand-in" in done.stdout and "not measured" in done.stdout
    for metric in result.metrics:
        assert (metric.value is None) == bool(metric.reason), metric.name


def test_the_result_says_how_it_was_made(whole):
    result = storage.read_result(whole[1])
    assert result.run.clip.sha256 and "run.py" in result.run.command
    assert result.environment.cores_allowed and result.environment.packages["torch"]
    assert result.metric("rss_peak").value > 0.1
    assert result.telemetry.sampler.cpu_percent >= 0
    phases = {(s.analyzer, s.phase) for s in result.spans}
    assert {(name, "analyze") for name in result.analyzers} <= phases
    for analyzer in result.analyzers.values():
        for model in analyzer.model:
            assert len(analyzer.weights[model]) == 64, model


def test_without_more_words_it_is_the_reference_clip_and_the_twenty_in_one_process(tmp_path):
    """What a run does by itself, with one of the twenty, and with less time for passes than a minute."""
    done = run("only=[color_analysis]", "scenario.budget_s=1", f"hydra.run.dir={tmp_path}")
    assert done.returncode == 0, done.stderr
    result = storage.read_result(tmp_path)
    assert (result.run.executor, result.run.grouping) == ("sequential", "sequential")
    assert result.run.clip.path == "clips/reference.mp4"
    first, *others = [one.warmup for one in result.run.passes]
    assert first and not any(others) and len(others) >= ENOUGH
    assert result.analyzers["color_analysis"].quality["palette_error"] is not None
