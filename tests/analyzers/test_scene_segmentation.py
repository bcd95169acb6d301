"""scene_segmentation on photographs that a camera moves over, cut together at known times."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import data

from clipbench.analyzers.scene_segmentation import SceneSegmentation, SceneSegmentationSettings
from tests.support.clip_views import ArrayClip


@pytest.fixture(scope="module")
def analyzer():
    analyzer = SceneSegmentation()
    analyzer.load()
    yield analyzer
    analyzer.unload()


def pan(photo: np.ndarray, count: int, height: int = 320, width: int = 180) -> list[np.ndarray]:
    """`count` frames of a camera that pans from the left edge of `photo` to its right."""
    scale = height / photo.shape[0]
    wide = cv2.resize(photo, (max(width, round(photo.shape[1] * scale)), height))
    return [wide[:, x : x + width] for x in np.linspace(0, wide.shape[1] - width, count).astype(int)]


def zoom(photo: np.ndarray, count: int, height: int = 320, width: int = 180) -> list[np.ndarray]:
    """`count` frames of a camera that zooms in on the middle of `photo` by a factor of two."""
    frames = []
    for factor in np.linspace(1, 2, count):
        side = min(photo.shape[0] / height, photo.shape[1] / width) / factor
        frames.append(cv2.getRectSubPix(photo, (round(width * side), round(height * side)), _middle(photo)))
    return [cv2.resize(frame, (width, height)) for frame in frames]


def _middle(photo: np.ndarray) -> tuple[float, float]:
    return photo.shape[1] / 2, photo.shape[0] / 2


def scenes(analyzer: SceneSegmentation, frames: list[np.ndarray]) -> list[tuple[float, float]]:
    return [(s.start_s, s.end_s) for s in analyzer.analyze(ArrayClip(np.stack(frames), 2), {})]


def test_every_photograph_is_a_scene(analyzer):
    frames = [*pan(data.chelsea(), 6), *zoom(data.astronaut(), 5), *pan(data.coffee(), 5)]
    found = analyzer.analyze(ArrayClip(np.stack(frames), 2), {})
    # The first samples of the new scenes are at 3.0 and 5.5 s: a scene begins half a sample before.
    assert [(s.start_s, s.end_s) for s in found] == [(0, 2.75), (2.75, 5.25), (5.25, 8)]
    assert [s.data["index"] for s in found] == [0, 1, 2]
    assert found[0].data["distance"] is None and found[1].data["distance"] > 0.5


@pytest.mark.parametrize("photo", ["chelsea", "coffee", "rocket"])
@pytest.mark.parametrize("move", [pan, zoom])
def test_a_moving_camera_does_not_end_a_scene(analyzer, photo, move):
    assert scenes(analyzer, move(getattr(data, photo)(), 8)) == [(0, 4)]


def test_a_scene_ends_within_a_fade_through_black(analyzer):
    before, after = pan(data.chelsea(), 5), pan(data.coffee(), 5)
    found = scenes(analyzer, [*before, before[-1] // 3, np.zeros_like(before[0]), after[0] // 3, *after])
    assert len(found) in (2, 3), "black may be a scene of its own"
    assert 2.25 <= found[1][0] <= found[-1][0] <= 4.25


def test_a_scene_lasts_its_least_length():
    analyzer = SceneSegmentation(SceneSegmentationSettings(min_scene_s=3.0))
    analyzer.load()
    frames = [*pan(data.chelsea(), 8), *pan(data.astronaut(), 2), *pan(data.coffee(), 8)]
    assert len(scenes(analyzer, frames)) == 2


@pytest.mark.parametrize("count", [1, 2])
def test_short_clips_are_one_scene(analyzer, count):
    assert scenes(analyzer, [np.zeros((16, 16, 3), np.uint8)] * count) == [(0, count / 2)]
