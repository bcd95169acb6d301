"""People who are small in the frame are looked at again; where nobody is, nobody is found."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest

from clipbench.analyzers.body_pose import BodyPose
from clipbench.analyzers.features.vision import second_look
from clipbench.analyzers.features.vision.boxes import iou
from clipbench.analyzers.features.vision.nanodet import Detection
from clipbench.analyzers.object_detection import ObjectDetection
from tests.support.chunks import fed
from tests.support.people import Figure, filmed
from tests.support.same_segments import same


@pytest.fixture(scope="module", params=[ObjectDetection, BodyPose])
def analyzer(request):
    made = request.param()
    made.load()
    yield made
    made.unload()


def hits(segments, truth) -> tuple[int, int, int]:
    """How many people were found, how many boxes are nobody's, and how many people there are."""
    starts = sorted({s.start_s for s in segments})
    found = false = 0
    for index, shown in enumerate(truth):
        now = [np.array(s.data["box"]) for s in segments if s.start_s == pytest.approx(index / 3, abs=1e-3)]
        found += sum(any(iou(box, one.box) >= 0.5 for box in now) for one in shown)
        false += sum(all(iou(box, one.box) < 0.3 for one in shown) for box in now)
    assert starts
    return found, false, sum(map(len, truth))


@pytest.mark.parametrize("kind", ["wall", "grain", "cloud"])
@pytest.mark.parametrize(("name", "height"), [("hopper", 90), ("hopper", 110), ("astronaut", 170)])
def test_four_people_far_away_are_found(analyzer, kind, name, height):
    people = [Figure(name, height, x, 300, 5.0) for x in (80, 310, 560, 780)]
    clip, truth = filmed(people, kind)
    segments = [s for s in analyzer.analyze(clip, {}) if s.label not in ("tie", "sports ball")]
    found, false, there = hits(segments, truth)
    assert found / there >= 0.75 and false == 0


def one(score, box) -> Detection:
    return Detection("person", score, np.array(box))


SMALL = [0.5, 0.4, 0.55, 0.6]


def test_only_what_is_small_and_faint_is_looked_at_again():
    assert len(second_look.squares([one(0.3, SMALL)], 640, 360)) == 1
    assert second_look.squares([one(0.6, SMALL)], 640, 360) == []
    assert second_look.squares([one(0.3, [0.1, 0.1, 0.6, 0.9])], 640, 360) == []
    assert second_look.squares([one(0.3, SMALL)._replace(label="cup")], 640, 360) == []
    assert second_look.squares([one(0.8, [0.45, 0.2, 0.7, 0.9]), one(0.3, SMALL)], 640, 360) == []


@pytest.mark.parametrize("size", [(640, 360), (360, 640), (64, 64), (40, 20)])
def test_squares_are_few_and_in_the_frame(size):
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 0.95, (40, 2))
    found = [one(0.4, [*corner, *np.minimum(corner + 0.06, 1)]) for corner in corners]
    parts = second_look.squares(found, *size)
    assert 0 < len(parts) <= second_look.MOST
    for part in parts:
        assert (part[:2] >= 0).all() and (part[2:] <= size).all() and (part[2:] > part[:2]).all()


def test_two_who_stand_together_share_a_square():
    pair = [one(0.4, [0.5, 0.4, 0.54, 0.5]), one(0.3, [0.52, 0.4, 0.56, 0.5])]
    assert len(second_look.squares(pair, 640, 360)) == 1


@pytest.mark.parametrize("cuts", [(1 / 3,), (0.4, 0.5, 1.1)])
def test_second_looks_are_the_same_in_chunks(analyzer, cuts):
    people = [Figure("hopper", height, x, 300, 40.0) for height, x in ((70, 80), (90, 310), (110, 560))]
    clip, _ = filmed(people, "grain", seconds=2.0)
    whole = analyzer.analyze(clip, {})
    found = fed(analyzer, clip, {}, *cuts)
    same([asdict(segment) for segment in found], [asdict(segment) for segment in whole], analyzer.name)
