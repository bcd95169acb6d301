"""What every analyzer keeps that the registry finds, embedded or production, on a clip of two seconds."""

from __future__ import annotations

import dataclasses
import json
import pickle
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
import pytest

from clipbench.analyzers import registry, threads
from clipbench.analyzers.base import ALL, Analyzer, FrameRequest, Needs, NothingToAnalyze, Segment
from clipbench.analyzers.production.text_overlay import EasyOcr
from tests.support.clip_views import ArrayClip
from tests.support.footage import photo, shoot
from tests.support.sounds import RATE, recording

CLASSES = {
    **{f"embedded-{name}": cls for name, cls in registry.discover().items()},
    **{f"production-{name}": cls for name, cls in registry.back_ends().items()},
}
SECONDS, FPS = 2, 8
PERSON = {"box": [0.2, 0.1, 0.8, 0.9]}
#: Results that other analyzers could have for the clip.
RESULTS = {
    "object_detection": [Segment(0.0, 2.0, "person", 0.9, PERSON)],
    "camera_analysis": [Segment(0.0, 2.0, "pan_left", 0.8)],
    "text_overlay": [Segment(0.5, 1.5, "HELLO", 0.9, PERSON)],
    "cut_analysis": [Segment(0.0, 2.0, "shot", None, {"index": 0})],
    "scene_segmentation": [Segment(0.0, 2.0, "scene", None, {"index": 0, "distance": None})],
    "age_estimation": [Segment(0.0, 2.0, "female", 0.9, {"age": 30.0} | PERSON)],
    "speech_transcription": [
        Segment(0.2, 0.9, "Hello there.", 0.9, {"words": [{"word": "Hello", "start_s": 0.2, "end_s": 0.9}]})
    ],
    "qwen2_vl_temporal": [
        Segment(float(s), s + 1.0, "A person.", None, {"subjects": ["person"], "motion": None})
        for s in range(2)
    ],
    "audio_environment": [Segment(0.0, 1.0, "Speech", 0.9, {"tags": [{"tag": "Speech", "score": 0.9}]})],
}


class AskedClip(ArrayClip):
    """A clip that holds only what `needs` asks for, and notes what was read."""

    def __init__(self, needs: Needs, frames: np.ndarray, audio: np.ndarray | None) -> None:
        super().__init__(frames, fps=FPS, audio=audio)
        self.needs = needs
        self.read: set[FrameRequest | str] = set()

    def frames(self, fps, size):
        if FrameRequest(fps, size) not in self.needs.frames:
            raise KeyError(f"frames at {fps} per second and size {size} were not asked for")
        self.read.add(FrameRequest(fps, size))
        return super().frames(fps, size)

    def audio(self):
        if not self.needs.audio:
            raise KeyError("sound was not asked for")
        self.read.add("audio")
        return super().audio()


class Analysis(NamedTuple):
    """A loaded analyzer, the clip that it has read, and what it found."""

    analyzer: Analyzer
    clip: AskedClip
    segments: list[Segment]


def make(cls: type[Analyzer]) -> Analyzer:
    """The analyzer under its defaults, a production back end as the small network with random weights."""
    if cls in registry.back_ends().values():
        return cls(cls.settings_type(profile="random", model_size="tiny"))
    return cls()


def clip_for(analyzer: Analyzer) -> AskedClip:
    """Two seconds of a portrait under a moving camera, with bars, a caption and somebody who reads."""
    return AskedClip(analyzer.needs(), footage(), recording("austen")[: SECONDS * RATE])


@cache
def footage() -> np.ndarray:
    frames = shoot(photo("astronaut"), SECONDS * FPS, lambda t: {"x": 0.1 * t, "y": -0.1}, fps=FPS)
    frames[:, :30] = frames[:, -30:] = 0
    for frame in frames:
        cv2.putText(frame, "GOOD DAY", (12, 280), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (255, 255, 255), 3)
    frames.flags.writeable = False  # as the frames of a clip are
    return frames


