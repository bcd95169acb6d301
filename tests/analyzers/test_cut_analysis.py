"""Cuts and fades rendered over photographs, with noise: where they are is known to the frame."""

from __future__ import annotations

import numpy as np
import pytest

from clipbench.analyzers.cut_analysis import CutAnalysis, CutAnalysisSettings
from tests.support.clip_views import ArrayClip
from tests.support.footage import FPS, photo, recorded, shoot


@pytest.fixture(scope="module")
def analyzer():
    analyzer = CutAnalysis()
    analyzer.load()
    return analyzer


def run(analyzer, frames, fps=FPS):
    return analyzer.analyze(ArrayClip(frames, fps), {})


def times(segments, label):
    return [round(segment.start_s, 3) for segment in segments if segment.label == label]


def fade_to(frames, colour):
    weight = np.linspace(0, 1, len(frames))[:, None, None, None]
    return (frames * (1 - weight) + colour * weight).astype(np.uint8)


def test_cuts_between_moving_shots_are_found_to_the_frame(analyzer):
    shots = [
        shoot(photo("astronaut"), 40, lambda t: {"x": -0.3 + 0.4 * t}),
        shoot(photo("chelsea"), 25, lambda t: {"zoom": 1 + 0.3 * t}),
        shoot(photo("coffee"), 30),
        shoot(photo("rocket"), 25, lambda t: {"y": 0.2 * t}),
    ]
    segments = run(analyzer, recorded(np.concatenate(shots)))
    assert times(segments, "hard_cut") == [round(frame / 30, 3) for frame in (40, 65, 95)]
    assert [s.data["index"] for s in segments if s.label == "shot"] == [0, 1, 2, 3]
    assert all(s.confidence > 0.6 for s in segments if s.label == "hard_cut")
    shots = [s for s in segments if s.label == "shot"]
    assert shots[0].start_s == 0 and shots[-1].end_s == pytest.approx(4.0)


@pytest.mark.parametrize("length", [2, 3, 4])
def test_a_flash_is_no_cut(analyzer, length):
    frames = shoot(photo("coffee"), 40, lambda t: {"x": 0.2 * t})
    frames[18 : 18 + length] = 255
    segments = run(analyzer, recorded(frames))
    assert [s.label for s in segments] == ["shot"]


def test_a_flash_that_decays_is_no_cut(analyzer):
    frames = shoot(photo("chelsea"), 40)
    frames[18:26] = fade_to(frames[18:26], 255)[::-1]
    assert [s.label for s in run(analyzer, recorded(frames))] == ["shot"]


def test_a_white_frame_between_two_shots_is_one_cut(analyzer):
    frames = np.concatenate([shoot(photo("coffee"), 25), shoot(photo("rocket"), 25)])
    frames[25:27] = 255
    assert len(times(run(analyzer, recorded(frames)), "hard_cut")) == 1


def test_a_jump_within_one_photograph_is_a_cut(analyzer):
    image = photo("astronaut")
    frames = np.concatenate([shoot(image, 25, lambda _t, x=x: {"x": x}) for x in (-0.6, 0.6)])
    assert times(run(analyzer, recorded(frames)), "hard_cut") == [round(25 / 30, 3)]


@pytest.mark.parametrize("effect", ["monochrome", "blur", "bars", "brightness"])
def test_an_effect_within_a_shot_is_no_cut(analyzer, effect):
    import cv2

    frames = shoot(photo("astronaut"), 60, lambda t: {"x": 0.1 * t})
    for frame in frames[20:40]:
        if effect == "monochrome":
            frame[:] = frame.mean(axis=2, keepdims=True)
        elif effect == "blur":
            frame[:] = cv2.GaussianBlur(frame, (0, 0), 4)
        elif effect == "bars":
            frame[:40] = frame[-40:] = 0
        else:
            frame[:] = np.minimum(frame * 1.5, 255)
    assert [s.label for s in run(analyzer, recorded(frames))] == ["shot"]


def test_a_fast_pan_is_no_cut(analyzer):
    frames = shoot(photo("coffee"), 40, lambda t: {"x": -1 + 1.5 * t})
    assert times(run(analyzer, recorded(frames)), "hard_cut") == []


@pytest.mark.parametrize("colour", [0, 255])
def test_a_fade_is_one_fade(analyzer, colour):
    first, second = shoot(photo("astronaut"), 45), shoot(photo("chelsea"), 45, lambda t: {"x": 0.1 * t})
    first[30:] = fade_to(first[30:], colour)
    second[:15] = fade_to(second[:15], colour)[::-1]
    segments = run(analyzer, recorded(np.concatenate([first, second])))
    assert [s.label for s in segments] == ["shot", "fade", "shot"]
    fade = segments[1]
    assert fade.start_s == pytest.approx(1.0, abs=0.1) and fade.end_s == pytest.approx(2.0, abs=0.1)
    assert fade.data["strength"] > 0.3


def test_black_between_hard_cuts_is_no_fade(analyzer):
    frames = np.concatenate([shoot(photo("coffee"), 30), np.zeros((20, 320, 180, 3), np.uint8)])
    frames = np.concatenate([frames, shoot(photo("chelsea"), 30)])
    segments = run(analyzer, recorded(frames))
    assert times(segments, "fade") == []
    assert times(segments, "hard_cut") == [1.0, round(50 / 30, 3)]


def test_fades_from_black_and_to_black_end_the_clip(analyzer):
    frames = shoot(photo("coffee"), 60)
    frames[:12] = fade_to(frames[:12], 0)[::-1]
    frames[-12:] = fade_to(frames[-12:], 0)
    segments = run(analyzer, recorded(frames))
    assert [s.label for s in segments] == ["fade", "shot", "fade"]
    assert segments[-1].end_s == pytest.approx(2.0)


def test_the_threshold_is_a_setting():
    frames = recorded(np.concatenate([shoot(photo("coffee"), 20), shoot(photo("chelsea"), 20)]))
    assert len(times(run(CutAnalysis(), frames), "hard_cut")) == 1
    assert times(run(CutAnalysis(CutAnalysisSettings(min_score=200.0)), frames), "hard_cut") == []


@pytest.mark.parametrize("shape", [(1, 320, 180, 3), (1, 144, 176, 3), (2, 9, 16, 3), (15, 144, 176, 3)])
def test_short_and_small_clips_are_one_shot(analyzer, shape):
    for level in (0, 90, 255):
        segments = run(analyzer, np.full(shape, level, np.uint8), 25.0)
        assert [s.label for s in segments] == ["shot"]
        assert segments[0].end_s == pytest.approx(shape[0] / 25)
