"""Masks of people of any size, anywhere in the frame, alone and beside each other."""

from __future__ import annotations

import numpy as np
import pytest

from clipbench.analyzers.background_segmentation import BackgroundSegmentation
from clipbench.analyzers.features.vision import person_masks
from clipbench.analyzers.features.vision.nanodet import Detection
from clipbench.analyzers.features.vision.person_masks import KEPT, MOST, PIXELS, Look
from tests.analyzers.test_background_segmentation import mask
from tests.support.people import Figure, filmed, walking


@pytest.fixture(scope="module")
def analyzer():
    made = BackgroundSegmentation()
    made.load()
    yield made
    made.unload()


def coarse(shown, size) -> np.ndarray:
    """The people of a frame as a mask of `size` [rows, columns]."""
    import cv2

    everybody = np.any([one.mask for one in shown], axis=0).astype(np.float32)
    return cv2.resize(everybody, size[::-1], interpolation=cv2.INTER_AREA) > 0.5


def overlaps(segments, truth) -> list[float]:
    values = []
    for segment, shown in zip(segments, truth, strict=True):
        found = mask(segment)
        real = coarse(shown, found.shape)
        values.append(float((found & real).sum() / (found | real).sum()))
    return values


def straight(found: np.ndarray, real: np.ndarray) -> int:
    """The longest straight side of a mask inside the frame where the person goes on, in cells."""
    longest = 0
    for grid, truth in ((found, real), (found.T, real.T)):
        for row in range(grid.shape[0] - 1):
            cut = (grid[row] != grid[row + 1]) & truth[row] & truth[row + 1]
            runs = "".join("x" if one else " " for one in cut).split()
            longest = max([longest, *map(len, runs)])
    return longest


@pytest.mark.parametrize("kind", ["wall", "grain", "rocket.jpg"])
@pytest.mark.parametrize("height", [80, 110, 160])
def test_people_far_away_have_masks(analyzer, kind, height):
    """Several of them, of 1 to 5 % of the frame each; compared in finer masks than segments have."""
    analyzer.settings.mask_side = 256
    people = [Figure("hopper", height, x, 500 - height, 30.0) for x in range(40, 850 - height, height + 90)]
    clip, truth = filmed(people, kind)
    found = analyzer.analyze(clip, {})
    analyzer.settings.mask_side = 128
    assert {s.label for s in found} == {"person"}
    assert min(overlaps(found, truth)) > 0.65
    for segment, shown in zip(found, truth, strict=True):
        seen = mask(segment)
        assert straight(seen, coarse(shown, seen.shape)) <= 8
        assert all((seen & coarse([one], seen.shape)).any() for one in shown)


@pytest.mark.parametrize(("name", "height"), [("hopper", 500), ("astronaut", 420), ("photographer", 300)])
@pytest.mark.parametrize("size", [(960, 540), (360, 640)])
def test_people_nearby_have_masks(analyzer, name, height, size):
    clip, truth = filmed([Figure(name, height, 20, size[1] - height)], "grain", size)
    found = analyzer.analyze(clip, {})
    assert {s.label for s in found} == {"person"}
    assert min(overlaps(found, truth)) > 0.8


def test_who_walks_fast_has_a_mask_in_every_sample(analyzer):
    clip, truth = walking("hopper", 0.45, 360, (1280, 480), kind="grain")
    found = analyzer.analyze(clip, {})
    for segment, shown in zip(found, truth, strict=True):
        if shown and shown[0].share > 0.35:
            assert overlaps([segment], [shown])[0] > 0.75


class Fixed:
    """In place of the detector: the same people in every frame."""

    def __init__(self, boxes, score=0.9):
        self.found = [Detection("person", score, np.array(box)) for box in boxes]

    def find(self, clip):
        return [self.found for _ in clip.frames(3.0, 640).times_s]


