"""What is followed from sample to sample, and which detections count."""

from __future__ import annotations

import numpy as np
import pytest

from clipbench.analyzers.features.vision.nanodet import Detection
from clipbench.analyzers.features.vision.tracks import Rule, Tracks, consistent

RULE = Rule(min_score=0.4, min_samples=2, sure_score=0.5)
BOX = np.array([0.1, 0.1, 0.3, 0.5])


def seen(score: float, x: float = 0.0, label: str = "person", y: float = 0.0) -> Detection:
    return Detection(label, score, BOX + np.array([x, y, x, y]))


def kept(samples, rule=RULE, fps=3.0):
    found = consistent(np.arange(len(samples)) / fps, samples, 16 / 9, rule)
    return [[(one.label, one.score) for one in objects] for objects in found]


def test_flickers_go_and_weak_moments_stay():
    samples = [[seen(0.6)], [seen(0.25, 0.02), seen(0.45, label="mouse")], [seen(0.6, 0.04)]]
    assert kept(samples) == [[("person", 0.6)], [("person", 0.25)], [("person", 0.6)]]
    strict = Rule(0.55, 2, 0.7)
    assert kept(samples, strict) == [[], [], []]
    assert ("mouse", 0.45) in kept(samples, Rule(0.4, 1, 0.7))[1]


def test_what_is_sure_needs_no_second_sample_and_a_faint_one_does():
    samples = [[], [seen(0.6), seen(0.45, 0.6)], []]
    assert kept(samples) == [[], [("person", 0.6)], []]


def test_a_sure_moment_of_an_unclear_track_is_kept():
    samples = [[seen(score)] for score in (0.25, 0.25, 0.78, 0.25, 0.25)]
    assert kept(samples) == [[], [], [("person", 0.78)], [], []]


@pytest.mark.parametrize("fps", [2.0, 3.0, 10.0])
@pytest.mark.parametrize("speed", [0.1, 0.45, 0.6])
def test_who_moves_is_followed_with_unclear_moments(speed, fps):
    """In widths per second: at most half as long as the box is high, per sample, overlaps with nothing."""
    samples = [
        [seen(score, speed * i / fps)] for i, score in enumerate((0.45, 0.25, 0.49, 0.49)) if speed * i < 2
    ]
    assert sum(map(len, kept(samples, fps=fps))) == 4


def test_a_track_may_miss_one_sample_but_not_two():
    assert kept([[seen(0.45)], [], [seen(0.45, 0.1)]]) == [[("person", 0.45)], [], [("person", 0.45)]]
    assert kept([[seen(0.45)], [], [], [seen(0.45)]]) == [[], [], [], []]


SMALLER = Detection("person", 0.45, np.array([0.15, 0.2, 0.2, 0.3]))


@pytest.mark.parametrize("other", [seen(0.45, 0.65), seen(0.45, label="cat"), SMALLER])
def test_what_is_elsewhere_or_of_another_class_or_size_is_not_the_same(other):
    assert kept([[seen(0.45)], [other]]) == [[], []]


def test_who_comes_in_is_cut_by_the_border_and_is_the_same():
    coming = [Detection("person", 0.45, np.array([0.0, 0.1, right, 0.5])) for right in (0.06, 0.2)]
    assert kept([[one] for one in coming]) == [[("person", 0.45)]] * 2


def test_two_who_cross_are_two_tracks():
    tracks, numbers = Tracks(16 / 9), []
    for i in range(6):
        found = [seen(0.6, 0.06 * i), seen(0.5, 0.6 - 0.06 * i)]
        numbers.append([track.number for track in tracks.add(i / 3, found)])
    assert numbers == [[0, 1]] * 6


def test_one_track_takes_one_detection_of_a_sample():
    tracks = Tracks(16 / 9)
    tracks.add(0.0, [seen(0.6)])
    assert [track.number for track in tracks.add(1 / 3, [seen(0.5, 0.1), seen(0.4, 0.01)])] == [1, 0]
