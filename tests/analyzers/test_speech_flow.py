"""Regions, pauses and speaking rate, in recordings with known pauses and words."""

from __future__ import annotations

import numpy as np
import pytest

from clipbench.analyzers.base import Segment
from clipbench.analyzers.features.speech.voice_activity import Region
from clipbench.analyzers.speech_flow import SpeechFlow, count_words
from tests.support.clip_views import ArrayClip
from tests.support.sounds import RATE, noise, recording, silence


def words(*middles: float) -> Segment:
    spoken = [{"word": "w", "start_s": at - 0.1, "end_s": at + 0.1, "probability": 1.0} for at in middles]
    return Segment(middles[0], middles[-1], "w", 1.0, {"words": spoken})


def test_each_word_counts_once_in_the_nearest_region():
    regions = [Region(1, 3, 1), Region(4, 6, 1)]
    transcript = [words(0.5, 1.5, 2.9), words(3.2), words(3.8, 5.0, 6.5)]
    assert count_words(regions, transcript) == [4, 3]
    assert count_words([], transcript) == []
    assert count_words(regions, []) == [0, 0]


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
    audio = np.concatenate([silence(0.5), reading, silence(1), cards])
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
