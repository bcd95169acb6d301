"""Analyzers of frames find the same in the reference clip whether it comes whole or in chunks."""

from __future__ import annotations

import pickle
from dataclasses import asdict

import pytest

from clipbench.analyzers.age_estimation import AgeEstimation
from clipbench.analyzers.base import Segment
from clipbench.analyzers.body_pose import BodyPose
from clipbench.analyzers.eye_tracking import EyeTracking
from clipbench.analyzers.object_detection import ObjectDetection
from clipbench.analyzers.qwen2_vl_temporal import Qwen2VLTemporal
from clipbench.analyzers.text_overlay import TextOverlay
from clipbench.bench.clips.decoding import decode
from tests.support.chunks import every, slices
from tests.support.command_line import PROJECT
from tests.support.same_segments import same

ANALYZERS = [ObjectDetection, BodyPose, AgeEstimation, EyeTracking, TextOverlay, Qwen2VLTemporal]
#: What the stand-in for Qwen2-VL reads of others; each lies across a boundary.
UPSTREAM = {
    "object_detection": [
        Segment(k / 3, (k + 1) / 3, "person", 0.9, {"box": [0, 0, 1, 1]}) for k in range(30)
    ],
    "camera_analysis": [Segment(0.0, 4.1, "static", 0.9), Segment(4.1, 10.0, "pan_left", 0.9)],
    "text_overlay": [Segment(2.0, 5.5, "ASTRONAUT", 0.9, {"box": [0, 0, 1, 1]})],
}


@pytest.fixture(scope="module")
def clip():
    analyzers = [cls() for cls in ANALYZERS]
    with decode(PROJECT / "clips" / "reference.mp4", [each.needs() for each in analyzers], threads=1) as view:
        yield view


@pytest.mark.parametrize("cls", ANALYZERS, ids=lambda cls: cls.name)
def test_whole_and_in_chunks(cls, clip):
    """What is kept for the end has at most 10 kB per second, and what is carried on 4 MB: an hour fits."""
    analyzer = cls()
    analyzer.load()
    whole = analyzer.analyze(clip, UPSTREAM)
    state, kept = analyzer.begin(clip), []
    for chunk in slices(clip, *every(clip, 2.37)):
        found, state = analyzer.feed(chunk, state)
        kept.append(pickle.dumps(found))
        state = pickle.dumps(state)
        assert len(state) < 4e6
        state = pickle.loads(state)
    assert sum(map(len, kept)) < 10e3 * clip.duration_s
    segments = analyzer.finish(clip, [pickle.loads(found) for found in kept], state, UPSTREAM)
    same([asdict(one) for one in segments], [asdict(one) for one in whole], analyzer.name)
    assert whole
    analyzer.unload()


def test_frames_that_are_read_of_large_clips_are_bounded():
    """A frame of 3840 x 2160 as it is stored has 25 MB."""
    sizes = [request.size for cls in ANALYZERS for request in cls().needs().frames]
    assert all(0 < size <= 1280 for size in sizes)
