"""The twenty analyzers, really: on the reference clip from the prompt, and on clips of every other kind."""

from __future__ import annotations

import dataclasses
import json
from fractions import Fraction

import pytest

from clipbench.analyzers import registry
from clipbench.bench.planning.plan import resolve_upstream
from clipbench.bench.runs import storage
from clipbench.executors import registry as executors
from clipbench.executors.layout import Group, Task
from tests.support.command_line import run
from tests.support.executors import opened
from tests.support.fake_plans import Notes, planned
from tests.support.footage import panning
from tests.support.video_files import write_clip


@pytest.fixture(scope="module")
def reference_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reference")
    return run("scenario.warmup=0", "scenario.repeats=1", f"hydra.run.dir={folder}"), folder


def test_make_run_analyzes_the_reference_clip(reference_run):
    done, folder = reference_run
    assert done.returncode == 0, done.stderr
    result = storage.read_result(folder)
    assert len(result.analyzers) == 20
    assert {name: a.status for name, a in result.analyzers.items()} == dict.fromkeys(result.analyzers, "ok")
    for name, analyzer in result.analyzers.items():
        found = json.loads((folder / "segments" / f"{name}.json").read_text())
        assert len(found) == analyzer.segments > 0, name
        assert analyzer.headline and analyzer.analyze_s, name
        assert all(0 <= s["start_s"] <= s["end_s"] <= 10.05 and s["label"] for s in found), name
        assert name in done.stdout


def test_every_analyzer_is_as_right_as_the_targets_ask(reference_run):
    result = storage.read_result(reference_run[1])
    quality = [t for t in result.targets if t.metric.startswith("quality.")]
    assert not [t for t in quality if t.status == "fail"]
    unmeasured = {t.metric.split(".")[1] for t in quality if t.status == "not_measured"}
    assert unmeasured == {name for name, a in result.analyzers.items() if a.stand_in}
    assert not [name for name, a in result.analyzers.items() if all(v is None for v in a.quality.values())]


def test_stand_ins_and_what_was_not_measured_say_so(reference_run):
    done, folder = reference_run
    result = storage.read_result(folder)
    assert {n for n, a in result.analyzers.items() if a.stand_in} == {"qwen2_vl_temporal", "speech_emotion"}
    vlm = result.metric("vlm_segments_per_second")
    assert vlm.value is None and "stand-in" in vlm.reason
    assert "stand-in" in done.stdout and "not measured" in done.stdout
    for metric in result.metrics:
        assert (metric.value is None) == bool(metric.reason), metric.name


def test_the_result_says_how_it_was_made(reference_run):
    result = storage.read_result(reference_run[1])
    assert result.run.clip.sha256 and "run.py" in result.run.command
    assert result.environment.cores_allowed and result.environment.packages["torch"]
    assert result.metric("rss_peak").value > 0.1
    assert result.telemetry.sampler.cpu_percent >= 0
    phases = {(s.analyzer, s.phase) for s in result.spans}
    assert {(name, "analyze") for name in result.analyzers} <= phases
    for analyzer in result.analyzers.values():
        for model in analyzer.model:
            assert len(analyzer.weights[model]) == 64, model


@pytest.fixture(scope="module")
def loaded():
    """All twenty, loaded once: the executor and its plan."""
    known = registry.discover()
    upstream = resolve_upstream(known)
    tasks = tuple(Task.of(cls(), upstream[name]) for name, cls in known.items())
    plan = planned([Group("all", "cpu", tasks)], "sequential", {"threads": 1})
    executor = executors.create("sequential", observer=Notes())
    executor.start(plan)
    yield executor, plan
    executor.close()


CLIPS = {
    "1080p landscape, 25 fps, sound": (1920, 1080, 50, Fraction(25), 440.0),
    "portrait, 29.97 fps, no sound": (360, 640, 60, Fraction(30000, 1001), None),
    "176x144, 25 fps, sound": (176, 144, 75, Fraction(25), 220.0),
    "144x176, 12 fps, no sound": (144, 176, 24, Fraction(12), None),
    "odd size": (351, 263, 30, Fraction(30), None),
    "a third of a second, silent": (320, 240, 10, Fraction(30), 0.0),
    "one frame": (320, 240, 1, Fraction(30), None),
    "60 fps": (320, 240, 90, Fraction(60), 330.0),
}


@pytest.mark.parametrize("kind", CLIPS)
def test_clips_of_every_kind(kind, loaded, tmp_path):
    width, height, frames, fps, tone_hz = CLIPS[kind]
    path = write_clip(tmp_path / "clip.mp4", panning(width, height, frames), fps, tone_hz)
    executor, plan = loaded
    with opened(path, plan) as clip:
        outcomes = {o.analyzer: o for o in executor.run(clip)}
    assert len(outcomes) == 20
    assert {n: o.error for n, o in outcomes.items() if o.status != "ok"} == {}
    for name, outcome in outcomes.items():
        assert outcome.segments or outcome.headline == outcome.reason, name
        for s in outcome.segments:
            assert 0 <= s.start_s <= s.end_s <= frames / float(fps) + 0.05, (name, s)
            assert s.confidence is None or 0 <= s.confidence <= 1, (name, s)
        storage.write_json(tmp_path / f"{name}.json", [dataclasses.asdict(s) for s in outcome.segments])
    if tone_hz is None:
        for name in ("speech_transcription", "speech_emotion", "audio_analysis", "audio_environment"):
            assert outcomes[name].segments == [] and "audio" in outcomes[name].reason, name
