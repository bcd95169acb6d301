"""Regions, pauses and speaking rate, in recordings with known pauses and words."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from clipbench.analyzers.base import Segment
from clipbench.analyzers.features.speech.voice_activity import Region
from clipbench.analyzers.speech_flow import SpeechFlow, words_of
from tests.support.clip_views import ArrayClip
from tests.support.sounds import RATE, noise, recording, silence, voice


def words(*middles: float) -> Segment:
    spoken = [{"word": "w", "start_s": at - 0.1, "end_s": at + 0.1, "probability": 1.0} for at in middles]
    return Segment(middles[0], middles[-1], "w", 1.0, {"words": spoken})


def test_each_word_counts_once_in_the_nearest_region():
    regions = [Region(1, 3, 1), Region(4, 6, 1)]
    transcript = [words(0.5, 1.5, 2.9), words(3.2), words(3.8, 5.0, 6.5)]
    assert [len(said) for said in words_of(regions, transcript)] == [4, 3]
    assert words_of([], transcript) == []
    assert words_of(regions, []) == [[], []]


@pytest.fixture(scope="module")
def analyzer():
    analyzer = SpeechFlow()
    analyzer.load()
    yield analyzer
    analyzer.unload()


@pytest.mark.parametrize("audio", [silence(2), noise(2), silence(0.01)])
def test_nobody_speaks(analyzer, audio):
    assert analyzer.analyze(ArrayClip(audio=audio), {}) == []


def test_regions_pauses_and_rate(analyzer):
    reading, cards = recording("austen"), recording("cards")
    audio = np.concatenate([silence(0.5), reading, silence(1), cards, silence(0.5)])
    offset = 0.5 + len(reading) / RATE + 1
    transcript = [
        words(1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.4, 2.9),
        words(*(offset + 0.3 + 0.3 * i for i in range(9))),
    ]
    segments = analyzer.analyze(ArrayClip(audio=audio), {"speech_transcription": transcript})
    assert [segment.label for segment in segments] == ["speech", "pause", "speech"]
    first, pause, second = segments
    assert first.start_s == pytest.approx(0.5 + 0.27, abs=0.1)
    assert (pause.start_s, pause.end_s) == (first.end_s, second.start_s)
    assert second.start_s == pytest.approx(offset + 0.19, abs=0.1)
    assert (first.data["words"], second.data["words"]) == (8, 9)
    assert first.data["words_per_minute"] == pytest.approx(8 * 60 / (first.end_s - first.start_s), abs=0.5)
    assert first.confidence > 0.9


def test_without_a_transcript_there_are_no_word_counts(analyzer):
    (found,) = analyzer.analyze(ArrayClip(audio=recording("austen")), {})
    assert found.data == {"words": None, "words_per_minute": None}


#: When the words of "austen" begin, as Whisper's cross-attention has them, and when the last one ends.
AUSTEN = (0.26, 0.5, 0.72, 1.0, 1.22, 1.4, 1.78, 2.32, 3.06)


def austen_words(until_s: float, offset_s: float = 0.0) -> Segment:
    """The words of "austen" that have begun at this time, the last one up to there."""
    spoken = [
        {"word": "w", "start_s": offset_s + a, "end_s": offset_s + min(b, until_s), "probability": 1.0}
        for a, b in pairwise(AUSTEN)
        if a < until_s
    ]
    return Segment(offset_s, offset_s + until_s, "w", 1.0, {"words": spoken})


@pytest.mark.parametrize("until_s", [0.6, 0.9, 1.3, 1.6, 1.9, 2.2, 2.5, 2.8])
@pytest.mark.parametrize("then", ["the clip ends", "silence"])
def test_a_phrase_that_is_cut_off_has_no_absurd_rate(analyzer, until_s, then):
    audio = np.concatenate([silence(0.5), recording("austen")[: round(until_s * RATE)]])
    if then == "silence":
        audio = np.concatenate([audio, silence(1)])
    found = analyzer.analyze(ArrayClip(audio=audio), {"speech_transcription": [austen_words(until_s, 0.5)]})
    rates = [segment.data["words_per_minute"] for segment in found]
    # The whole sentence is read at 171 words a minute, its first seven words at 204.
    assert all(rate is None or 140 <= rate <= 215 for rate in rates)
    assert until_s < 2.5 or rates[-1] is not None


def test_words_that_are_squeezed_into_the_end_do_not_count(analyzer):
    """Whisper finishes a sentence that is cut off."""
    heard = austen_words(1.9)
    guessed = [{"word": "w", "start_s": 1.9, "end_s": 1.9, "probability": 1.0}] * 6
    transcript = [Segment(0, 1.9, "w", 1.0, {"words": [*heard.data["words"], *guessed]})]
    found = analyzer.analyze(
        ArrayClip(audio=recording("austen")[: round(1.9 * RATE)]), {"speech_transcription": transcript}
    )
    assert found[-1].data["words_per_minute"] is None


def test_two_words_have_no_rate(analyzer):
    audio = np.concatenate([recording("austen"), silence(1)])
    (found,) = analyzer.analyze(ArrayClip(audio=audio), {"speech_transcription": [words(0.5, 1.0)]})
    assert found.data == {"words": 2, "words_per_minute": None}


@pytest.mark.parametrize("hz", [110, 150, 250])
def test_sung_vowels_without_words_are_no_speech(analyzer, hz):
    audio = voice("aiuoaiuo", 0.4, hz)
    assert analyzer.analyze(ArrayClip(audio=audio), {})  # the network takes them for speech
    assert analyzer.analyze(ArrayClip(audio=audio), {"speech_transcription": []}) == []
