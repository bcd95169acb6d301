"""What a voice is like and how it is judged, on synthetic voices; and on recordings of calm reading."""

from __future__ import annotations

import math

import numpy as np
import pytest

from clipbench.analyzers.base import Segment
from clipbench.analyzers.features import onnx_networks
from clipbench.analyzers.features.speech.pitch import PitchSettings, track_pitch
from clipbench.analyzers.speech_emotion import (
    SpeechEmotion,
    Voice,
    emotion_name,
    estimate_emotion,
    measure_voice,
    nuclei,
    split_region,
)
from tests.support import sounds
from tests.support.clip_views import ArrayClip
from tests.support.sounds import RATE, chords, noise, recording, silence

CALM = Voice(f0_hz=120.0, f0_range=4.6, level_db=-25.0, alpha_ratio_db=-10.2, syllables_per_s=3.9)


def voice(seconds: float, hz: float, syllables_per_s: float, level: float = 0.2, bright: float = 1.0):
    """A buzz at `hz` that swells and fades for every syllable; its overtones fall as 1 / k ** bright."""
    time = np.arange(round(seconds * RATE)) / RATE
    buzz = sum(np.sin(2 * np.pi * hz * k * time) / k**bright for k in range(1, 25))
    swell = 0.5 - 0.5 * np.cos(2 * np.pi * syllables_per_s * time)
    return (level * buzz * swell**2).astype(np.float32)


def measured(audio):
    net = onnx_networks.open_network("crepe-tiny")
    seconds = len(audio) / RATE
    track = track_pitch(audio, net, (0, seconds), PitchSettings())
    net.close()
    return measure_voice(audio, track)


@pytest.mark.parametrize(("hz", "rate"), [(110, 3), (150, 4), (220, 6)])
def test_pitch_and_syllables_of_a_voice(hz, rate):
    found = measured(voice(2, hz, rate))
    assert found.f0_hz == pytest.approx(hz, rel=0.02)
    assert found.f0_range < 0.5
    assert found.syllables_per_s == pytest.approx(rate, abs=0.51)


def test_level_and_spectral_balance():
    soft, loud, bright = (
        measured(voice(1, 150, 4, level, slope)) for level, slope in ((0.05, 1.5), (0.2, 1.5), (0.2, 0.8))
    )
    assert loud.level_db - soft.level_db == pytest.approx(12.04, abs=0.1)
    assert loud.alpha_ratio_db == pytest.approx(soft.alpha_ratio_db, abs=0.1)
    assert bright.alpha_ratio_db > loud.alpha_ratio_db + 5


def test_a_click_is_no_syllable():
    audio = np.concatenate([voice(1, 150, 2), silence(0.5), noise(0.01), silence(0.5)])
    net = onnx_networks.open_network("crepe-tiny")
    track = track_pitch(audio, net, (0, 2), PitchSettings())
    net.close()
    assert (nuclei(audio, track) < 1).all()


def test_calm_reading_is_neutral():
    arousal, valence = estimate_emotion(CALM, 120, -25)
    assert (arousal, valence) == pytest.approx((0, 0), abs=0.01)
    assert emotion_name(arousal, valence, 0.3) == "neutral"


@pytest.mark.parametrize(
    "change",
    [
        {"f0_hz": 180.0},
        {"level_db": -15.0},
        {"f0_range": 9.0},
        {"alpha_ratio_db": -4.0},
        {"syllables_per_s": 6.0},
    ],
    ids=lambda change: next(iter(change)),
)
def test_everything_that_arousal_raises_raises_it(change):
    assert estimate_emotion(CALM._replace(**change), 120, -25)[0] > 0.1


def test_valence_stays_smaller_than_arousal():
    arousal, valence = estimate_emotion(CALM._replace(f0_range=9.0, f0_hz=180.0, level_db=-19.0), 120, -25)
    assert 0 < valence < arousal


def test_a_whisper_has_no_pitch_to_judge():
    arousal, valence = estimate_emotion(CALM._replace(f0_hz=math.nan, f0_range=math.nan), 120, -25)
    assert (arousal, valence) == pytest.approx((0, 0), abs=0.01)


def test_names_of_the_quadrants():
    named = [
        emotion_name(a, v, 0.3) for a, v in ((0.5, 0.5), (0.5, -0.5), (-0.5, -0.5), (-0.5, 0.5), (0.1, 0.1))
    ]
    assert named == ["excited", "tense", "sad", "calm", "neutral"]


def test_speech_is_split_evenly():
    assert split_region(1, 6, 2) == [pytest.approx((1, 3.5)), pytest.approx((3.5, 6))]
    assert split_region(1, 1.3, 2) == [pytest.approx((1, 1.3))]


@pytest.fixture(scope="module")
def analyzer():
    analyzer = SpeechEmotion()
    analyzer.load()
    yield analyzer
    analyzer.unload()


@pytest.mark.parametrize(
    "audio", [silence(2), noise(2), chords([(57, 60, 64)], 0.5, 2), silence(0), silence(0.01)]
)
def test_nobody_speaks(analyzer, audio):
    assert analyzer.analyze(ArrayClip(audio=audio, duration_s=max(0.1, len(audio) / RATE)), {}) == []


def test_it_says_that_it_stands_in():
    assert "no package" in SpeechEmotion.stand_in


def test_reading_aloud(analyzer):
    segments = analyzer.analyze(ArrayClip(audio=recording("austen")), {})
    assert segments
    for segment in segments:
        data = segment.data
        assert 80 < data["f0_hz"] < 120  # a man
        assert 3 < data["syllables_per_s"] < 6
        assert -1 <= data["valence"] <= 1
        assert abs(data["arousal"]) < 0.4  # calm
        track = data["pitch"]
        assert len(track["hz"]) * track["step_s"] == pytest.approx(segment.end_s - segment.start_s, abs=0.03)
        assert any(track["hz"])


def test_shouting_is_more_aroused_than_reading(analyzer):
    calm = recording("austen")
    # A third faster and higher, twice as loud and brighter: what a raised voice does.
    raised = np.interp(np.arange(0, len(calm) - 1, 4 / 3), np.arange(len(calm)), calm)
    raised = 1.5 * (raised - 0.6 * np.concatenate([[0], raised[:-1]]))
    audio = np.concatenate([calm, silence(0.5), raised]).astype(np.float32)
    segments = analyzer.analyze(ArrayClip(audio=audio), {})
    boundary = len(calm) / RATE + 0.25
    before, after = (
        np.mean([s.data["arousal"] for s in segments if (s.start_s > boundary) == late]) for late in (0, 1)
    )
    assert after > before + 0.3


def test_without_a_word_there_is_no_emotion():
    """Of sung vowels, which Silero VAD takes for speech."""
    analyzer = SpeechEmotion()
    analyzer.load()
    sung = ArrayClip(audio=sounds.voice("aiuoaiuo", 0.4, 150))
    assert analyzer.analyze(sung, {}) and analyzer.analyze(sung, {"speech_transcription": []}) == []
    spoken = ArrayClip(audio=recording("austen"))
    said = {"word": "even", "start_s": 0.7, "end_s": 1.0, "probability": 1.0}
    transcript = [Segment(0.7, 1.0, "even", 1.0, {"words": [said]})]
    assert len(analyzer.analyze(spoken, {"speech_transcription": transcript})) == 1
    analyzer.unload()
