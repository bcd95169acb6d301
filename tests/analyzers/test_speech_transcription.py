"""Words and their times in recordings of known words, and the steps around Whisper."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from clipbench.analyzers.base import NothingToAnalyze
from clipbench.analyzers.features.speech.voice_activity import Listening, Region, SpeechSettings
from clipbench.analyzers.features.speech.word_timing import (
    Packer,
    Word,
    clip_times,
    dynamic_time_warping,
    fit_to_regions,
    phrases,
)
from clipbench.analyzers.speech_transcription import SpeechTranscription
from clipbench.analyzers.weights import ModelError
from tests.analyzers.features.test_voice_activity import by_the_book, listened, random_speech
from tests.support.clip_views import ArrayClip
from tests.support.sounds import RATE, SPOKEN, chords, noise, recording, silence


@pytest.fixture(scope="module")
def analyzer():
    analyzer = SpeechTranscription()
    analyzer.load()
    yield analyzer
    analyzer.unload()


@pytest.fixture(scope="module")
def scene():
    """Silence, a sentence, music, another sentence; and where the sentences begin and end."""
    first, second = recording("austen"), recording("cards")
    music = chords([(57, 60, 64), (62, 65, 69)], 0.5, 2)
    audio = np.concatenate([silence(1), first, music, second, silence(0.5)])
    starts = 1.0, 1.0 + (len(first) + len(music)) / RATE
    return audio, [(starts[0], starts[0] + len(first) / RATE), (starts[1], starts[1] + len(second) / RATE)]


@pytest.fixture(scope="module")
def heard(analyzer, scene):
    return analyzer.analyze(ArrayClip(audio=scene[0]), {})


def test_the_words_of_two_recordings(heard):
    import jiwer
    from whisper.normalizers import EnglishTextNormalizer

    plain = EnglishTextNormalizer()
    said, text = " ".join(SPOKEN.values()), " ".join(segment.label for segment in heard)
    assert jiwer.wer(plain(said), plain(text)) <= 0.15
    words = " ".join(word["word"] for segment in heard for word in segment.data["words"])
    assert words == text


def test_words_come_in_order_and_only_where_somebody_speaks(heard, scene):
    words = [word for segment in heard for word in segment.data["words"]]
    times = [time for word in words for time in (word["start_s"], word["end_s"])]
    assert times == sorted(times)
    for word in words:
        assert any(start <= word["start_s"] and word["end_s"] <= end for start, end in scene[1])
        assert 0 < word["probability"] <= 1


def test_words_come_at_their_times(heard, scene):
    starts = {
        word["word"].strip(",."): word["start_s"] for segment in heard for word in segment.data["words"]
    }
    (austen, _), (cards, _) = scene[1]
    # Read off the waveforms: each follows silence or a stop, so that its beginning is plain to see.
    assert starts["He"] == pytest.approx(austen + 0.27, abs=0.1)
    assert starts["himself"] == pytest.approx(austen + 2.34, abs=0.25)
    assert starts["Eight"] == pytest.approx(cards + 0.19, abs=0.1)
    assert starts["four"] == pytest.approx(cards + 1.32, abs=0.25)
    assert starts["seven"] == pytest.approx(cards + 2.24, abs=0.25)
    assert heard[-1].end_s == pytest.approx(cards + 3.25, abs=0.25)


def test_segments_span_their_words(heard):
    for segment in heard:
        words = segment.data["words"]
        assert (segment.start_s, segment.end_s) == (words[0]["start_s"], words[-1]["end_s"])
        assert segment.confidence == pytest.approx(np.mean([word["probability"] for word in words]), abs=1e-3)


def test_the_same_clip_gives_the_same_words(analyzer, scene, heard):
    assert analyzer.analyze(ArrayClip(audio=scene[0]), {}) == heard


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


def pack_windows(regions, duration_s, margin_s):
    """The windows of a clip whose regions are all known."""
    state = Listening(sound=np.zeros(round(duration_s * 16_000), np.float32), over=True)
    windows = Packer(margin_s).add(regions, state, SpeechSettings())
    for window in windows:
        for (start, end), sound in zip(*window, strict=True):
            assert len(sound) == round(end * 16_000) - round(start * 16_000)
    return [window.spans for window in windows]


def test_windows_keep_a_margin_and_join_what_is_near():
    (window,) = pack_windows([region(0.1, 1), region(1.5, 2), region(5, 6)], 6.1, 0.3)
    assert window == [pytest.approx((0, 2.3)), pytest.approx((4.7, 6.1))]


def test_windows_are_at_most_30_s_long():
    packed = pack_windows([region(i * 12, i * 12 + 11) for i in range(5)] + [region(100, 170)], 200, 0)
    assert [len(window) for window in packed] == [2, 2, 1, 1, 1, 1]
    assert all(sum(end - start for start, end in window) <= 30 for window in packed)
    assert packed[-1] == [(160, 170)]


@pytest.mark.parametrize("margin_s", [0.3, 2.0])
@pytest.mark.parametrize("seed", range(12))
def test_windows_and_their_sound_do_not_depend_on_the_chunks(seed, margin_s):
    random, probabilities, samples, settings = random_speech(seed)
    regions = by_the_book(probabilities, samples, settings)
    expected = pack_windows(regions, samples / RATE, margin_s)
    cuts = np.sort(random.choice(np.arange(1, len(probabilities)), 60, replace=False))
    packer, windows = Packer(margin_s), []
    for state, known in listened(probabilities, samples, settings, cuts):
        windows += packer.add(known, state, settings)
        state.forget_before(packer.needed_s(state, settings))
    assert [window.spans for window in windows] == expected
    for window in windows:
        for (start, end), sound in zip(*window, strict=True):
            assert np.array_equal(sound, np.arange(round(start * RATE), round(end * RATE), dtype=np.float32))


def test_a_margin_that_was_not_heard_yet_is_waited_for():
    """A window of 30 s that ends within it."""
    settings, samples = SpeechSettings(), 31 * RATE
    probabilities = np.where(np.arange(-(-samples // 512)) < 930, 0.9, 0.05)
    packer, windows = Packer(2.0), []
    for state, known in listened(probabilities, samples, settings, range(1, len(probabilities))):
        windows += packer.add(known, state, settings)
        state.forget_before(packer.needed_s(state, settings))
    assert [len(np.concatenate(window.sounds)) for window in windows] == [30 * RATE, RATE]


def test_a_window_and_no_more_is_carried():
    settings, samples, most = SpeechSettings(), 97 * RATE, 0
    probabilities, packer, windows = np.full(-(-samples // 512), 0.9), Packer(0.3), []
    for state, known in listened(probabilities, samples, settings, range(30, 3000, 30)):
        windows += packer.add(known, state, settings)
        state.forget_before(packer.needed_s(state, settings))
        most = max(most, len(state.sound) + sum(map(len, packer.window.sounds)))
    assert [window.spans for window in windows] == [[(0, 30)], [(30, 60)], [(60, 90)], [(90, 97)]]
    assert most <= 32 * RATE


def test_times_are_mapped_back_over_the_gaps():
    spans = [(10.0, 12.0), (20.0, 23.0)]
    assert clip_times(0.5, 1.0, spans) == pytest.approx((10.5, 11))
    assert clip_times(2.5, 3.0, spans) == pytest.approx((20.5, 21))
    assert clip_times(1.8, 2.1, spans) == pytest.approx((11.8, 12))  # most of it lies before the cut
    assert clip_times(4.9, 5.3, spans) == pytest.approx((22.9, 23))


def fitted(*words):
    found = fit_to_regions([Word("w", start, end, 1.0) for start, end in words], [region(1, 2), region(3, 4)])
    return [(word.start_s, word.end_s) for word in found]


def test_words_do_not_reach_into_pauses():
    assert fitted((0.5, 1.4), (1.4, 2.2), (1.9, 3.5), (3.5, 4.2)) == [(1, 1.4), (1.4, 2), (3, 3.5), (3.5, 4)]


def test_words_begin_with_the_speech_and_after_one_another():
    assert fitted((1.2, 1.4), (1.6, 1.8), (3.6, 3.8)) == [(1, 1.4), (1.4, 1.8), (3.6, 3.8)]


def test_words_outside_of_speech_stay():
    assert fitted((0.2, 0.6), (2.2, 2.6)) == [(0.2, 0.6), (2.2, 2.6)]


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
    path = dynamic_time_warping(cost)
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


def test_without_whisper_it_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "whisper", None)  # as if it were not installed
    with pytest.raises(ModelError, match="run `pip install --no-deps openai-whisper`"):
        SpeechTranscription().load()
