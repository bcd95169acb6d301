"""body_pose on photographs with known eyes and shoulders, and postures from keypoints."""

from __future__ import annotations

import numpy as np
import pytest

from clipbench.analyzers.body_pose import KEYPOINTS, BodyPose, BodyPoseSettings, posture
from tests.support.faces_truth import admiral, astronaut
from tests.support.photographs import drifting, photographs, placed

#: Read off enlargements: the outermost point of each shoulder, in the picture's left and right.
SHOULDERS = {"astronaut": ((85, 245), (335, 255)), "admiral": ((75, 385), (455, 380))}


def run(clip, **settings):
    analyzer = BodyPose(BodyPoseSettings(**settings))
    analyzer.load()
    found = analyzer.analyze(clip, {})
    analyzer.unload()
    return found


@pytest.mark.parametrize("name", ["astronaut", "admiral"])
def test_eyes_and_shoulders_are_where_they_are(name):
    photo = {"astronaut": astronaut, "admiral": admiral}[name]()
    clip, maps = drifting(photo.image)
    segments = run(clip)
    assert len(segments) == 3
    for segment, to_fractions in zip(segments, maps, strict=True):
        assert segment.label == "upper_body"
        assert set(segment.data["keypoints"]) == set(KEYPOINTS)
        # Left is the person's own: on the right of the picture.
        for names, truth, tolerance in (
            (("right_eye", "left_eye"), photo.irises, 0.1),
            (("right_shoulder", "left_shoulder"), SHOULDERS[name], 0.3),
        ):
            wanted = placed(to_fractions, truth)
            found = np.array([segment.data["keypoints"][part] for part in names])
            # In widths between the shoulders, and with the frame's own proportions.
            size = np.array([clip.width, clip.height])
            across = np.linalg.norm(np.subtract(*placed(to_fractions, SHOULDERS[name])) * size)
            off = np.linalg.norm((found[:, :2] - wanted) * size, axis=1) / across
            assert (off < tolerance).all()
            assert (found[:, 2] > 0.3).all()


@pytest.mark.parametrize("name", ["coffee", "motorcycle"])
def test_nobody_has_no_pose(name):
    clip, _ = drifting(photographs()[name][0])
    assert run(clip) == []


def test_small_persons_are_skipped():
    clip, _ = drifting(astronaut().image)
    assert run(clip, min_height=0.9) == []


def body(**parts) -> np.ndarray:
    """Keypoints of someone standing upright, with `parts` moved to (x, y), or unseen where None."""
    height = {"nose": 0.1, "eye": 0.08, "ear": 0.09, "shoulder": 0.2, "elbow": 0.35, "wrist": 0.5, "hip": 0.5,
              "knee": 0.7, "ankle": 0.9}  # fmt: skip
    points = []
    for name in KEYPOINTS:
        part = name.split("_")[-1]
        at = parts.get(part, (0.5, height[part]))
        points.append((0, 0, 0.0) if at is None else (*at, 0.9))
    return np.array(points)


@pytest.mark.parametrize(
    ("parts", "label"),
    [
        ({}, "standing"),
        ({"knee": (0.7, 0.55), "ankle": (0.7, 0.75)}, "sitting"),
        ({"shoulder": (0.2, 0.5), "hip": (0.5, 0.55), "knee": (0.7, 0.55)}, "lying"),
        ({"knee": None, "ankle": None}, "upper_body"),
        ({"shoulder": None, "hip": None, "knee": None}, "face_only"),
        ({"shoulder": None}, "lower_body"),
        ({"knee": (0.5, 1.1)}, "upper_body"),
    ],
)
def test_postures(parts, label):
    assert posture(body(**parts), 0.3, 1.0) == label
