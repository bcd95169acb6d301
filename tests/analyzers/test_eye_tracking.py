"""Irises against centres marked by eye, and gaze, lids and blinks that were rendered."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import data

from clipbench.analyzers.eye_tracking import EyeTracking, aspect_ratio, blinks
from tests.support.clip_views import ArrayClip
from tests.support.faces_truth import admiral, astronaut, eyes_closed, looking


@pytest.fixture(scope="module")
def eyes():
    analyzer = EyeTracking()
    analyzer.load()
    yield analyzer
    analyzer.unload()


def look(eyes, image):
    [segment] = eyes.analyze(ArrayClip(np.ascontiguousarray(image)[None]), {})
    return segment


def iris_error(segment, truth, image) -> float:
    """The larger distance of an iris from the truth, in distances between the eyes."""
    height, width = image.shape[:2]
    found = np.array([segment.data["iris"][side] for side in ("left", "right")]) * [width, height]
    truth = np.array(truth)
    return float(np.linalg.norm(found - truth, axis=1).max() / np.linalg.norm(truth[0] - truth[1]))


@pytest.mark.parametrize(
    ("photo", "allowed"), [(astronaut(), 0.025), (admiral(), 0.05)], ids=["astronaut", "admiral"]
)
def test_irises_are_where_they_were_marked(eyes, photo, allowed):
    segment = look(eyes, photo.image)
    assert segment.label == "center"
    assert iris_error(segment, photo.irises, photo.image) < allowed


@pytest.mark.parametrize("photo", [astronaut(), admiral()], ids=["astronaut", "admiral"])
@pytest.mark.parametrize(("x", "y", "label"), [(-0.35, 0, "left"), (0.35, 0, "right"), (0, -0.3, "up")])
def test_gaze_follows_the_irises(eyes, photo, x, y, label):
    image = looking(photo, x, y)
    segment = look(eyes, image)
    moved = np.array(photo.irises) + np.array([x, y]) * photo.eye_half_width
    assert segment.label == label
    assert iris_error(segment, moved, image) < 0.06


def filmed(photo, *looks: tuple[float, float, int]) -> ArrayClip:
    """So many samples of the face with its irises moved so far, one after the other."""
    frames = [looking(photo, x, y) for x, y, count in looks for _ in range(count)]
    return ArrayClip(np.ascontiguousarray(np.stack(frames)), fps=6)


@pytest.mark.parametrize("photo", [astronaut(), admiral()], ids=["astronaut", "admiral"])
@pytest.mark.parametrize("y", [0.35, 0.4, -0.3])
def test_who_faces_the_camera_does_not_look_down(eyes, photo, y):
    """Its irises rest lower or higher than those of others; a glance aside is one all the same."""
    found = eyes.analyze(filmed(photo, (0, y, 8), (-0.45, y / 2, 3), (0, y, 6)), {})
    labels = [s.label for s in found if s.label != "blink"]
    assert labels == ["center"] * 8 + ["left"] * 3 + ["center"] * 6


@pytest.mark.parametrize("photo", [astronaut(), admiral()], ids=["astronaut", "admiral"])
@pytest.mark.parametrize(("x", "label"), [(-0.35, "left"), (0.35, "right")])
def test_who_looks_aside_all_the_time_looks_aside(eyes, photo, x, label):
    found = eyes.analyze(filmed(photo, (x, 0, 10), (0, 0, 4)), {})
    assert [s.label for s in found if s.label != "blink"] == [label] * 10 + ["center"] * 4


def test_a_face_that_is_seen_briefly_has_no_rest_of_its_own(eyes):
    found = eyes.analyze(filmed(astronaut(), (0, -0.3, 6)), {})
    assert {s.label for s in found} == {"up"}


def test_left_is_left_in_a_mirrored_picture_too(eyes):
    assert look(eyes, looking(astronaut(), 0.35, 0)[:, ::-1]).label == "left"


def test_a_tilted_head_looks_the_same_way(eyes):
    image = looking(astronaut(), -0.35, 0)
    turn = cv2.getRotationMatrix2D((225, 122), 35, 1.0)
    tilted = cv2.warpAffine(image, turn, (512, 512), borderMode=cv2.BORDER_REPLICATE)
    segment = look(eyes, tilted)
    moved = np.add(astronaut().irises, [-0.35 * 11, 0]) @ turn[:, :2].T + turn[:, 2]
    assert segment.label == "left"
    assert segment.data["gaze"] == pytest.approx(look(eyes, image).data["gaze"], abs=0.1)
    assert iris_error(segment, moved, tilted) < 0.06


def test_in_profile_the_eye_that_is_seen_decides(eyes):
    # The photographer looks into the camera at the right of the picture.
    segment = look(eyes, np.repeat(data.camera()[..., None], 3, axis=2))
    assert segment.label == "right"


def test_closed_eyes(eyes):
    opened, closed = look(eyes, astronaut().image), look(eyes, eyes_closed())
    assert closed.label == "closed"
    assert closed.data["openness"] < 0.2 < opened.data["openness"]


def test_a_blink_is_a_short_closed_stretch(eyes):
    open_, shut = astronaut().image, eyes_closed()
    at_6_fps = [open_] * 2 + [shut] * 2 + [open_] * 2 + [shut] * 4 + [open_] * 2 + [shut]
    segments = eyes.analyze(ArrayClip(np.stack(at_6_fps), fps=6), {})
    [blink] = [s for s in segments if s.label == "blink"]
    assert (blink.start_s, blink.end_s) == pytest.approx((2 / 6, 4 / 6))
    seen = [s.label for s in segments if s.label != "blink"]
    assert [label == "closed" for label in seen] == [image is shut for image in at_6_fps]
    assert segments == sorted(segments, key=lambda s: s.start_s)


def test_blinks_lie_between_open_eyes():
    o, c = False, True
    assert blinks([c, o, c, c, o, o, c, o, c]) == [(2, 4), (6, 7)]
    assert blinks([c, c]) == blinks([o]) == blinks([]) == []


def test_aspect_ratio_is_height_to_width():
    eye = np.zeros((76, 2))
    eye[8] = [30, 0]
    eye[[11, 13]], eye[[3, 5]] = [[10, -4], [20, -4]], [[10, 5], [20, 5]]
    assert aspect_ratio(eye) == pytest.approx(9 / 30)


@pytest.mark.parametrize("shape", [(1, 144, 176), (2, 1280, 720), (1, 1, 1)])
def test_nobody_there(eyes, shape):
    assert eyes.analyze(ArrayClip(np.zeros((*shape, 3), np.uint8)), {}) == []


def test_segments_last_from_sample_to_sample(eyes):
    segments = eyes.analyze(ArrayClip(np.stack([astronaut().image] * 20)), {})
    assert [round(s.start_s, 3) for s in segments] == [0, 0.167, 0.333, 0.5]
    assert [round(s.end_s, 3) for s in segments] == [0.167, 0.333, 0.5, 0.667]
