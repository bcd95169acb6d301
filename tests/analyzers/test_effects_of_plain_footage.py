"""What looks like an effect and is none: nearly colourless scenes, level horizons, plain things."""

from __future__ import annotations

import numpy as np
import pytest

from clipbench.analyzers.visual_effects import VisualEffects
from tests.support.clip_views import ArrayClip
from tests.support.footage import FPS, photo, recorded, shoot

WIDE = (320, 180)
RED, BLUE, ORANGE = (190, 40, 45), (45, 70, 170), (225, 120, 40)


def labels(frames, fps=FPS):
    return [segment.label for segment in found(frames, fps)]


def found(frames, fps=FPS):
    analyzer = VisualEffects()
    analyzer.load()
    return analyzer.analyze(ArrayClip(frames, fps), {})


def snow(count, ground=225):
    """A slope without a colour, with shades and some texture: uint8 `[count, 180, 320, 3]`."""
    texture = shoot(photo("coffee"), 1, size=WIDE)[0].mean(axis=2)
    shade = np.linspace(0, -50, 320)[None] + 0.15 * (texture - texture.mean())
    frame = np.clip(ground + shade, 0, 255).astype(np.uint8)
    return np.repeat(np.repeat(frame[None, ..., None], 3, axis=3), count, axis=0)


def walker(frame, left, top, height, colour):
    """Somebody in coloured clothes, as wide as 0.45 of the height."""
    width = max(2, round(0.45 * height))
    body = slice(top + height // 6, top + round(0.6 * height))
    frame[body, max(0, left) : max(0, left + width)] = colour
    frame[body.stop : top + height, max(0, left + 1) : max(0, left + width - 1)] = 35
    frame[top : body.start, max(0, left + width // 3) : max(0, left + 2 * width // 3)] = (200, 150, 120)
    return frame


@pytest.mark.parametrize("ground", [225, 120])
@pytest.mark.parametrize("height", [16, 22, 34])
@pytest.mark.parametrize("colour", [RED, BLUE, ORANGE])
def test_small_people_in_colour_make_snow_colour_footage(ground, height, colour):
    frames = snow(15, ground)
    for index, frame in enumerate(frames):
        walker(frame, 60 + index, 50, height, colour)
        walker(frame, 220 - index, 110, height, colour)
    assert labels(recorded(frames)) == []


def test_a_scene_that_somebody_in_colour_leaves_did_not_lose_its_colours():
    frames = snow(50)
    for index, frame in enumerate(frames):
        walker(frame, 100 - 4 * index, 60, 60, RED)
    assert labels(recorded(frames)) == []


def test_a_pan_from_colours_to_a_white_wall_is_no_effect():
    scene = np.concatenate([shoot(photo("coffee"), 1, size=WIDE)[0], snow(1)[0], snow(1)[0]], axis=1)
    frames = np.stack([scene[:, min(640, 16 * index) :][:, :320] for index in range(60)])
    assert "monochrome" not in labels(recorded(frames))


@pytest.mark.parametrize("tint", [(1.0, 0.62, 0.55), (1.0, 0.86, 0.66), (0.75, 0.95, 1.1)])
@pytest.mark.parametrize("name", ["astronaut", "coffee", "rocket"])
def test_a_tint_over_muted_colours_leaves_colours(name, tint):
    frames = shoot(photo(name), 15, lambda t: {"x": 0.2 * t}, size=WIDE)
    grey = frames.mean(axis=3, keepdims=True)
    assert labels(recorded(np.clip((grey + (frames - grey) * 0.5) * tint, 0, 255).astype(np.uint8))) == []


@pytest.mark.parametrize("before", ["snow", "rocket"])
def test_a_tint_does_not_reach_into_the_shot_before(before):
    first = snow(30)
    for index, frame in enumerate(first):
        walker(frame, 60 + index, 50, 24, RED)
    if before == "rocket":
        first = shoot(photo("rocket"), 30, lambda t: {"x": 0.2 * t}, size=WIDE)
    second = shoot(photo("chelsea"), 30, lambda t: {"x": 0.2 * t}, size=WIDE)
    second = (second.mean(axis=3, keepdims=True) * (1.0, 0.86, 0.66)).astype(np.uint8)
    segments = found(recorded(np.concatenate([first, second])))
    assert [(s.label, s.start_s) for s in segments] == [("monochrome", pytest.approx(1.0, abs=0.01))]


@pytest.mark.parametrize("tint", [(1.0, 1.0, 1.0), (1.0, 0.86, 0.66)])
def test_coloured_letters_leave_a_grey_picture_monochrome(tint):
    import cv2

    frames = shoot(photo("chelsea"), 15, lambda t: {"x": 0.2 * t}, size=WIDE).mean(axis=3, keepdims=True)
    frames = (frames * tint).astype(np.uint8)
    for frame in frames:
        cv2.putText(frame, "SALE 50% OFF", (30, 160), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (255, 220, 0), 2)
    assert labels(recorded(frames)) == ["monochrome"]


def horizon(at, count=30, pan=0.0, sway=0.0, waves=0.0):
    """Sky over a darker sea, parted by a line at the share `at` of the height, which moves as the picture."""
    import cv2

    sea = cv2.resize(photo("chelsea"), (640, 400)) * 0.25 + (20, 45, 60)
    sky = cv2.GaussianBlur(cv2.resize(photo("rocket"), (640, 400)), (0, 0), 30) * 0.5 + (120, 140, 160)
    frames = np.empty((count, 180, 320, 3), np.uint8)
    for index, frame in enumerate(frames):
        line = round(180 * at + sway * np.sin(index))
        left = round(pan * index)
        frame[:line] = sky[200 - line : 200, left : left + 320]
        frame[line:] = sea[: 180 - line, left : left + 320]
        rows = np.arange(line + 6, 180)
        frame[rows] = np.clip(frame[rows] + waves * np.sin(rows / 4 + index)[:, None, None], 0, 255)
    return frames


@pytest.mark.parametrize("at", [1 / 3, 1 / 2, 2 / 3])
@pytest.mark.parametrize("moves", [{}, {"pan": 3.0}, {"pan": 5.0, "sway": 1.0}, {"waves": 12.0}])
def test_a_level_horizon_does_not_split_the_picture(at, moves):
    frames = horizon(at, **moves)
    assert "split_screen" not in labels(recorded(frames))
    assert "split_screen" not in labels(recorded(frames.transpose(0, 2, 1, 3)))


@pytest.mark.parametrize("speeds", [(0.0, 0.0), (0.3, -0.2), (0.3, 0.0)])
@pytest.mark.parametrize("upright", [False, True])
def test_two_pictures_split_the_screen_at_rest_and_moving(speeds, upright):
    size = (160, 180) if upright else (320, 90)
    halves = [
        shoot(photo(name), 30, lambda t, speed=speed: {"x": speed * t}, size=size)
        for name, speed in zip(("astronaut", "coffee"), speeds, strict=True)
    ]
    assert labels(recorded(np.concatenate(halves, axis=2 if upright else 1))) == ["split_screen"]
