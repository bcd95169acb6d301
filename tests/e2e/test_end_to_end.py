"""The twenty analyzers, really, on clips of every kind; test_whole_run.py has the reference clip."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import pytest

from clipbench.analyzers import registry
from clipbench.bench.planning.plan import resolve_upstream
from clipbench.bench.runs import storage
from clipbench.executors import registry as executors
from clipbench.executors.layout import Group, Task
from tests.support.executors import opened
from tests.support.fake_plans import Notes, planned
from tests.support.footage import panning
from tests.support.video_files import write_clip


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
