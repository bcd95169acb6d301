"""Things that move before a camera at rest are not the camera; one that moves is seen behind them."""

from __future__ import annotations

import numpy as np
import pytest

from clipbench.analyzers.camera_analysis import CameraAnalysis
from tests.support.clip_views import ArrayClip
from tests.support.footage import photo, recorded, shoot

SIZE, FPS, SECONDS = (320, 180), 10, 3
SWAY, STROLL, RUN = "sway", "stroll", "run"
PATHS = {
    SWAY: lambda t: (0.5 + 0.04 * np.sin(2 * t), 6 * np.sin(2.4 * t), 1 + 0.05 * np.sin(2.9 * t)),
    STROLL: lambda t: (0.2 + 0.06 * t, 0.0, 1.0),
    RUN: lambda t: (0.1 + 0.4 * t, 2 * np.sin(9 * t), 1.0),
    "approach": lambda t: (0.5, 0.0, 1.15 ** (t - 2)),
}


def wall(texture: float) -> np.ndarray:
    """A wall in uneven light, with a texture of so many levels."""
    import cv2

    y, x = np.mgrid[0:540, 0:960]
    rough = cv2.GaussianBlur(np.random.default_rng(3).normal(0, 1, x.shape), (0, 0), 3)
    grey = 150 + 40 * x / 960 - 30 * y / 540 + texture * rough / rough.std()
    return np.repeat(grey[..., None], 3, axis=2).clip(0, 255).astype(np.uint8)


def with_person(frames: np.ndarray, path, height: float, fps: float = FPS) -> np.ndarray:
    """Somebody as high as this share of the frame, cut out of a photograph, before what `frames` show."""
    import cv2

    image = photo("astronaut")[10:, 20:360]
    mask = np.zeros(image.shape[:2], np.uint8)
    cv2.ellipse(mask, (200, 90), (75, 90), 0, 0, 360, 255, -1)
    cv2.ellipse(mask, (175, 420), (165, 260), 0, 0, 360, 255, -1)
    out = frames.copy()
    for index, frame in enumerate(out):
        x, roll, scale = path(index / fps)
        scale *= height * frame.shape[0] / image.shape[0]
        turn = cv2.getRotationMatrix2D((image.shape[1] / 2, image.shape[0]), roll, scale)
        turn[:, 2] += [x * frame.shape[1] - image.shape[1] / 2, frame.shape[0] - image.shape[0]]
        size = frame.shape[1], frame.shape[0]
        there = cv2.warpAffine(image, turn, size, flags=cv2.INTER_AREA)
        where = cv2.warpAffine(mask, turn, size)[..., None] / 255
        frame[:] = frame * (1 - where) + there * where
    return out


def run(frames, fps=FPS, **noise):
    return CameraAnalysis().analyze(ArrayClip(recorded(frames, **noise), fps), {})


def claimed(segments, *labels):
    """The share of the clip in which these labels are said, each second as much as it is believed."""
    said = sum((s.end_s - s.start_s) * s.confidence for s in segments if s.label in labels)
    return said / segments[-1].end_s


MOVES = ("pan_left", "pan_right", "tilt_up", "tilt_down", "zoom_in", "zoom_out", "roll", "shake")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("background", ["plain wall", "rough wall", "coffee"])
def test_somebody_before_a_camera_at_rest(background, path):
    behind = {"plain wall": wall(0), "rough wall": wall(5)}.get(background)
    still = shoot(photo("coffee") if behind is None else behind, SECONDS * FPS, size=SIZE, fps=FPS)
    for height in (0.6, 0.95):
        segments = run(with_person(still, PATHS[path], height))
        assert claimed(segments, *MOVES) < 0.1, (height, segments)
        assert {s.label for s in segments} == {"static"}


