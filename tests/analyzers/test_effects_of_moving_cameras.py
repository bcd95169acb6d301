"""Plain footage in which something blurs, stops or is dark without an effect."""

from __future__ import annotations

import numpy as np
import pytest

from clipbench.analyzers.visual_effects import VisualEffects
from tests.support.clip_views import ArrayClip
from tests.support.footage import FPS, photo, recorded, shoot

WIDE = (320, 180)


def labels(frames, fps=FPS):
    analyzer = VisualEffects()
    analyzer.load()
    return [segment.label for segment in analyzer.analyze(ArrayClip(frames, fps), {})]


def panned(name, steps, shutter=0.0):
    """A pan by so many pixels from frame to frame, blurred by a shutter open for this share of a frame."""
    import cv2

    wide = cv2.resize(photo(name), (640, 400))
    wide = np.concatenate([wide, wide[:, ::-1]] * 2, axis=1)
    frames = []
    for left, step in zip(np.cumsum(steps), steps, strict=True):
        parts = [wide[100:280, int(left + step * shutter * part / 8) :][:, :320] for part in range(8)]
        frames.append(np.mean(parts, axis=0).astype(np.uint8))
    return np.stack(frames)


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "rocket"])
@pytest.mark.parametrize("top", [30, 60])
def test_motion_blur_of_a_quick_pan_is_no_effect(name, top):
    steps = 1 + top * np.exp(-(((np.arange(60) - 30) / 7.0) ** 2))
    assert "blur" not in labels(recorded(panned(name, steps, shutter=0.6)))


def test_a_pan_to_what_is_out_of_focus_is_no_blur():
    import cv2

    sharp = cv2.resize(photo("coffee"), (520, 180))
    scene = np.concatenate([sharp, cv2.GaussianBlur(sharp, (0, 0), 8)], axis=1)
    frames = np.stack([scene[:, 8 * index :][:, :320] for index in range(60)])
    assert "blur" not in labels(recorded(frames))


@pytest.mark.parametrize("ground", [60, 150, 230])
@pytest.mark.parametrize("sigma", [0.5, 2.0, 5.0])
def test_the_noise_around_one_thing_on_a_wall_is_no_blur(ground, sigma):
    frames = np.full((50, 180, 320, 3), ground, np.uint8)
    frames[:, 70:100, 140:190] = (200, 40, 40)
    noisy = recorded(frames, sigma=sigma)
    noisy[25:] = recorded(frames[25:], sigma=sigma / 5, quality=60)
    assert "blur" not in labels(noisy)


@pytest.mark.parametrize("slowing", [15, 25])
def test_a_camera_that_comes_to_rest_is_no_freeze(slowing):
    steps = np.interp(np.arange(60), [0, 10, 10 + slowing], [8.0, 8.0, 0.0])
    assert "freeze" not in labels(panned("chelsea", np.round(steps)))


@pytest.mark.parametrize("levels", [(6, 14), (14, 4)])
def test_a_night_sky_over_a_dark_street_is_no_letterbox(levels):
    frames = shoot(photo("coffee"), 20, lambda t: {"x": 0.2 * t}, size=WIDE)
    frames[:, :28], frames[:, -30:] = levels[0], levels[1]
    assert "letterbox" not in labels(recorded(frames))


# A thin post at rest is not told from a seam, as seams.py says.
@pytest.mark.parametrize(("thick", "pan"), [(9, 0.0), (14, 0.0), (4, 0.3), (9, 0.3), (14, 0.3)])
def test_the_post_of_a_window_does_not_split_the_picture(thick, pan):
    frames = shoot(photo("coffee"), 30, lambda t: {"x": pan * t}, size=WIDE)
    frames[:, :, 160 - thick // 2 : 160 + thick // 2] = 50
    assert "split_screen" not in labels(recorded(frames))