def test_what_leaves_the_box_is_in_the_mask(analyzer, monkeypatch):
    """A box that lacks a sixth of the person on one side: an arm is an arm."""
    clip, truth = filmed([Figure("hopper", 300, 300, 200)], "wall", seconds=0.4)
    x1, y1, x2, y2 = truth[0][0].box
    for box in ([x1 + (x2 - x1) / 6, y1, x2, y2], [x1, y1, x2 - (x2 - x1) / 6, y2]):
        monkeypatch.setattr(analyzer, "_detector", Fixed([box]))
        found = analyzer.analyze(clip, {})
        assert overlaps(found, truth)[0] > 0.85


def test_someone_without_a_body_is_nobody(analyzer, monkeypatch):
    clip, _ = filmed([], "grain", seconds=1.0)
    monkeypatch.setattr(analyzer, "_detector", Fixed([[0.1, 0.1, 0.2, 0.4]]))
    found = analyzer.analyze(clip, {})
    assert {s.label for s in found} == {"no_person"} and not mask(found[0]).any()


def test_who_is_doubtful_and_alone_is_nobody(analyzer, monkeypatch):
    clip, truth = filmed([Figure("hopper", 300, 300, 200)], "wall")
    monkeypatch.setattr(analyzer, "_detector", Fixed([truth[0][0].box], score=0.3))
    found = analyzer.analyze(clip, {})
    assert {(s.label, s.confidence) for s in found} == {("no_person", 0.7)}


@pytest.mark.parametrize("count", [0, 1, 5, 6, 7, 30])
def test_a_crowd_is_looked_at_in_few_squares(count):
    rng = np.random.default_rng(count)
    corners = rng.uniform(0, 0.9, (count, 2))
    boxes = [np.concatenate([corner, corner + 0.04]) for corner in corners]
    groups = person_masks.groups(boxes)
    assert len(groups) <= min(MOST, count)
    assert sorted(member for members in groups for member in members) == list(range(count))


def test_somebody_twice_is_looked_at_once():
    box = np.array([0.2, 0.2, 0.4, 0.8])
    assert person_masks.groups([box, box + 0.002, box + 0.5]) == [(0, 1), (2,)]


@pytest.mark.parametrize("region", [(0.1, 0.2, 0.4, 0.6), (-0.2, 0.5, 0.5, 1.3), (-0.5, -0.5, 1.5, 1.5)])
def test_a_square_is_pasted_where_it_was_cut_out(region):
    y, x = np.mgrid[0:360, 0:640]
    image = np.dstack([x / 640, y / 360, 0 * x])
    region = np.array(region)
    shown = person_masks.picture((image * 255).astype(np.uint8), region)
    assert shown.shape == (PIXELS, PIXELS, 3)
    for channel, plane in ((0, image[..., 0]), (1, image[..., 1])):
        levels = person_masks.kept(shown[..., channel].astype(np.float32) / 255)
        back = person_masks.pasted(levels.astype(np.float32) / 255, region, 640, 360)
        inside = back > 0.02
        assert inside.any()
        far = np.abs(back - plane)[inside]
        assert np.median(far) < 0.01


def blob(rows, columns) -> Look:
    levels = np.zeros((KEPT, KEPT), np.uint8)
    levels[rows, columns] = 255
    return Look(np.array([0.2, 0.2, 0.6, 0.6]), (0,), levels)


def test_what_goes_on_beyond_the_square_has_no_straight_edge():
    """The box of one of two who stand together: the other, whom nobody detected, fades away."""
    wide = blob(np.s_[30:100], np.s_[30:KEPT])
    left = person_masks.of_persons(wide, [np.array([0.3, 0.3, 0.5, 0.5])], 0.5) > 0.5
    ends = [int(np.flatnonzero(row).max()) for row in left if row.any()]
    assert max(ends) < KEPT - 2 and max(ends) - min(ends) > 6


def test_what_is_not_joined_to_a_person_is_none():
    look = blob(np.s_[10:20], np.s_[10:20])
    look.levels[50:100, 50:100] = 255
    left = person_masks.of_persons(look, [np.array([0.35, 0.35, 0.52, 0.52])], 0.5)
    assert not left[10:20, 10:20].any() and left[50:100, 50:100].all()