@pytest.mark.parametrize("fps", [15, 25, 30, 60])
def test_somebody_at_other_frame_rates(fps):
    still = shoot(wall(0), 2 * fps, size=SIZE, fps=fps)
    assert claimed(run(with_person(still, PATHS[SWAY], 0.9, fps), fps), *MOVES) < 0.1


def test_somebody_in_flickering_light():
    frames = with_person(shoot(photo("coffee"), SECONDS * FPS, size=SIZE, fps=FPS), PATHS[SWAY], 0.8)
    light = 1 + 0.06 * np.sin(np.arange(len(frames)) * 2.1)[:, None, None, None]
    assert claimed(run(np.clip(frames * light, 0, 255).astype(np.uint8)), *MOVES) < 0.1


def test_somebody_who_fills_most_of_the_frame_before_a_background_that_shows():
    still = shoot(photo("coffee"), SECONDS * FPS, size=SIZE, fps=FPS)
    assert claimed(run(with_person(still, PATHS[SWAY], 1.5)), *MOVES) < 0.1


def test_the_two_halves_of_one_shot_are_alike():
    still = shoot(wall(0), 6 * FPS, size=SIZE, fps=FPS)
    frames = recorded(with_person(still, PATHS[SWAY], 0.9))
    whole = {s.label for s in CameraAnalysis().analyze(ArrayClip(frames, FPS), {})}
    for half in (frames[: 3 * FPS], frames[3 * FPS :]):
        assert {s.label for s in CameraAnalysis().analyze(ArrayClip(half, FPS), {})} == whole


@pytest.mark.parametrize("path", [SWAY, STROLL])
@pytest.mark.parametrize("background", [wall(6), photo("coffee")], ids=["wall", "coffee"])
def test_a_camera_that_pans_behind_somebody(background, path):
    behind = shoot(background, SECONDS * FPS, lambda t: {"x": -0.3 + 0.2 * t}, size=SIZE, fps=FPS)
    segments = run(with_person(behind, PATHS[path], 0.8), sigma=1.0)
    assert claimed(segments, "pan_right") > 0.5
    assert claimed(segments, *MOVES) == pytest.approx(claimed(segments, "pan_right"))


@pytest.mark.parametrize("label", ["pan_right", "tilt_down", "zoom_in", "roll"])
def test_black_bars_do_not_hold_the_camera(label):
    moves = {
        "pan_right": lambda t: {"x": 0.15 * t},
        "tilt_down": lambda t: {"y": 0.15 * t},
        "zoom_in": lambda t: {"zoom": 1.15**t},
        "roll": lambda t: {"roll": 8 * t},
    }
    frames = shoot(photo("chelsea"), 2 * FPS, moves[label], size=SIZE, fps=FPS)
    frames[:, :26] = frames[:, -26:] = 0
    segments = run(frames)
    assert [s.label for s in segments] == [label] and segments[0].confidence > 0.6


@pytest.mark.parametrize("label", ["pan_right", "zoom_in"])
def test_a_picture_that_moves_before_a_blurred_copy_of_itself(label):
    """The usual way in which landscape pictures are shown in portrait video."""
    import cv2

    camera = {"pan_right": lambda t: {"x": 0.15 * t}, "zoom_in": lambda t: {"zoom": 1.2**t}}[label]
    inner = shoot(photo("chelsea"), 2 * FPS, camera, size=(180, 120), fps=FPS)
    around = cv2.GaussianBlur(cv2.resize(photo("chelsea"), (180, 320)), (0, 0), 12)
    frames = np.repeat(around[None], len(inner), axis=0)
    frames[:, 100:220] = inner
    segments = run(frames)
    assert [s.label for s in segments] == [label] and segments[0].confidence > 0.6


def test_nobody_knows_whether_a_plain_wall_moves():
    segments = run(shoot(wall(0), 2 * FPS, lambda t: {"x": 0.2 * t}, size=SIZE, fps=FPS))
    assert [s.label for s in segments] == ["static"] and segments[0].confidence < 0.1
