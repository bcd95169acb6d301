"""Regions of speech from probabilities, and in recordings."""

from __future__ import annotations

import numpy as np
import pytest

from clipbench.analyzers.features.onnx_networks import open_network
from clipbench.analyzers.features.speech.voice_activity import (
    Region,
    SpeechSettings,
    find_speech,
    join_regions,
    regions_from_probabilities,
)
from tests.support.clip_views import ArrayClip
from tests.support.sounds import RATE, chords, noise, recording

FRAME_S = 512 / RATE


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
