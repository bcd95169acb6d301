"""What is looked up by time: as a plain search finds it, and without going through the whole clip."""

from __future__ import annotations

import random

import pytest

from clipbench.analyzers.base import Segment
from clipbench.analyzers.features.rules import observations
from clipbench.analyzers.features.rules.sightings import Sightings, anybody
from clipbench.analyzers.features.time_spans import by_time, covered_s
from clipbench.analyzers.temporal_flow import count, per_minute, snapped, without_short


class Counted(float):
    """A time that counts how often it is compared."""

    compared = 0

    def __lt__(self, other: float) -> bool:
        Counted.compared += 1
        return float(self) < float(other)

    def __gt__(self, other: float) -> bool:
        Counted.compared += 1
        return float(self) > float(other)


def comparisons(ask) -> int:
    Counted.compared = 0
    ask()
    return Counted.compared


def slow_count(times: list[float], start_s: float, end_s: float) -> float:
    return sum(start_s < at < end_s for at in times) + sum(at in (start_s, end_s) for at in times) / 2


def overlapping(segments: list[Segment], start_s: float, end_s: float) -> list[Segment]:
    return [one for one in segments if one.start_s < end_s and one.end_s > start_s]


def slow_snapped(at: float, anchors, reach: float) -> float:
    for times in anchors:
        if near := [time for time in times if abs(time - at) <= reach]:
            return min(near, key=lambda time: abs(time - at))
    return at


def slow_without_short(lengths: list[int], least: float) -> list[int]:
    runs = list(lengths)
    while len(runs) > 1 and min(runs) < least:
        index = runs.index(min(runs))
        neighbour = max((i for i in (index - 1, index + 1) if 0 <= i < len(runs)), key=lambda i: runs[i])
        runs[neighbour] += runs[index]
        del runs[index]
    return runs


def some_segments(rng: random.Random) -> list[Segment]:
    found = []
    for _ in range(rng.randrange(30)):
        start_s = rng.randrange(20) / 2
        found.append(
            Segment(start_s, start_s + rng.choice([0, 0.5, 1, 4, 15]), rng.choice("abc"), rng.random())
        )
    return found


def test_times_are_counted_as_a_plain_count_has_them():
    rng = random.Random(0)
    for _ in range(500):
        times = sorted(rng.randrange(20) / 2 for _ in range(rng.randrange(30)))
        span = rng.randrange(20) / 2, rng.randrange(20) / 2
        assert count(times, *span) == slow_count(times, *span)


def test_segments_are_found_as_a_plain_search_has_them_and_in_its_order():
    rng = random.Random(1)
    for _ in range(500):
        found = some_segments(rng)
        span = rng.randrange(20) / 2, rng.randrange(24) / 2
        assert [id(one) for one in by_time(found).overlapping(*span)] == [
            id(one) for one in overlapping(found, *span)
        ]


def test_a_border_goes_to_the_time_that_a_plain_search_finds():
    rng = random.Random(4)
    for _ in range(500):
        cuts, scenes = (sorted(rng.randrange(40) / 4 for _ in range(rng.randrange(12))) for _ in "ab")
        at, reach = rng.randrange(40) / 4, rng.choice([0, 0.25, 1, 3])
        assert snapped(at, (cuts, scenes), reach) == slow_snapped(at, (cuts, scenes), reach)


def test_short_stretches_are_joined_as_a_plain_search_does():
    rng = random.Random(6)
    for _ in range(2000):
        lengths = [rng.choice([1, 1, 2, 3, 8]) for _ in range(rng.randrange(1, 15))]
        least = rng.choice([0, 1, 2, 2.5, 5, 100])
        assert without_short(lengths, least) == slow_without_short(lengths, least)


def slow_silence(results) -> list[list[str]]:
    spans = [(one.start_s, one.end_s) for one in results["audio_analysis"]]
    return [[text.label for text in overlapping(results["text_overlay"], *span)] for span in spans]


