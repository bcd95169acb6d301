"""Camera moves rendered over photographs, with noise: the motion is known for every second."""

from __future__ import annotations

import numpy as np
import pytest

from clipbench.analyzers.camera_analysis import CameraAnalysis, CameraAnalysisSettings
from tests.support.clip_views import ArrayClip
from tests.support.footage import photo, recorded, shoot

MOVES = {
    "static": lambda t: {},
    "pan_right": lambda t: {"x": -0.2 + 0.2 * t},
    "pan_left": lambda t: {"x": 0.3 - 0.5 * t},
    "tilt_down": lambda t: {"y": 0.1 * t},
    "tilt_up": lambda t: {"y": -0.3 * t},
    "zoom_in": lambda t: {"zoom": 1.1**t},
    "zoom_out": lambda t: {"zoom": 1.5 - 0.2 * t},
    "roll": lambda t: {"roll": 8 * t},
}


def shot(name, camera, seconds=1.5, **options):
    return recorded(shoot(photo(name), round(10 * seconds), camera, fps=10, **options))


def run(frames, settings=None, fps=10.0):
    return CameraAnalysis(settings).analyze(ArrayClip(frames, fps), {})


def captioned(frames):
    import cv2

    frames = frames.copy()
    for frame in frames:
        cv2.rectangle(frame, (4, 228), (176, 292), (20, 20, 20), -1)
        for line, y in (("A CAPTION STAYS", 250), ("WHERE IT IS 123", 280)):
            cv2.putText(frame, line, (8, y), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (255, 255, 255), 2)
    return frames


@pytest.mark.parametrize("overlay", [False, True])
@pytest.mark.parametrize("name", ["astronaut", "coffee"])
def test_each_move_is_named(name, overlay):
    for label, camera in MOVES.items():
        frames = shot(name, camera)
        segments = run(captioned(frames) if overlay else frames)
        assert [s.label for s in segments] == [label], label
        assert segments[0].end_s == pytest.approx(1.5)
        assert segments[0].confidence > (0.4 if overlay else 0.6)


def test_the_rates_are_those_of_the_camera():
    (pan,) = run(shot("chelsea", lambda t: {"x": 0.2 * t}))
    assert pan.data["dx_per_s"] == pytest.approx(-0.2, abs=0.005)
    (zoom,) = run(shot("astronaut", lambda t: {"zoom": 1.25**t}))
    assert zoom.data["scale_per_s"] == pytest.approx(1.25, abs=0.01)
    (roll,) = run(shot("coffee", lambda t: {"roll": 8 * t}))
    assert roll.data["roll_deg_per_s"] == pytest.approx(8, abs=0.2)


def test_a_zoom_about_an_edge_is_a_zoom_and_a_pan_with_a_little_zoom_a_pan():
    about_the_top = shot("astronaut", lambda t: {"zoom": 1.3**-t, "y": -0.5 * (1 - 1.3**-t)})
    assert [s.label for s in run(about_the_top)] == ["zoom_out"]
    (drift,) = run(shot("astronaut", lambda t: {"zoom": 1.04**t, "x": 0.2 * t}))
    assert drift.label == "pan_right"


def test_shots_are_kept_apart_and_moves_change_within_one():
    first = shot("astronaut", lambda t: {"x": 0.3 * min(t, 1)}, seconds=2)
    second = shot("chelsea", lambda t: {"x": 0.3 * t}, seconds=1)
    third = shot("coffee", lambda t: {"zoom": 1.2**t}, seconds=1)
    segments = run(np.concatenate([first, second, third]))
    assert [s.label for s in segments] == ["pan_right", "static", "pan_right", "zoom_in"]
    starts = [0, 1, 2, 3]
    assert [s.start_s for s in segments] == pytest.approx(starts, abs=0.15)
    assert [s.start_s for s in segments[2:]] == pytest.approx([2, 3])


def test_a_shaking_camera():
    rng = np.random.default_rng(1)
    jitter = rng.normal(0, 0.02, (40, 2))
    frames = shot("chelsea", lambda t: dict(zip("xy", jitter[round(10 * t)], strict=True)), seconds=3)
    assert [s.label for s in run(frames)] == ["shake"]


def test_someone_moving_before_a_still_camera_is_no_pan():
    scene = shoot(photo("chelsea"), 15, fps=10)
    for index in range(15):
        scene[index, 120:200, 5 + 6 * index : 65 + 6 * index] = photo("astronaut")[20:180:2, 160:280:2]
    assert [s.label for s in run(recorded(scene))] == ["static"]


def test_a_flash_interrupts_no_pan():
    frames = shot("coffee", lambda t: {"x": 0.2 * t})
    frames[7] = 255
    assert [s.label for s in run(frames)] == ["pan_right"]


def test_black_is_no_evidence_of_rest():
    black = recorded(np.zeros((10, 320, 180, 3), np.uint8), sigma=3)
    segments = run(np.concatenate([shot("coffee", MOVES["static"]), black]))
    assert [(s.label, s.confidence > 0.5) for s in segments] == [("static", True), ("static", False)]
    assert segments[1].confidence == 0


def test_what_counts_as_rest_is_a_setting():
    frames = shot("chelsea", lambda t: {"x": 0.05 * t})
    assert run(frames)[0].label == "pan_right"
    assert run(frames, CameraAnalysisSettings(still=0.1))[0].label == "static"


@pytest.mark.parametrize("shape", [(1, 320, 180), (1, 144, 176), (2, 9, 16), (5, 144, 176), (5, 180, 320)])
def test_short_small_and_plain_clips(shape):
    for level in (0, 128, 255):
        segments = run(np.full((*shape, 3), level, np.uint8))
        assert [(s.label, s.confidence) for s in segments] == [("static", 0.0)]
    noise = np.random.default_rng(0).integers(0, 255, (*shape, 3), np.uint8)
    assert run(noise)[-1].end_s == pytest.approx(shape[0] / 10)


def test_a_small_landscape_clip():
    frames = shot("coffee", lambda t: {"x": 0.15 * t}, size=(176, 144))
    assert [s.label for s in run(frames)] == ["pan_right"]
