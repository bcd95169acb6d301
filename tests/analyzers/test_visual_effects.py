"""Effects rendered over photographs: each is found in its place, and nothing where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from clipbench.analyzers.visual_effects import VisualEffects, VisualEffectsSettings
from tests.support.clip_views import ArrayClip
from tests.support.footage import FPS, photo, recorded, shoot

PHOTOS = ("astronaut", "chelsea", "coffee", "rocket")


def run(frames, settings=None, fps=FPS):
    analyzer = VisualEffects(settings)
    analyzer.load()
    return analyzer.analyze(ArrayClip(frames, fps), {})


def pan(name, count=60, speed=0.2, **options):
    return shoot(photo(name), count, lambda t: {"x": speed * t}, **options)


def assert_one(segments, label, start_s, end_s, tolerance=0.07):
    assert [s.label for s in segments] == [label]
    assert segments[0].start_s == pytest.approx(start_s, abs=tolerance)
    assert segments[0].end_s == pytest.approx(end_s, abs=tolerance)
    assert 0.5 <= segments[0].confidence <= 1 and 0 < segments[0].data["strength"] <= 1


def captioned(frames):
    import cv2

    frames = frames.copy()
    for frame in frames:
        cv2.putText(frame, "SALE 50% OFF", (8, 270), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (255, 220, 0), 2)
    return frames


@pytest.mark.parametrize("name", PHOTOS)
def test_nothing_in_plain_shots(name):
    for camera in (lambda t: {}, lambda t: {"x": 0.3 * t}, lambda t: {"zoom": 1 + 0.3 * t}):
        assert run(recorded(captioned(shoot(photo(name), 40, camera)))) == []


def test_nothing_in_cuts():
    frames = np.concatenate([pan(name, 20) for name in PHOTOS])
    assert run(recorded(frames)) == []


@pytest.mark.parametrize("length", [2, 4, 6])
def test_flash(length):
    frames = pan("coffee")
    frames[30 : 30 + length] = 255
    assert_one(run(recorded(frames)), "flash", 1.0, 1 + length / 30, 0.01)


def test_flash_that_decays():
    frames = pan("astronaut").astype(float)
    for index, weight in enumerate(np.linspace(0.9, 0.1, 9)):
        frames[30 + index] += (255 - frames[30 + index]) * weight
    assert_one(run(recorded(frames.astype(np.uint8))), "flash", 1.0, 1.2, 0.1)


@pytest.mark.parametrize("colour", [0, 255])
def test_fades(colour):
    first, second = pan("chelsea", 45), pan("astronaut", 45)
    weight = np.linspace(0, 1, 15)[:, None, None, None]
    first[30:] = first[30:] * (1 - weight) + colour * weight
    second[:15] = second[:15] * weight + colour * (1 - weight)
    segments = run(recorded(np.concatenate([first, second])))
    assert [s.label for s in segments] == ["fade_out", "fade_in"]
    assert [s.start_s for s in segments] == pytest.approx([1, 1.5], abs=0.1)
    assert [s.end_s for s in segments] == pytest.approx([1.5, 2], abs=0.1)


@pytest.mark.parametrize("name", PHOTOS)
def test_freeze(name):
    frames = recorded(pan(name, 75))
    frames[20:40] = frames[20]
    noise = np.random.default_rng(0).integers(0, 2, frames[20:40].shape, np.uint8)
    # What a codec leaves of a repeated frame differs by a level here and there.
    frames[20:40] = np.minimum(frames[20:40], 254) + noise * (noise[..., :1] > 0)
    assert_one(run(frames), "freeze", 20 / 30, 40 / 30, 0.04)


def test_rest_is_no_freeze():
    still = shoot(photo("coffee"), 30)
    assert run(recorded(still)) == []
    assert run(still) == []
    assert run(recorded(np.concatenate([pan("coffee", 30), still]))) == []
    still[:15] = still[:15] * np.linspace(0, 1, 15)[:, None, None, None]
    assert [s.label for s in run(still)] == ["fade_in"]


def test_somebody_who_stops_is_no_freeze():
    scene = shoot(photo("chelsea"), 50)
    for index, frame in enumerate(scene):
        left = min(4 * index, 100)
        frame[100:220, left : left + 60] = photo("astronaut")[20:260:2, 160:280:2]
    assert run(scene) == []


@pytest.mark.parametrize("overlay", [False, True])
@pytest.mark.parametrize("name", PHOTOS)
def test_blur(name, overlay):
    import cv2

    frames = pan(name)
    for frame in frames[20:45]:
        frame[:] = cv2.GaussianBlur(frame, (0, 0), 2.5)
    frames = captioned(frames) if overlay else frames
    assert_one(run(recorded(frames)), "blur", 20 / 30, 1.5)


@pytest.mark.parametrize("name", PHOTOS)
def test_monochrome(name):
    frames = pan(name)
    frames[20:45] = frames[20:45].mean(axis=3, keepdims=True)
    assert_one(run(recorded(captioned(frames))), "monochrome", 20 / 30, 1.5)


def sepia(frames):
    mix = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]])
    return np.clip(frames @ mix.T, 0, 255).astype(np.uint8)


def cold(frames):
    return np.clip(frames.mean(axis=3, keepdims=True) * [0.75, 0.95, 1.1], 0, 255).astype(np.uint8)


@pytest.mark.parametrize("tint", [sepia, cold])
@pytest.mark.parametrize("name", PHOTOS)
def test_a_tinted_picture_is_monochrome(name, tint):
    assert [s.label for s in run(recorded(tint(pan(name, 15)), sigma=4))] == ["monochrome"]


@pytest.mark.parametrize("saturation", [0.25, 0.5])
@pytest.mark.parametrize("name", PHOTOS)
def test_muted_colours_are_colours(name, saturation):
    frames = pan(name, 15, size=(320, 180))
    grey = frames.mean(axis=3, keepdims=True)
    assert run(recorded((grey + (frames - grey) * saturation).astype(np.uint8))) == []


@pytest.mark.parametrize("ground", [20, 128, 230])
@pytest.mark.parametrize("colour", [(200, 40, 40), (40, 160, 60), (60, 80, 200)])
def test_a_coloured_thing_of_two_percent(ground, colour):
    frames = np.full((12, 180, 320, 3), ground, np.uint8)
    frames[:, 70:104, 140:175] = colour
    frames[:, ::9] //= 2
    assert "monochrome" not in [s.label for s in run(recorded(frames))]


def test_split_screen():
    side = np.concatenate(
        [pan("coffee", size=(90, 320)), pan("astronaut", speed=-0.1, size=(90, 320))], axis=2
    )
    stacked = np.concatenate(
        [pan("chelsea", size=(180, 160)), pan("rocket", speed=-0.2, size=(180, 160))], axis=1
    )
    for frames in (side, stacked):
        whole = pan("coffee", 30)
        segments = run(recorded(captioned(np.concatenate([whole, frames, whole]))))
        assert_one(segments, "split_screen", 1.0, 3.0)


@pytest.mark.parametrize("bars", [(slice(0, 40), slice(-40, None)), (slice(0, 85), slice(-75, None))])
def test_letterbox(bars):
    frames = pan("coffee")
    for bar in bars:
        frames[25:, bar] = 0
    assert_one(run(recorded(captioned(frames))), "letterbox", 25 / 30, 2.0)
    assert_one(run(recorded(frames).transpose(0, 2, 1, 3)), "letterbox", 25 / 30, 2.0)


def test_thresholds_are_settings():
    frames = pan("coffee")
    frames[30:33] = 255
    assert run(recorded(frames), VisualEffectsSettings(flash_gain=250.0)) == []


@pytest.mark.parametrize("shape", [(1, 320, 180), (1, 144, 176), (2, 9, 16), (15, 144, 176)])
def test_short_small_and_plain_clips(shape):
    for level in (0, 128, 255):
        assert run(np.full((*shape, 3), level, np.uint8)) == []
