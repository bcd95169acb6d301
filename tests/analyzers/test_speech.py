"""Regions of speech from probabilities, and the pitch of tones."""

from __future__ import annotations

import numpy as np
import pytest

from clipbench.analyzers.features import networks
from clipbench.analyzers.features.speech.voice_activity import (
    Pitch,
    PitchSettings,
    Region,
    SpeechSettings,
    find_regions,
    join,
    pitch,
    smooth_path,
    track_pitch,
)
from clipbench.analyzers.features.speech.voice_activity import regions as analyzed
from tests.support.clip_views import ArrayClip
from tests.support.sounds import RATE, chords, noise, recording, silence, tone

FRAME_S = 512 / RATE


@pytest.fixture(scope="module")
def crepe():
    net = networks.open_net("crepe-tiny")
    yield net
    net.close()


def regions(probabilities, **settings):
    found = find_regions(np.array(probabilities), len(probabilities) * 512, SpeechSettings(**settings))
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
    (found,) = find_regions(np.full(20, 0.9), 20 * 512 - 100, SpeechSettings())
    assert found.end_s == (20 * 512 - 100) / RATE


def test_join():
    joined = join([Region(0, 1, 0.5), Region(1.2, 4.2, 0.9), Region(5, 6, 1)], 0.3)
    assert joined == [Region(0, 4.2, pytest.approx(0.8)), Region(5, 6, 1)]


@pytest.mark.parametrize("hz", [80, 110, 220, 440])
@pytest.mark.parametrize("harmonics", [1, 4])
def test_pitch_of_tones(crepe, hz, harmonics):
    track = track_pitch(tone(hz, 1, harmonics=harmonics), crepe, [(0.1, 0.9)], PitchSettings())
    found = track.between(0.1, 0.9).hz
    assert np.abs(1200 * np.log2(found / hz)).max() < 25  # cents


def test_pitch_of_a_glide(crepe):
    time = np.arange(2 * RATE) / RATE
    rising = np.sin(2 * np.pi * (150 * time + 50 * time**2)).astype(np.float32)  # 150 to 350 Hz
    track = track_pitch(rising, crepe, [(0, 2)], PitchSettings())
    times = track.start_s + np.arange(len(track.hz)) * track.step_s
    inside = (times > 0.1) & (times < 1.9)
    assert np.abs(track.hz[inside] / (150 + 100 * times[inside]) - 1).max() < 0.05


def test_no_pitch_outside_the_spans_nor_in_silence(crepe):
    audio = np.concatenate([tone(200, 1), silence(1)])
    track = track_pitch(audio, crepe, [(0.5, 2)], PitchSettings())
    assert np.isnan(track.between(0, 0.5).hz).all()
    assert not np.isnan(track.between(0.5, 0.9).hz).any()
    assert np.isnan(track.between(1.1, 2).hz).all()


def test_pitch_is_computed_once_per_clip(crepe):
    calls = []

    def counting(frames, batch):
        calls.append(len(frames))
        return crepe(frames, batch=batch)

    clip = ArrayClip(audio=noise(1))
    for _ in range(2):
        pitch(clip, counting, [Region(0, 1, 1.0)], PitchSettings())
    assert len(calls) == 1


def test_the_path_avoids_a_leap():
    strength = np.full((5, 100), 0.01)
    strength[:, 20] = 0.5
    strength[2, 80] = 0.6  # an octave error
    assert smooth_path(strength, 36).tolist() == [20] * 5


def test_between():
    track = Pitch(0.0, 0.02, np.arange(100.0))
    part = track.between(0.1, 0.2)
    assert part.start_s == pytest.approx(0.1)
    assert part.hz.tolist() == [5, 6, 7, 8, 9]


@pytest.mark.parametrize(("name", "start_s", "end_s"), [("austen", 0.27, 2.86), ("cards", 0.19, 3.24)])
def test_speech_is_where_somebody_speaks(name, start_s, end_s):
    net = networks.open_net("silero-vad")
    audio = np.concatenate([noise(1, 0.003), recording(name), chords([(57, 60, 64)], 0.5, 2), noise(1)])
    found = analyzed(ArrayClip(audio=audio), net, SpeechSettings())
    net.close()
    assert found[0].start_s == pytest.approx(1 + start_s, abs=0.1)
    assert found[-1].end_s == pytest.approx(1 + end_s, abs=0.25)
    assert all(region.probability > 0.8 for region in found)


def test_probabilities_are_computed_once_and_do_not_depend_on_the_block():
    net = networks.open_net("silero-vad")
    calls = []

    def counting(*inputs):
        calls.append(len(inputs[0]))
        return net(*inputs)

    audio = np.concatenate([recording("austen")] * 6)
    clip = ArrayClip(audio=audio)
    first = analyzed(clip, counting, SpeechSettings())
    assert calls == [512, 105]
    assert analyzed(clip, counting, SpeechSettings(min_silence_s=0.5)) != first
    assert len(calls) == 2
    net.close()


def test_pitch_of_a_man_who_reads(crepe):
    # An independent estimate: the autocorrelation of the voiced frames.
    audio = recording("austen")
    track = track_pitch(audio, crepe, [(0.26, 2.8)], PitchSettings())
    voiced = np.flatnonzero(~np.isnan(track.hz))
    assert len(voiced) * track.step_s > 1.2
    wrong = 0
    for index in voiced:
        middle = round(index * track.step_s * RATE)
        sound = audio[max(0, middle - 512) : middle + 512]
        likeness = np.correlate(sound, sound, "full")[len(sound) - 1 :]
        expected = round(RATE / track.hz[index])
        near = likeness[round(expected * 0.85) : round(expected * 1.15) + 1]
        wrong += near.max() < 0.35 * likeness[0]
    assert wrong / len(voiced) < 0.1
    assert 80 < np.nanmedian(track.hz) < 110
