"""Ages and genders of two people whose age in their photographs is known."""

from __future__ import annotations

import re

import cv2
import numpy as np
import pytest

from clipbench.analyzers.age_estimation import AgeEstimation, AgeEstimationSettings
from tests.support.clip_views import ArrayClip
from tests.support.faces_truth import admiral, astronaut


@pytest.fixture(scope="module")
def ages():
    analyzer = AgeEstimation()
    analyzer.load()
    yield analyzer
    analyzer.unload()


def beside(height: int = 640, width: int = 1100) -> np.ndarray:
    """Astronaut on the left, admiral on the right, of one frame."""
    frame = np.full((height, width, 3), 90, np.uint8)
    frame[60:572, 20:532] = astronaut().image
    frame[20:620, 560:1072] = admiral().image
    return frame


def test_age_and_gender_of_the_astronaut(ages):
    [segment] = ages.analyze(ArrayClip(astronaut().image[None]), {})
    assert segment.label == "female"
    assert segment.confidence > 0.6
    # Eileen Collins was 42.
    assert segment.data["age"] == pytest.approx(42, abs=10)


def test_age_of_the_admiral(ages):
    [segment] = ages.analyze(ArrayClip(admiral().image[None]), {})
    # Grace Hopper was 77. The network takes her, in uniform and cap, for a man; that is no error of ours.
    assert 60 < segment.data["age"] < 90


def test_each_face_and_sample_is_a_segment(ages):
    segments = ages.analyze(ArrayClip(np.stack([beside()] * 30)), {})
    assert len(segments) == 2 * 3
    assert [round(s.start_s, 2) for s in segments] == [0, 0, 0.33, 0.33, 0.67, 0.67]
    assert segments[-1].end_s == pytest.approx(1.0)
    left, right = sorted(segments[:2], key=lambda s: s.data["box"][0])
    assert right.data["age"] > left.data["age"] + 20
    for segment, photo, at in ((left, astronaut(), (20, 60)), (right, admiral(), (560, 20))):
        truth = (np.array(photo.box) + np.tile(at, 2)) / [1100, 640, 1100, 640]
        assert segment.data["box"] == pytest.approx(truth.tolist(), abs=0.03)


def test_the_headline_names_both(ages):
    headline = ages.headline(ages.analyze(ArrayClip(beside()[None]), {}))
    assert re.fullmatch(r"female of about 3\d, male of about [67]\d", headline)


def test_estimates_are_averaged_over_one_person_only(ages):
    one, two = astronaut().image, cv2.resize(admiral().image, (512, 512))
    rng = np.random.default_rng(1)
    noisy = [np.clip(one + rng.normal(0, 25, one.shape), 0, 255).astype(np.uint8) for _ in range(6)]
    clip = ArrayClip(np.stack([*noisy, *[two] * 6]), fps=3)
    alone = AgeEstimation(AgeEstimationSettings(smooth_s=0))
    alone.load()
    raw, smooth = alone.analyze(clip, {}), ages.analyze(clip, {})
    alone.unload()
    raw_ages, smooth_ages = (np.array([s.data["age"] for s in found]) for found in (raw, smooth))
    assert smooth_ages[:6].std() < 0.6 * raw_ages[:6].std()
    assert smooth_ages[:6].max() < 50
    assert smooth_ages[6:].min() > 60


@pytest.mark.parametrize("shape", [(1, 144, 176), (3, 1280, 720), (1, 1, 1)])
def test_nobody_there(ages, shape):
    assert ages.analyze(ArrayClip(np.zeros((*shape, 3), np.uint8)), {}) == []


def test_same_clip_same_segments(ages):
    clip = np.stack([beside()] * 12)
    assert ages.analyze(ArrayClip(clip), {}) == ages.analyze(ArrayClip(clip), {})


def test_names_every_model_it_uses(ages):
    assert ages.models() == ("blazeface-back", "facemesh", "faceres")