def test_what_is_written_meanwhile_is_what_a_plain_search_finds():
    rng = random.Random(5)
    for _ in range(200):
        silent = [Segment(one.start_s, one.end_s, "silence", None, {}) for one in some_segments(rng)]
        results = {"audio_analysis": silent, "text_overlay": some_segments(rng)}
        said = observations.silence(results, 0.0)
        found = [[e["label"] for e in one.data["evidence"][1:]] for one in said]
        assert found == slow_silence(results)


def test_sightings_are_those_of_all_analyzers_that_overlap():
    rng = random.Random(2)
    for _ in range(200):
        found = some_segments(rng)
        shown = Sightings({"object_detection": found}, 0.3)
        start_s = rng.randrange(20) / 2
        there = overlapping(found, start_s, start_s + 2)
        assert shown.faintly(start_s, start_s + 2) == {one.label for one in there}
        best = shown.surely(start_s, start_s + 2, 0.0)
        sure = [one for one in there if one.confidence >= 0.3]
        for label in {one.label for one in sure}:
            expected = max((one for one in sure if one.label == label), key=lambda one: one.confidence)
            assert best[label].segment is expected
        assert best.keys() == {one.label for one in sure}


def slow_voice_over(results, min_s: float) -> list[tuple[float, float]]:
    spans = [(one.start_s, one.end_s) for one in results["speech_transcription"]]
    visible = anybody(results)
    return [
        (start_s, end_s)
        for start_s, end_s in spans
        if end_s - start_s >= min_s and covered_s(visible, start_s, end_s) < 0.1 * (end_s - start_s)
    ]


def test_who_speaks_unseen_and_which_faces_a_shot_shows_are_as_before():
    rng = random.Random(3)
    for _ in range(200):
        shots = [Segment(3.0 * at, 3.0 * at + 3, "shot", None, {}) for at in range(4)]
        faces = sorted(some_segments(rng), key=lambda one: one.start_s)
        faces = [Segment(one.start_s, one.end_s, "female", 0.9, {"age": 30.0}) for one in faces]
        results = {
            "cut_analysis": shots, "age_estimation": faces, "speech_transcription": some_segments(rng),
            "object_detection": [one for one in some_segments(rng) if rng.random() < 0.1],
        }  # fmt: skip
        said = observations.voice_over(results, 0.5)
        assert [(one.start_s, one.end_s) for one in said] == slow_voice_over(results, 0.5)
        one_by_one = []
        for shot in shots:
            own = [one for one in faces if shot.start_s <= one.start_s < shot.end_s]
            of_shot = {"cut_analysis": [shot], "age_estimation": own}
            one_by_one += observations.people(of_shot, 0.5, 0.0)
        assert observations.people(results, 0.5, 0.0) == one_by_one


def test_joining_stretches_of_sixteen_times_as_many_takes_little_more_than_sixteen_times():
    took = [comparisons(lambda n=n: without_short([Counted(1)] * n, 3)) for n in (1000, 16_000)]
    assert 0 < took[1] < 40 * took[0]


@pytest.mark.parametrize("what", ["per_minute", "overlapping", "surely"])
def test_a_clip_of_sixteen_times_the_length_takes_hardly_more_to_look_something_up(what):
    took = []
    for length in (1000, 16_000):
        times = [Counted(at) for at in range(length)]
        found = [Segment(at, Counted(at + 1), "cup", 0.9, {}) for at in times]
        lookup = by_time(found)
        shown = Sightings({"object_detection": found}, 0.3)
        middle = length / 2
        ask = {
            "per_minute": lambda times=times, at=middle: per_minute(times, at, at + 3),
            "overlapping": lambda lookup=lookup, at=middle: lookup.overlapping(at, at + 3),
            "surely": lambda shown=shown, at=middle: shown.surely(at, at + 3, 0.5),
        }[what]
        took.append(comparisons(ask))
    assert 0 < took[0] <= took[1] <= took[0] + 40
