"""Words and their times in recordings of known words, and the steps around Whisper."""

from __future__ import annotations

import numpy as np
import pytest

from analyzers.base import NothingToAnalyze
from analyzers.speech import Region
from analyzers.speech_transcription import SpeechTranscription, Word, align, phrases, to_clip, trim, windows
from tests.sounds import chords, noise, silence
from tests.support import ArrayClip


@pytest.fixture(scope="module")
def analyzer():
    analyzer = SpeechTranscription()
    analyzer.load()
    yield analyzer
    analyzer.unload()


def region(start, end):
    return Region(start, end, 1.0)


@pytest.mark.parametrize(
    "audio",
    [silence(3), noise(3), chords([(57, 60, 64), (62, 65, 69)], 0.5, 4), silence(0), silence(0.01)],
    ids=["silence", "noise", "music", "empty", "10 ms"],
)
def test_no_words_where_nobody_speaks(analyzer, audio):
    assert analyzer.analyze(ArrayClip(audio=audio, duration_s=max(0.1, len(audio) / 16000)), {}) == []


def test_no_sound_is_nothing_to_analyze(analyzer):
    with pytest.raises(NothingToAnalyze):
        analyzer.analyze(ArrayClip(duration_s=1.0), {})


def test_windows_keep_a_margin_and_join_what_is_near():
    (window,) = windows([region(0.1, 1), region(1.5, 2), region(5, 6)], 6.1, 0.3)
    assert window == [pytest.approx((0, 2.3)), pytest.approx((4.7, 6.1))]


def test_windows_are_at_most_30_s_long():
    packed = windows([region(i * 12, i * 12 + 11) for i in range(5)] + [region(100, 170)], 200, 0)
    assert [len(window) for window in packed] == [2, 2, 1, 1, 1, 1]
    assert all(sum(end - start for start, end in window) <= 30 for window in packed)
    assert packed[-1] == [(160, 170)]


def test_times_are_mapped_back_over_the_gaps():
    spans = [(10.0, 12.0), (20.0, 23.0)]
    assert to_clip(0.5, 1.0, spans) == pytest.approx((10.5, 11))
    assert to_clip(2.5, 3.0, spans) == pytest.approx((20.5, 21))
    assert to_clip(1.8, 2.1, spans) == pytest.approx((11.8, 12))  # most of it lies before the cut
    assert to_clip(4.9, 5.3, spans) == pytest.approx((22.9, 23))


def test_words_do_not_reach_into_pauses():
    spoken = [region(1, 2), region(3, 4)]
    assert trim(Word("a", 0.5, 1.4, 1.0), spoken) == Word("a", 1, 1.4, 1.0)
    assert trim(Word("b", 1.9, 3.5, 1.0), spoken) == Word("b", 3, 3.5, 1.0)
    assert trim(Word("c", 2.2, 2.6, 1.0), spoken) == Word("c", 2.2, 2.6, 1.0)


def test_phrases_end_with_sentences_and_before_pauses():
    said = [("Mr.", 0, 0.3), ("Dashwood", 0.3, 0.9), ("sat.", 0.9, 1.2), ("He", 1.3, 1.4), ("rose", 2.4, 2.8)]
    groups = phrases([Word(*word, 1.0) for word in said], 0.6)
    assert [[word.text for word in group] for group in groups] == [
        ["Mr.", "Dashwood", "sat."],
        ["He"],
        ["rose"],
    ]


def test_alignment_is_the_cheapest():
    cost = np.random.default_rng(0).normal(size=(12, 40))
    path = align(cost)
    assert path[:, 0].tolist() == [0, 0]
    assert path[:, -1].tolist() == [11, 39]
    steps = np.diff(path, axis=1)
    assert ((steps >= 0) & (steps <= 1)).all()
    assert cost[tuple(path)].sum() == pytest.approx(cheapest(cost))


def cheapest(cost):
    """The cost of the best monotonic path, cell by cell."""
    total = np.full((cost.shape[0] + 1, cost.shape[1] + 1), np.inf)
    total[0, 0] = 0
    for i, j in np.ndindex(cost.shape):
        total[i + 1, j + 1] = cost[i, j] + min(total[i, j], total[i, j + 1], total[i + 1, j])
    return total[-1, -1]
