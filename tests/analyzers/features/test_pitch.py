"""The pitch of tones, glides and a reader."""

from __future__ import annotations

import numpy as np
import pytest

from clipbench.analyzers.features.onnx_networks import open_network
from clipbench.analyzers.features.speech.pitch import (
    AROUND_S,
    Pitch,
    PitchSettings,
    smooth_path,
    track_pitch,
)
from tests.support.sounds import RATE, recording, silence, tone


@pytest.fixture(scope="module")
def crepe():
    net = open_network("crepe-tiny")
    yield net
    net.close()


@pytest.mark.parametrize("hz", [80, 110, 220, 440])
@pytest.mark.parametrize("harmonics", [1, 4])
def test_pitch_of_tones(crepe, hz, harmonics):
    track = track_pitch(tone(hz, 1, harmonics=harmonics), crepe, (0.1, 0.9), PitchSettings())
    found = track.between(0.1, 0.9).hz
    assert np.abs(1200 * np.log2(found / hz)).max() < 25  # cents


def test_pitch_of_a_glide(crepe):
    time = np.arange(2 * RATE) / RATE
    rising = np.sin(2 * np.pi * (150 * time + 50 * time**2)).astype(np.float32)  # 150 to 350 Hz
    track = track_pitch(rising, crepe, (0, 2), PitchSettings())
    times = track.start_s + np.arange(len(track.hz)) * track.step_s
    inside = (times > 0.1) & (times < 1.9)
    assert np.abs(track.hz[inside] / (150 + 100 * times[inside]) - 1).max() < 0.05


def test_no_pitch_outside_the_spans_nor_in_silence(crepe):
    audio = np.concatenate([tone(200, 1), silence(1)])
    track = track_pitch(audio, crepe, (0.5, 2), PitchSettings())
    assert np.isnan(track.between(0, 0.5).hz).all()
    assert not np.isnan(track.between(0.5, 0.9).hz).any()
    assert np.isnan(track.between(1.1, 2).hz).all()


@pytest.mark.parametrize("span", [(0.0, 0.9), (0.31, 1.2), (1.7, 2.86)])
def test_pitch_needs_no_more_sound_than_around_the_span(crepe, span):
    audio = recording("austen")
    whole = track_pitch(audio, crepe, span, PitchSettings())
    first = max(0, round((span[0] - AROUND_S) * RATE))
    part = audio[first : round((span[1] + AROUND_S) * RATE)]
    alone = track_pitch(part, crepe, span, PitchSettings(), first)
    assert whole.start_s == alone.start_s
    np.testing.assert_allclose(whole.hz, alone.hz, rtol=1e-5)


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


def test_pitch_of_a_man_who_reads(crepe):
    # An independent estimate: the autocorrelation of the voiced frames.
    audio = recording("austen")
    track = track_pitch(audio, crepe, (0.26, 2.8), PitchSettings())
    voiced = np.flatnonzero(~np.isnan(track.hz))
    assert len(voiced) * track.step_s > 1.2
    wrong = 0
    for index in voiced:
        middle = round((track.start_s + index * track.step_s) * RATE)
        sound = audio[max(0, middle - 512) : middle + 512]
        likeness = np.correlate(sound, sound, "full")[len(sound) - 1 :]
        expected = round(RATE / track.hz[index])
        near = likeness[round(expected * 0.85) : round(expected * 1.15) + 1]
        wrong += near.max() < 0.35 * likeness[0]
    assert wrong / len(voiced) < 0.1
    assert 80 < np.nanmedian(track.hz) < 110