def upstream_of(analyzer: Analyzer) -> dict[str, list[Segment]]:
    """The results that the analyzer reads."""
    names = RESULTS if analyzer.upstream == (ALL,) else analyzer.upstream
    return {name: RESULTS[name] for name in names if name != analyzer.name}


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    threads.limit(1)
    yield
    threads.limit(None)


@pytest.fixture(scope="module", params=CLASSES)
def analysis(request: pytest.FixtureRequest) -> Iterator[Analysis]:
    analyzer = make(CLASSES[request.param])
    try:
        analyzer.load("cpu")
    except ModuleNotFoundError as missing:
        pytest.skip(f"{missing.name} is not installed")
    clip = clip_for(analyzer)
    yield Analysis(analyzer, clip, analyzer.analyze(clip, upstream_of(analyzer)))
    analyzer.unload()


@pytest.mark.parametrize("cls", CLASSES.values(), ids=CLASSES)
def test_its_name_is_that_of_its_file_and_it_says_what_it_is(cls):
    assert cls.__module__.rsplit(".", 1)[1] == cls.name
    assert cls.__doc__


@pytest.mark.parametrize("cls", CLASSES.values(), ids=CLASSES)
def test_its_settings_have_help_and_their_defaults_are_within_their_ranges(cls):
    settings = cls.settings_type()
    assert pickle.loads(pickle.dumps(settings)) == settings
    for field in dataclasses.fields(settings):
        if not field.metadata:  # set by the plan, and not by the user
            assert field.name in ("profile", "model_size")
            continue
        value, low, high = getattr(settings, field.name), field.metadata["low"], field.metadata["high"]
        assert field.metadata["help"], field.name
        assert type(value).__name__ == field.type, field.name
        assert low is None or low <= value, field.name
        assert high is None or value <= high, field.name


@pytest.mark.parametrize("cls", CLASSES.values(), ids=CLASSES)
def test_it_reads_analyzers_that_exist(cls):
    assert cls.upstream == (ALL,) or set(cls.upstream) <= registry.discover().keys() - {cls.name}


def test_it_reads_of_the_clip_what_it_asked_for(analysis):
    needs = analysis.analyzer.needs()
    assert analysis.clip.read == {*needs.frames, *(["audio"] if needs.audio else [])}


def test_its_segments_are_in_order_within_the_clip_and_json(analysis):
    assert analysis.segments or isinstance(analysis.analyzer, EasyOcr)  # random weights read no words
    starts = [segment.start_s for segment in analysis.segments]
    assert starts == sorted(starts)
    for segment in analysis.segments:
        assert 0 <= segment.start_s <= segment.end_s <= SECONDS + 1e-6
        assert segment.label and isinstance(segment.label, str)
        assert segment.confidence is None or 0 <= segment.confidence <= 1
        assert json.loads(json.dumps(segment.data, allow_nan=False)) == segment.data


def test_its_headline_is_a_line_and_its_facts_are_json(analysis):
    if analysis.segments:
        headline = analysis.analyzer.headline(analysis.segments)
        assert isinstance(headline, str) and "\n" not in headline
    json.dumps(dict(analysis.analyzer.facts()), allow_nan=False)


def test_a_single_silent_frame_is_no_failure(analysis):
    clip = AskedClip(analysis.analyzer.needs(), footage()[:1], None)
    try:
        segments = analysis.analyzer.analyze(clip, {})
    except NothingToAnalyze as reason:
        assert str(reason)
    else:
        assert all(0 <= s.start_s <= s.end_s <= clip.duration_s + 1e-6 for s in segments)


def test_it_finds_the_same_after_it_was_parked_and_after_it_was_loaded_again(analysis):
    analyzer = analysis.analyzer
    analyzer.offload()
    analyzer.wake()
    assert analyzer.analyze(clip_for(analyzer), upstream_of(analyzer)) == analysis.segments
    analyzer.unload()
    analyzer.load("cpu")
    assert analyzer.analyze(clip_for(analyzer), upstream_of(analyzer)) == analysis.segments
