"""Tempo, key, loudness, spectrum and silence, on sounds that are exactly what they are said to be."""

from __future__ import annotations

import numpy as np
import pytest

from clipbench.analyzers.audio_analysis import AudioAnalysis, AudioAnalysisSettings
from clipbench.analyzers.base import NothingToAnalyze
from tests.support.clip_views import ArrayClip
from tests.support.sounds import RATE, chords, clicks, noise, silence, tone

A_MINOR = [(57, 60, 64), (62, 65, 69), (64, 68, 71), (57, 60, 64)]
C_MAJOR = [(60, 64, 67), (65, 69, 72), (67, 71, 74), (60, 64, 67)]
D_SHARP_MAJOR = [tuple(note + 3 for note in chord) for chord in C_MAJOR]


def analyze(audio, **settings):
    analyzer = AudioAnalysis(AudioAnalysisSettings(**settings))
    analyzer.load()
    return analyzer.analyze(ArrayClip(audio=audio), {})


def summary(audio, **settings):
    (found,) = (segment for segment in analyze(audio, **settings) if segment.label == "summary")
    return found.data


@pytest.mark.parametrize("bpm", [60, 75, 90, 120, 128, 140])
def test_tempo_of_clicks(bpm):
    assert summary(clicks(bpm, 10))["tempo_bpm"] == pytest.approx(bpm, rel=0.01)


def test_tempo_of_music_beside_other_sound():
    assert summary(np.concatenate([noise(5), clicks(100, 5)]))["tempo_bpm"] == pytest.approx(100, rel=0.02)


def test_noise_has_neither_tempo_nor_key():
    found = summary(noise(10))
    assert found["tempo_bpm"] is None
    assert found["key"] is None


@pytest.mark.parametrize(
    ("progression", "key"), [(A_MINOR, "A minor"), (C_MAJOR, "C major"), (D_SHARP_MAJOR, "D# major")]
)
def test_key_of_chords(progression, key):
    found = summary(chords(progression, 1.0, 8))
    assert found["key"] == key
    assert found["key_strength"] > 0.8


def test_loudness_of_a_tone():
    # ITU-R BS.1770-4: a 997 Hz sine at full scale in one channel reads -3.01 LUFS.
    found = summary(tone(997, 5, amplitude=0.1))
    assert found["lufs"] == pytest.approx(-23.01, abs=0.1)
    assert found["peak_db"] == pytest.approx(-20, abs=0.05)
    assert found["loudness_range"] < 1


def test_loudness_range_of_two_levels():
    # EBU Tech 3342, case 1: 20 s at -20 and 20 s at -30 LUFS have a range of 10 LU.
    found = summary(np.concatenate([tone(1000, 20, amplitude=0.1), tone(1000, 20, amplitude=0.0316)]))
    assert found["loudness_range"] == pytest.approx(10, abs=1)


def test_quiet_is_ten_decibels_under_loud():
    loud, quiet = summary(noise(4)), summary(noise(4) * 10**-0.5)
    assert loud["lufs"] - quiet["lufs"] == pytest.approx(10, abs=0.05)


def test_spectrum_follows_the_sound():
    audio = np.concatenate([tone(500, 1), tone(2000, 1), noise(1), silence(1)])
    low, high, white, none = (segment for segment in analyze(audio) if segment.label == "spectrum")
    assert low.data["centroid_hz"] == pytest.approx(500, rel=0.1)
    assert high.data["centroid_hz"] == pytest.approx(2000, rel=0.05)
    assert high.data["zero_crossing_rate"] == pytest.approx(2 * 2000 / RATE, rel=0.01)
    assert white.data["rolloff_hz"] == pytest.approx(0.85 * RATE / 2, rel=0.05)
    assert white.data["flatness"] > 0.8 > 0.01 > low.data["flatness"]
    assert none.data["centroid_hz"] is None
    assert [segment.start_s for segment in (low, high, white, none)] == [0, 1, 2, 3]


def test_silence_is_where_it_is():
    found = [s for s in analyze(np.concatenate([noise(1), silence(1.5), noise(1)])) if s.label == "silence"]
    assert [(s.start_s, s.end_s) for s in found] == [
        (pytest.approx(1, abs=0.02), pytest.approx(2.5, abs=0.02))
    ]


def test_a_silent_clip_has_no_loudness():
    found = summary(silence(3))
    assert found["lufs"] is None
    assert found["loudness_range"] is None
    assert found["key"] is None


@pytest.mark.parametrize("seconds", [0.064, 0.2, 0.39, 0.4, 0.41, 1.0])
def test_short_sounds_run(seconds):
    found = summary(tone(440, seconds))
    assert (found["lufs"] is None) == (seconds < 0.4)


def test_next_to_no_sound_is_nothing_to_analyze():
    with pytest.raises(NothingToAnalyze, match="samples"):
        analyze(np.zeros(100, np.float32))


def test_segments_come_in_order_and_alike_every_time():
    audio = np.concatenate([noise(2), silence(1), clicks(120, 4)])
    first, second = analyze(audio), analyze(audio)
    assert first == second
    starts = [segment.start_s for segment in first]
    assert starts == sorted(starts)


def test_one_short_burst_in_a_long_silence():
    found = summary(np.concatenate([silence(4), tone(1000, 0.4, amplitude=0.002), silence(4)]))
    assert found["lufs"] < -50


@pytest.mark.parametrize(("seconds", "ends"), [(2.07, 2), (2.4, 2), (2.6, 2.6), (0.3, 0.3)])
def test_a_sliver_at_the_end_has_no_spectrum(seconds, ends):
    found = [segment for segment in analyze(noise(seconds)) if segment.label == "spectrum"]
    assert found[-1].end_s == pytest.approx(ends, abs=1e-3)
    assert len(found) == np.ceil(ends)
