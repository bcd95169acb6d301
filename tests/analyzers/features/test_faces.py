"""Faces on photographs whose face boxes were read off by eye, and on pictures without any."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import data

from clipbench.analyzers.age_estimation import AgeEstimation, AgeEstimationSettings
from clipbench.analyzers.eye_tracking import EyeTracking, EyeTrackingSettings
from clipbench.analyzers.features.faces.blazeface import decode, merge
from clipbench.analyzers.features.faces.face_finder import Face, FaceFinder, FaceSettings
from clipbench.analyzers.features.faces.face_tracks import FaceTracks
from clipbench.analyzers.features.vision.boxes import iou
from tests.support.clip_views import ArrayClip
from tests.support.faces_truth import admiral, astronaut


@pytest.fixture(scope="module")
def finder():
    finder = FaceFinder(FaceSettings(fps=30))
    yield finder
    finder.close()


def faces_in(finder, *images) -> list[list[Face]]:
    return finder.find(ArrayClip(np.stack(images)))


def tracks_in(samples) -> list[list[int]]:
    """The samples in which each person is seen, in order of the first."""
    tracks, seen = FaceTracks(), {}
    for index, faces in enumerate(samples):
        for number in tracks.add(faces):
            seen.setdefault(number, []).append(index)
    return list(seen.values())


def scene(*placed, height=1280, width=720) -> np.ndarray:
    """A portrait frame of coffee with (photograph, left, top, scale) pasted into it."""
    frame = cv2.resize(data.coffee(), (width, height))
    for image, left, top, scale in placed:
        smaller = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        smaller = smaller[: height - top, : width - left]
        frame[top : top + smaller.shape[0], left : left + smaller.shape[1]] = smaller
    return frame


@pytest.mark.parametrize("photo", [astronaut(), admiral()], ids=["astronaut", "admiral"])
def test_finds_the_face_where_it_is(finder, photo):
    [[face]] = faces_in(finder, photo.image)
    assert iou(face.box, np.array(photo.box)) > 0.8
    assert face.confidence > 0.7


def test_finds_both_faces_of_a_portrait_frame(finder):
    one, two = astronaut(), admiral()
    [[first, second]] = faces_in(finder, scene((two.image, 100, 60, 1.0), (one.image, 150, 700, 1.0)))
    # The frame is read at half its size.
    assert iou(first.box * 2, np.add(two.box, [100, 60, 100, 60])) > 0.75
    assert iou(second.box * 2, np.add(one.box, [150, 700, 150, 700])) > 0.75


def test_finds_faces_from_a_twentieth_of_the_frame_up(finder):
    scale = 0.05 * 1280 / 88
    [[face]] = faces_in(finder, scene((astronaut().image, 200, 400, scale)))
    assert iou(face.box * 2, np.array(astronaut().box) * scale + [200, 400, 200, 400]) > 0.6


def test_a_small_clip_is_enough(finder):
    small = cv2.resize(astronaut().image[:420], (176, 144), interpolation=cv2.INTER_AREA)
    [[face]] = faces_in(finder, small)
    scale = np.array([176 / 512, 144 / 420] * 2)
    assert iou(face.box, np.array(astronaut().box) * scale) > 0.7


@pytest.mark.parametrize(
    "image",
    [
        data.chelsea(),
        data.coffee(),
        data.rocket(),
        np.zeros((144, 176, 3), np.uint8),
        np.ones((1, 1, 3), np.uint8),
    ],
    ids=["cat", "coffee", "rocket", "black", "pixel"],
)
def test_finds_none_where_there_is_none(finder, image):
    assert faces_in(finder, image) == [[]]


def test_a_face_painted_on_a_rocket_is_none(finder):
    nose = cv2.resize(data.rocket()[110:320, 270:390], None, fx=3, fy=3)
    [[(score, _)]] = finder.candidates([nose])
    assert score > finder.settings.min_confidence
    assert faces_in(finder, nose) == [[]]


def test_a_cat_fools_the_detector_but_not_the_mesh(finder):
    [[(score, _)]] = finder.candidates([data.chelsea()])
    assert score > 0.7


@pytest.mark.parametrize("degrees", [-35, 20])
def test_a_tilted_head_is_measured(finder, degrees):
    image = astronaut().image
    [[upright]] = faces_in(finder, image)
    turn = cv2.getRotationMatrix2D((225, 122), -degrees, 1.0)
    [[face]] = faces_in(finder, cv2.warpAffine(image, turn, (512, 512), borderMode=cv2.BORDER_REPLICATE))
    assert np.degrees(face.roll - upright.roll) == pytest.approx(degrees, abs=4)


def test_two_analyzers_of_a_worker_search_a_frame_once(monkeypatch):
    looked = []
    find = FaceFinder.candidates
    monkeypatch.setattr(
        FaceFinder, "candidates", lambda self, images: looked.extend(images) or find(self, images)
    )
    clip = ArrayClip(np.stack([astronaut().image] * 30))
    age, eyes = AgeEstimation(AgeEstimationSettings(fps=3)), EyeTracking(EyeTrackingSettings(fps=6))
    for analyzer, seen in ((age, 3), (eyes, 6)):
        analyzer.load()
        assert len(analyzer.analyze(clip, {})) == seen
        analyzer.unload()
    assert len(looked) == 6


def test_other_thresholds_are_other_faces(finder):
    clip = ArrayClip(astronaut().image[None])
    assert len(finder.find(clip)[0]) == 1
    strict = FaceFinder(FaceSettings(fps=30, min_confidence=0.99))
    assert strict.find(clip) == [[]]
    strict.close()


def test_a_track_ends_where_another_person_takes_the_place(finder):
    one = cv2.resize(astronaut().image, None, fx=2, fy=2)[: 2 * 256, 150:750]
    two = admiral().image[:512]
    two = np.pad(two, ((0, 0), (44, 44), (0, 0)))
    samples = faces_in(finder, one, one, two, two)
    assert iou(samples[1][0].box, samples[2][0].box) > 0.3
    assert tracks_in(samples) == [[0, 1], [2, 3]]


def test_a_track_follows_a_moving_face_and_ends_when_it_is_gone(finder):
    image = astronaut().image
    moved = [np.roll(image, 12 * k, axis=1) for k in range(4)]
    nobody = np.zeros_like(image)
    samples = faces_in(finder, *moved, nobody, image)
    assert tracks_in(samples) == [[0, 1, 2, 3], [5]]


def test_boxes_are_offsets_from_the_centres_of_the_grid_cells():
    boxes = [np.zeros((1, count, 16)) for count in (512, 384)]
    logits = [np.full((1, count, 1), -9.0) for count in (512, 384)]
    # The second anchor of row 3, column 5 in the grid of 16 pixels; the last one in that of 32.
    fine, coarse = (3 * 16 + 5) * 2 + 1, 383
    for grid, anchor in enumerate((fine, coarse)):
        logits[grid][0, anchor], boxes[grid][0, anchor, :4] = 9.0, [4, -2, 30, 40]
    scores, points = decode(boxes + logits)
    assert np.flatnonzero(scores[0] > 0.5).tolist() == [fine, 512 + coarse]
    assert points[0, fine, :2].tolist() == [[5.5 * 16 + 4, 3.5 * 16 - 2], [30, 40]]
    assert points[0, 512 + coarse, :2].tolist() == [[7.5 * 32 + 4, 7.5 * 32 - 2], [30, 40]]


def test_overlapping_boxes_are_averaged_by_their_scores():
    points = np.zeros((3, 8, 2))
    points[:, 1] = 40
    points[:, 0] = [[100, 100], [104, 100], [200, 200]]
    merged = merge(np.array([0.6, 0.9, 0.7]), points)
    assert [score for score, _ in merged] == [0.9, 0.7]
    assert merged[0][1][0].tolist() == pytest.approx([(60 + 0.9 * 104) / 1.5, 100])
