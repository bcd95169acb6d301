"""age_estimation and eye_tracking find the same however a clip is cut into chunks."""

from __future__ import annotations

import pickle
from dataclasses import asdict

import cv2
import numpy as np
import pytest

from clipbench.analyzers.age_estimation import AgeEstimation, AgeEstimationSettings, Guess
from clipbench.analyzers.eye_tracking import EyeTracking
from clipbench.analyzers.features.faces.face_finder import Face
from tests.support.chunks import every, fed, slices
from tests.support.clip_views import ArrayClip
from tests.support.faces_truth import admiral, astronaut, eyes_closed
from tests.support.same_segments import same

FPS = 6.0


@pytest.fixture(scope="module")
def clip() -> ArrayClip:
    """Somebody who blinks, nobody, somebody else in the same place, both beside each other."""
    one, shut, two = astronaut().image, eyes_closed(), cv2.resize(admiral().image, (512, 512))
    nobody = np.full_like(one, 90)
    left = [one, one, one, shut, shut, one, one, nobody, two, two, two, two, one, one]
    right = [nobody] * 12 + [two] * 2
    return ArrayClip(np.stack([np.hstack(pair) for pair in zip(left, right, strict=True)]), fps=FPS)


@pytest.fixture(scope="module", params=[AgeEstimation, EyeTracking])
def loaded(request, clip):
    analyzer = request.param()
    analyzer.load()
    yield analyzer, analyzer.analyze(clip, {})
    analyzer.unload()


@pytest.mark.parametrize(
    "cuts",
    [
        (0.37, 0.74, 1.11, 1.48, 1.85, 2.22),
        (1.0, 2.0),
        (0.5, 5 / 6, 8 / 6),  # where the eyes close, where they open, and where another one is there
        (2 / 6, 4 / 6, 7 / 6),  # a sample before, amid the blink, and before the other one
        (0.67, 0.7, 0.75, 0.8),  # within the blink; chunks without a sample
    ],
)
def test_faces_across_chunks(loaded, clip, cuts):
    analyzer, whole = loaded
    found = fed(analyzer, clip, {}, *cuts)
    same([asdict(one) for one in found], [asdict(one) for one in whole], analyzer.name)


def test_there_is_something_at_the_boundaries(loaded):
    analyzer, whole = loaded
    if isinstance(analyzer, EyeTracking):
        [blink] = [one for one in whole if one.label == "blink"]
        assert (blink.start_s, blink.end_s) == pytest.approx((3 / 6, 5 / 6))
    starts = {round(6 * segment.start_s) for segment in whole}
    assert starts == set(range(0, 14, 1 if isinstance(analyzer, EyeTracking) else 2)) - {7}


def test_what_is_kept_of_a_chunk_is_small(loaded, clip):
    """A mesh alone has 7 kB."""
    analyzer, _ = loaded
    found, state = analyzer.feed(next(slices(clip)), analyzer.begin(clip))
    assert len(pickle.dumps(found)) < 600 * len(found.faces) + 1000
    assert len(state.open) == 2 and len(pickle.dumps(state)) < 12_000


class SteadyFace:
    """In place of a FaceFinder: one face in each sample that stays where it is."""

    def find(self, clip):
        mesh, portrait = np.zeros((468, 2)), np.full(576, 1 / 24)
        times = clip.frames(3.0, 640).times_s
        return [[Face(np.array([10.0, 10.0, 40.0, 50.0]), 0.9, mesh, portrait)] for _ in times]


class Aging(AgeEstimation):
    """A face whose age is the shade of its picture."""

    def _look(self, faces):
        return [Guess(float(image[0, 0, 0]), 0.2) for image, _ in faces]


@pytest.mark.parametrize("seconds", [0.2, 0.37, 1.0, 2.5, 7.0, 100.0])
def test_ages_are_averaged_across_chunks(seconds):
    shades = np.random.default_rng(0).integers(20, 80, 60)
    frames = np.broadcast_to(shades.astype(np.uint8)[:, None, None, None], (60, 64, 64, 3))
    clip, analyzer = ArrayClip(frames, fps=3), Aging(AgeEstimationSettings(smooth_s=2.0))
    analyzer._finder = SteadyFace()
    found = fed(analyzer, clip, {}, *every(clip, seconds))
    # Two seconds at three samples each: three before and three after.
    means = [round(float(shades[max(0, i - 3) : i + 4].mean()), 1) for i in range(60)]
    assert [segment.data["age"] for segment in found] == means
