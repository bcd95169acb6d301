"""Cuts that other changes hide, and changes that look like cuts, at several frame rates."""

from __future__ import annotations

import numpy as np
import pytest

from clipbench.analyzers.cut_analysis import CutAnalysis
from tests.support.chunks import every, fed
from tests.support.clip_views import ArrayClip
from tests.support.footage import photo, recorded, shoot

SIZE = (320, 180)
RATES = (10, 15, 30, 60)


def pan(name, fps, speed, seconds=1.0, start=-0.5):
    return shoot(photo(name), round(seconds * fps), lambda t: {"x": start + speed * t}, size=SIZE, fps=fps)


def found(frames, fps):
    """Where there are cuts, in seconds; in chunks they are the same."""
    clip, analyzer = ArrayClip(frames, float(fps)), CutAnalysis()
    segments = analyzer.analyze(clip, {})
    assert fed(analyzer, clip, {}, *every(clip, 0.7)) == segments
    return [s.start_s for s in segments if s.label in ("hard_cut", "fade")]


@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize("speed", [0.6, 1.25, 1.8])
def test_a_cut_between_quick_pans(fps, speed):
    frames = np.concatenate([pan("astronaut", fps, speed), pan("coffee", fps, -speed, start=0.5)])
    assert found(recorded(frames), fps) == pytest.approx([1.0], abs=0.01)


@pytest.mark.parametrize("fps", RATES)
def test_a_quick_pan_without_one(fps):
    for speed in (0.6, 1.25, 1.8):
        assert found(recorded(pan("coffee", fps, speed)), fps) == []


@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize("seconds", [0, 0.4, 1.4])
def test_a_black_beginning(fps, seconds):
    black = np.zeros((max(1, round(seconds * fps)), SIZE[1], SIZE[0], 3), np.uint8)
    assert found(recorded(np.concatenate([black, pan("coffee", fps, 0.1)])), fps) == []
    title = black.copy()
    title[:, 80:100, 100:220:8] = 250
    if seconds > 1:
        frames = np.concatenate([title, pan("coffee", fps, 0.1)])
        assert found(recorded(frames), fps) == pytest.approx([seconds], abs=0.04)
        assert found(recorded(frames[::-1]), fps) == pytest.approx([1.0])


@pytest.mark.parametrize("fps", RATES)
def test_a_quick_start_from_black(fps):
    frames = pan("chelsea", fps, 0.1)
    count = max(2, round(0.25 * fps))
    frames[:count] = frames[:count] * np.linspace(0, 0.9, count)[:, None, None, None]
    segments = CutAnalysis().analyze(ArrayClip(recorded(frames), float(fps)), {})
    assert [s.label for s in segments if s.label == "hard_cut"] == []


@pytest.mark.parametrize("fps", RATES)
def test_pictures_that_differ_little(fps):
    """Fog, and the slides of a talk."""
    fog = np.concatenate([pan("coffee", fps, 0.05), pan("astronaut", fps, 0.05)]) * 0.12 + 110
    assert found(recorded(fog.astype(np.uint8)), fps) == pytest.approx([1.0])
    slides = np.full((2, SIZE[1], SIZE[0], 3), 245, np.uint8)
    for row in range(20, 120, 16):
        slides[0, row : row + 8, 20 : 260 - row : 5] = 20
        slides[1, row + 24 : row + 40, 140 : 200 + row : 7] = 20
    assert found(np.repeat(slides, fps, axis=0), fps) == pytest.approx([1.0])
    slides[1] = slides[0]
    slides[1, 150:158, 20:200:5] = 20
    assert found(np.repeat(slides, fps, axis=0), fps) == []


@pytest.mark.parametrize("fps", RATES)
def test_light_and_somebody_who_passes(fps):
    frames = pan("coffee", fps, 0.05, 2.0)
    light = 1 + 0.15 * np.sin(np.arange(len(frames)) * 2.3)[:, None, None, None]
    assert found(recorded(np.clip(frames * light, 0, 255).astype(np.uint8)), fps) == []
    passing = pan("chelsea", fps, 0.0, 2.0)
    for index, frame in enumerate(passing):
        left = round((index / fps - 0.4) * 400)
        columns = slice(min(SIZE[0], max(0, left)), max(0, min(SIZE[0], left + 90)))
        frame[:, columns] = photo("astronaut")[60 : 60 + SIZE[1], 100 : 100 + columns.stop - columns.start]
    assert found(recorded(passing), fps) == []
