"""Regions, pauses and speaking rate, in recordings with known pauses and words."""

from __future__ import annotations

import pytest

from analyzers.base import Segment
from analyzers.speech import Region
from analyzers.speech_flow import SpeechFlow, count_words
from tests.sounds import noise, silence
from tests.support import ArrayClip


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
