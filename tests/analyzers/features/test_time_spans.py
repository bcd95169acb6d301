"""Spans of frames, and how segments cover a span."""

from __future__ import annotations

import numpy as np

from clipbench.analyzers.base import Segment
from clipbench.analyzers.features.time_spans import (
    by_time,
    covered_s,
    frame_spans,
    pieces,
)
from tests.support.clip_views import ArrayClip

SEGMENTS = [Segment(2.0, 4.0, "late"), Segment(0.0, 1.0, "early"), Segment(0.5, 2.5, "middle")]


def test_frames_last_until_the_next_one_or_the_end_of_the_clip():
    clip = ArrayClip(np.zeros((3, 36, 64, 3), np.uint8), fps=2)
    assert frame_spans(np.array([0.0, 0.5, 1.0]), clip) == [(0.0, 0.5), (0.5, 1.0), (1.0, 1.5)]


def test_what_overlaps_a_span():
    assert [s.label for s in by_time(SEGMENTS).overlapping(1.0, 2.0)] == ["middle"]
    assert [s.label for s in by_time(SEGMENTS).overlapping(2.4, 9.0)] == ["late", "middle"]
    assert by_time(SEGMENTS).overlapping(4.0, 5.0) == []


def test_seconds_under_several_segments_count_once():
    assert covered_s(SEGMENTS, 0.0, 5.0) == 4.0
    assert covered_s(SEGMENTS, 0.75, 2.25) == 1.5
    assert covered_s(SEGMENTS[:2], 0.5, 3.0) == 1.5
    assert covered_s([], 0.0, 1.0) == 0.0


def test_pieces_end_at_borders_and_none_is_a_sliver():
    assert pieces(2.5, [], 1, 0.3) == [(0, 1), (1, 2), (2, 2.5)]
    assert pieces(3.01, [], 1, 0.3) == [(0, 1), (1, 2), (2, 3.01)]
    assert pieces(3.0, [0.95, 2.5], 1, 0.3) == [(0, 0.95), (0.95, 2), (2, 2.5), (2.5, 3)]
    assert pieces(0.1, [], 1, 0.3) == [(0, 0.1)]
    assert pieces(2.0, [0.5, 0.7], 1, 0.3) == [(0, 0.5), (0.5, 0.7), (0.7, 1), (1, 2)]
