"""Regions of speech from probabilities, and in recordings."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from clipbench.analyzers.features.onnx_networks import open_network
from clipbench.analyzers.features.speech.voice_activity import (
    Joiner,
    Listening,
    Region,
    RegionTracker,
    SpeechSettings,
    begin_listening,
    join_regions,
    listen,
)
from tests.support.chunks import slices
from tests.support.clip_views import ArrayClip
from tests.support.sounds import RATE, chords, noise, recording

FRAME_S = 512 / RATE


def regions_from_probabilities(probabilities, samples, settings, *cuts):
    """The regions that a tracker tells when the frames come in pieces that end at these cuts."""
    tracker, found = RegionTracker(), []
    for part in np.split(probabilities, cuts):
        found += tracker.feed(part, settings)
    return found + tracker.finish(samples, settings)


def find_speech(clip, net, settings, *cuts_s):
    """The regions in a clip that comes in chunks; the chunk's memo is the clip's where it is the only one."""
    state, found = begin_listening(clip), []
    for chunk in slices(clip, *cuts_s):
        if not cuts_s:
            chunk.memo = clip.memo
        found += listen(chunk, net, settings, state)
    return found


def regions(probabilities, **settings):
    found = regions_from_probabilities(
        np.array(probabilities), len(probabilities) * 512, SpeechSettings(**settings)
    )
    return [(region.start_s / FRAME_S, region.end_s / FRAME_S) for region in found]


def test_a_region_is_padded():
    (found,) = regions([0] * 10 + [0.9] * 20 + [0] * 10)
    assert found == pytest.approx((10 - 0.03 / FRAME_S, 30 + 0.03 / FRAME_S))


def test_a_short_dip_and_a_shallow_one_do_not_end_it():
    dips = [0.9] * 20 + [0] * 2 + [0.9] * 10 + [0.4] * 10 + [0.9] * 10
    assert regions(dips, speech_pad_s=0) == [(0, len(dips))]


def test_a_long_dip_does():
    assert regions([0.9] * 20 + [0] * 10 + [0.9] * 20, speech_pad_s=0) == [(0, 20), (30, 50)]


def test_padding_meets_in_the_middle():
    first, second = regions([0.9] * 20 + [0] * 10 + [0.9] * 20, speech_pad_s=1)
    assert first[1] == second[0] == 25


def test_short_speech_is_dropped():
    assert regions([0] * 10 + [0.9] * 7 + [0] * 10) == []


def test_speech_to_the_last_sample():
    (found,) = regions_from_probabilities(np.full(20, 0.9), 20 * 512 - 100, SpeechSettings())
    assert found.end_s == (20 * 512 - 100) / RATE


def test_join():
    joined = join_regions([Region(0, 1, 0.5), Region(1.2, 4.2, 0.9), Region(5, 6, 1)], 0.3)
    assert joined == [Region(0, 4.2, pytest.approx(0.8)), Region(5, 6, 1)]


@pytest.mark.parametrize(("name", "start_s", "end_s"), [("austen", 0.27, 2.86), ("cards", 0.19, 3.24)])
def test_speech_is_where_somebody_speaks(name, start_s, end_s):
    net = open_network("silero-vad")
    audio = np.concatenate([noise(1, 0.003), recording(name), chords([(57, 60, 64)], 0.5, 2), noise(1)])
    found = find_speech(ArrayClip(audio=audio), net, SpeechSettings())
    net.close()
    assert found[0].start_s == pytest.approx(1 + start_s, abs=0.1)
    assert found[-1].end_s == pytest.approx(1 + end_s, abs=0.25)
    assert all(region.probability > 0.8 for region in found)


def test_probabilities_are_computed_once_and_do_not_depend_on_the_block():
    net = open_network("silero-vad")
    calls = []

    def counting(*inputs):
        calls.append(len(inputs[0]))
        return net(*inputs)

    audio = np.concatenate([recording("austen")] * 6)
    clip = ArrayClip(audio=audio)
    first = find_speech(clip, counting, SpeechSettings())
    assert calls == [512, 105]
    assert find_speech(clip, counting, SpeechSettings(min_silence_s=0.5)) != first
    assert len(calls) == 2
    net.close()


def by_the_book(probabilities, samples, settings):
    """silero-vad's `get_speech_timestamps`, with all probabilities at hand."""
    low, found, start, quiet = max(settings.speech_threshold - 0.15, 0.01), [], None, None
    for at, probability in zip(np.arange(len(probabilities)) * 512, probabilities, strict=True):
        if probability >= settings.speech_threshold:
            start, quiet = (at if start is None else start), None
        elif start is not None and probability < low:
            quiet = at if quiet is None else quiet
            if at - quiet >= settings.min_silence_s * RATE:
                found.append((start, quiet))
                start = quiet = None
    if start is not None:
        found.append((start, samples))
    found = [(a, b) for a, b in found if b - a > settings.min_speech_s * RATE]
    pad, padded = settings.speech_pad_s * RATE, []
    for index, (a, b) in enumerate(found):
        before = (a - found[index - 1][1]) / 2 if index else a
        after = (found[index + 1][0] - b) / 2 if index + 1 < len(found) else samples - b
        mean = float(np.mean(probabilities[a // 512 : -(-b // 512)]))
        padded.append(Region((a - min(pad, before)) / RATE, (b + min(pad, after)) / RATE, mean))
    return padded


def random_speech(seed):
    """A generator, the probabilities of frames, the number of samples that they are of, and settings."""
    random = np.random.default_rng(seed)
    levels = random.choice([0.05, 0.4, 0.9], 80)
    levels = np.repeat(levels, random.integers(1, random.choice([12, 120]), 80))
    probabilities = np.clip(levels + random.normal(0, 0.08, len(levels)), 0, 1).astype(np.float32)
    settings = SpeechSettings(
        min_silence_s=float(random.choice([0, 0.1, 0.3])),
        speech_pad_s=float(random.choice([0, 0.03, 0.4])),
        min_speech_s=float(random.choice([0, 0.25])),
    )
    return random, probabilities, len(probabilities) * 512 - int(random.integers(0, 512)), settings


@pytest.mark.parametrize("seed", range(30))
def test_regions_are_the_same_however_the_frames_come(seed):
    random, probabilities, samples, settings = random_speech(seed)
    expected = by_the_book(probabilities, samples, settings)
    for pieces in (0, 1, 7, len(probabilities) - 1):
        cuts = np.sort(random.choice(np.arange(1, len(probabilities)), pieces, replace=False))
        assert regions_from_probabilities(probabilities, samples, settings, *cuts) == expected


@pytest.mark.parametrize("gap_s", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("seed", range(12))
def test_stretches_are_joined_regions(seed, gap_s):
    random, probabilities, samples, settings = random_speech(seed)
    regions = join_regions(by_the_book(probabilities, samples, settings), gap_s)
    for pieces in (0, 1, 60):
        cuts = np.sort(random.choice(np.arange(1, len(probabilities)), pieces, replace=False))
        joiner, stretches = Joiner(gap_s, 1e9), []
        for state, known in listened(probabilities, samples, settings, cuts):
            stretches += joiner.add(known, state, settings)
            state.forget_before(joiner.needed_s(state, settings))
        assert stretches == [(region.start_s, region.end_s) for region in regions]


def listened(probabilities, samples, settings, cuts):
    """The state after each piece of frames, which end at `cuts`, and the regions known then.

    Every sample of the sound is its own number.
    """
    state, audio = Listening(), np.arange(samples, dtype=np.float32)
    ends = [*cuts, len(probabilities)]
    for first, end in pairwise([0, *ends]):
        state.sound = np.concatenate([state.sound, audio[first * 512 : end * 512]])
        known = state.tracker.feed(probabilities[first:end], settings)
        if end == ends[-1]:
            known += state.tracker.finish(samples, settings)
            state.over = True
        yield state, known


def test_what_is_left_of_divided_speech_is_not_too_short():
    settings, samples = SpeechSettings(), 11 * RATE
    ((state, known),) = listened(np.full(-(-samples // 512), 0.9), samples, settings, [])
    found = Joiner(0.3, 10.0, least_s=2.0).add(known, state, settings)
    assert found == [(0.0, 11.0)]


def test_a_region_that_meets_the_next_one_is_known_once_that_is_certain():
    """Else all of the next one's sound would be carried on, too, however long it is."""
    tracker, settings = RegionTracker(), SpeechSettings(speech_pad_s=0.4)
    first = np.concatenate([np.full(40, 0.9), np.full(10, 0.05), np.full(20, 0.9)])
    (region,) = tracker.feed(first, settings)
    assert region.end_s == pytest.approx(45 * FRAME_S)
    assert tracker.speaking_s(settings) == pytest.approx((45 * FRAME_S, 69 * FRAME_S))


def test_the_last_frame_is_as_long_as_its_sound():
    """Eight frames are long enough to be speech, less than that is not: the first region has all the room."""
    settings = SpeechSettings(speech_pad_s=0.4)
    probabilities = np.concatenate([np.full(40, 0.9), np.full(10, 0.05), np.full(8, 0.9)])
    (found,) = regions_from_probabilities(probabilities, 58 * 512 - 500, settings)
    assert found.end_s == pytest.approx(min(40 * FRAME_S + 0.4, (58 * 512 - 500) / RATE))


@pytest.mark.parametrize("step_s", [0.05, 0.37, 2.5])
def test_speech_is_the_same_in_chunks(step_s):
    net = open_network("silero-vad")
    clip = ArrayClip(audio=np.concatenate([noise(0.5, 0.003), recording("austen"), recording("cards")]))
    whole = find_speech(clip, net, SpeechSettings())
    chunks = find_speech(clip, net, SpeechSettings(), *np.arange(step_s, clip.duration_s, step_s))
    net.close()
    assert len(whole) == len(chunks) > 1
    for one, other in zip(whole, chunks, strict=True):
        assert one[:2] == other[:2] and one[2] == pytest.approx(other[2], abs=1e-4)


def test_speech_without_a_pause_is_divided_and_not_carried_for_ever():
    settings, state = SpeechSettings(), Listening()
    joiner, found, most = Joiner(0.3, 10.0), [], 0
    for _ in range(40):
        state.sound = np.concatenate([state.sound, np.zeros(RATE, np.float32)])
        regions = state.tracker.feed(np.full(31, 0.9), settings)
        found += joiner.add(regions, state, settings)
        state.forget_before(joiner.needed_s(state, settings))
        most = max(most, len(state.sound))
    assert [end - start for start, end in found] == [pytest.approx(10)] * 3
    assert most <= 12 * RATE
