"""object_detection on photographs whose objects are known, and what the steps around the network do."""

from __future__ import annotations

import numpy as np
import pytest

from clipbench.analyzers.body_pose import BodyPose
from clipbench.analyzers.features.vision import nanodet
from clipbench.analyzers.features.vision.boxes import iou
from clipbench.analyzers.features.vision.nanodet import COCO, decode, fit
from clipbench.analyzers.object_detection import ObjectDetection, ObjectDetectionSettings
from tests.support.clip_views import ArrayClip
from tests.support.photographs import drifting, photographs, placed


def run(clip, **settings):
    analyzer = ObjectDetection(ObjectDetectionSettings(**settings))
    analyzer.load()
    found = analyzer.analyze(clip, {})
    analyzer.unload()
    return found


@pytest.fixture(scope="module")
def found_in():
    clips = {name: drifting(image) for name, (image, _, _) in photographs().items()}
    return {name: (run(clip), maps) for name, (clip, maps) in clips.items()}


@pytest.mark.parametrize("name", photographs())
def test_the_main_object_is_found_where_it_is(found_in, name):
    _, label, box = photographs()[name]
    segments, maps = found_in[name]
    for index, to_fractions in enumerate(maps):
        truth = np.clip(placed(to_fractions, box).ravel(), 0, 1)
        now = [s for s in segments if s.start_s == pytest.approx(index / 3, abs=1e-3)]
        assert any(s.label == label and iou(truth, np.array(s.data["box"])) > 0.5 for s in now)


def test_little_else_is_found(found_in):
    """What a picture also shows: the cup stands on a table, and she wears a tie."""
    there = {"coffee": {"cup", "dining table", "spoon"}, "admiral": {"person", "tie"}}
    labels = [(name, s.label) for name, (segments, _) in found_in.items() for s in segments]
    right = [label in there.get(name, {photographs()[name][1]}) for name, label in labels]
    assert np.mean(right) > 0.9


def test_segments_follow_the_samples(found_in):
    for segments, _ in found_in.values():
        assert [s.start_s for s in segments] == sorted(s.start_s for s in segments)
        edges = {(0.0, 0.333333), (0.333333, 0.666667), (0.666667, 1.0)}
        assert {(s.start_s, s.end_s) for s in segments} <= edges
        assert all(0 <= v <= 1 for s in segments for v in (s.confidence, *s.data["box"]))


def test_nothing_is_found_in_nothing():
    assert run(ArrayClip(np.full((6, 144, 176, 3), 90, np.uint8), fps=6)) == []


def test_a_clip_of_one_frame_needs_no_neighbours():
    image, label, _ = photographs()["motorcycle"]
    assert label in [s.label for s in run(ArrayClip(image[None], fps=30))]


def test_two_analyzers_of_a_worker_share_the_detections(monkeypatch):
    clip, _ = drifting(photographs()["astronaut"][0])
    calls = []
    monkeypatch.setattr(nanodet, "fit", lambda *asked: calls.append(1) or fit(*asked))
    run(clip)
    pose = BodyPose()
    pose.load()
    assert pose.analyze(clip, {})
    pose.unload()
    assert len(calls) == 3


@pytest.mark.parametrize(
    ("shape", "sides"), [((640, 360), (416, 256)), ((360, 640), (256, 416)), ((144, 176), (352, 416))]
)
def test_pictures_keep_nearly_their_proportions(shape, sides):
    assert fit(np.zeros((*shape, 3), np.uint8), 416).shape == (*sides, 3)


def heads(cells):
    """Maps for a picture of 64x64 where (stride, row, column, class) are sure, 1.5 strides to each side."""
    maps = {stride: np.full((124, 64 // stride, 64 // stride), -10.0, np.float32) for stride in (8, 16, 32)}
    for stride, row, column, label in cells:
        maps[stride][COCO.index(label), row, column] = 3.0
        # Evenly between one and two steps.
        maps[stride][80:].reshape(4, 11, 64 // stride, 64 // stride)[:, 1:3, row, column] = 10.0
    return list(maps.values())


def test_decoding_puts_the_box_around_its_cell():
    (found,) = decode(heads([(16, 1, 2, "cat")]))
    assert found.label == "cat"
    assert found.score == pytest.approx(1 / (1 + np.exp(-3)))
    # The cell's centre is at (40, 24); 24 pixels to each side.
    np.testing.assert_allclose(found.box, [16 / 64, 0, 1, 48 / 64], atol=1e-4)


def test_one_object_is_reported_once():
    same = decode(heads([(16, 1, 1, "cat"), (16, 1, 1, "dog")]))
    assert len(same) == 1
    assert len(decode(heads([(8, 1, 1, "cat"), (8, 6, 6, "cat")]))) == 2
