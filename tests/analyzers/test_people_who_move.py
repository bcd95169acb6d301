"""People who cross the picture are there in every sample that shows them, and nobody else is."""

from __future__ import annotations

import numpy as np
import pytest

from clipbench.analyzers.body_pose import BodyPose
from clipbench.analyzers.features.vision.boxes import iou
from clipbench.analyzers.object_detection import ObjectDetection
from tests.support.clip_views import ArrayClip
from tests.support.people import background, filmed, walking

#: A person of whom less than this is in the frame need not be found.
IN_VIEW = 0.35


@pytest.fixture(scope="module")
def detector():
    analyzer = ObjectDetection()
    analyzer.load()
    yield analyzer
    analyzer.unload()


@pytest.fixture(scope="module")
def poser():
    analyzer = BodyPose()
    analyzer.load()
    yield analyzer
    analyzer.unload()


def persons(segments, clip, index):
    time_s = clip.frames(clip.fps, 0).times_s[index]
    return [np.array(s.data["box"]) for s in segments if s.start_s == pytest.approx(time_s, abs=1e-4)]


@pytest.mark.parametrize("speed", [0.2, 0.45, 0.9])
@pytest.mark.parametrize(
    ("name", "kind", "height"),
    [("hopper", "grain", 360), ("astronaut", "wall", 400), ("photographer", "grain", 300)],
)
def test_a_walker_is_there_in_every_sample(detector, name, kind, height, speed):
    clip, truth = walking(name, speed, height, (1280, 480), kind=kind)
    found = [s for s in detector.analyze(clip, {}) if s.label == "person"]
    shown = 0
    for index, people in enumerate(truth):
        boxes = persons(found, clip, index)
        assert len(boxes) <= len(people)
        for one in people:
            if one.share >= IN_VIEW:
                shown += 1
                assert any(iou(box, one.box) >= 0.5 for box in boxes), index
    assert shown >= 3


@pytest.mark.parametrize("speed", [0.45, 0.9])
def test_a_walker_has_poses(poser, speed):
    clip, truth = walking("hopper", speed, 360, (1280, 480), kind="grain")
    found = poser.analyze(clip, {})
    for index, people in enumerate(truth):
        if people and people[0].share >= 0.9:
            assert len(persons(found, clip, index)) == 1


@pytest.mark.parametrize("kind", ["wall", "grain", "cloud", "coffee.jpg", "rocket.jpg"])
def test_nobody_is_in_a_picture_without_people(detector, kind):
    still, _ = filmed([], kind, sigma=4.0, seconds=2.0)
    wide = background(kind, 1440, 540, seed=3)
    pan = np.stack([wide[:, x : x + 960] for x in range(0, 480, 80)])
    for clip in (still, ArrayClip(np.clip(pan, 0, 255).astype(np.uint8), fps=3.0)):
        assert [s for s in detector.analyze(clip, {}) if s.label == "person"] == []
