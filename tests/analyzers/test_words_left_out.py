"""What Whisper's text of a window leaves out is read again without the rest, and inserted if it is sure."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from clipbench.analyzers.features.speech.whisper_doubts import left_out, unsure
from clipbench.analyzers.features.speech.word_timing import Window, Word, with_more
from clipbench.analyzers.speech_transcription import SpeechTranscription, WhisperSettings
from tests.support.clip_views import ArrayClip
from tests.support.sounds import RATE, SPOKEN, noise, recording, silence, voice


@pytest.fixture(scope="module")
def analyzer():
    analyzer = SpeechTranscription()
    analyzer.load()
    yield analyzer
    analyzer.unload()


@pytest.fixture
def hears_only(analyzer, monkeypatch):
    """Makes Whisper hear one piece of windows with several; where the others are, it hears silence."""
    decoded, read = analyzer._decoded, []

    def spoilt(number: int, window: Window) -> Window:
        read.append(len(window.spans))
        if len(window.spans) == 1:
            return window
        sounds = [s if at == number else np.zeros_like(s) for at, s in enumerate(window.sounds)]
        return Window(window.spans, sounds)

    def hear(number: int) -> list[int]:
        monkeypatch.setattr(
            analyzer, "_decoded", lambda windows: decoded([spoilt(number, w) for w in windows])
        )
        return read

    return hear


def scene(*sounds: np.ndarray) -> tuple[ArrayClip, list[float]]:
    """Sounds with a second of silence before each, and when each begins."""
    parts = [part for sound in sounds for part in (silence(1), sound)]
    starts = np.cumsum([0, *map(len, parts)]) / RATE
    return ArrayClip(audio=np.concatenate([*parts, silence(1)])), [float(at) for at in starts[1::2]]


def words_of(segments) -> list[dict]:
    return [word for segment in segments for word in segment.data["words"]]


@pytest.mark.parametrize(
    ("names", "heard", "lengths"),
    [
        (["austen", "cards"], 0, [2, 1]),  # the whole, then what it left out
        (["austen", "cards"], 1, [2, 1]),
        pytest.param(["cards", "austen", "cards"], 0, [3, 2, 1], marks=pytest.mark.slow),
    ],
)
def test_sentences_that_were_left_out_are_read_without_the_others(
    analyzer, hears_only, names, heard, lengths
):
    import jiwer
    from whisper.normalizers import EnglishTextNormalizer

    read = hears_only(heard)
    clip, starts = scene(*map(recording, names))
    found = analyzer.analyze(clip, {})
    plain = EnglishTextNormalizer()
    said, text = " ".join(SPOKEN[name] for name in names), " ".join(segment.label for segment in found)
    assert jiwer.wer(plain(said), plain(text)) <= 0.15
    times = [word["start_s"] for word in words_of(found)]
    assert times == sorted(times)
    there = sum(time > starts[-1] for time in times)
    assert there == pytest.approx(len(SPOKEN[names[-1]].split()), abs=1)
    assert read == lengths
    assert analyzer.facts() == {}


def test_what_was_left_out_because_nobody_says_anything_stays_out(analyzer, hears_only):
    hears_only(0)
    clip, starts = scene(recording("cards"), voice("aiuoaiuo", 0.5, 180))
    words = words_of(analyzer.analyze(clip, {}))
    assert len(words) == len(SPOKEN["cards"].split())
    assert all(word["end_s"] <= starts[1] for word in words)


def test_nothing_is_read_twice_where_nothing_is_left_out(analyzer, monkeypatch):
    decoded, read = analyzer._decoded, []
    monkeypatch.setattr(analyzer, "_decoded", lambda windows: read.append(len(windows)) or decoded(windows))
    analyzer.analyze(scene(*map(recording, SPOKEN))[0], {})
    assert sum(read) == 1


def word(start_s: float, end_s: float) -> Word:
    return Word("word", start_s, end_s, 0.9)


WINDOW = Window([(1.0, 3.0), (5.0, 9.0), (11.0, 12.0)], [noise(2), noise(4), noise(1)])


@pytest.mark.parametrize(
    ("words", "spans"),
    [
        ([word(1, 2), word(5, 6), word(11, 12)], None),
        ([word(1, 2), word(5, 6)], [(11.0, 12.0)]),
        ([word(11, 12)], [(1.0, 3.0), (5.0, 9.0)]),
        ([word(1, 2), word(5, 8.8), word(8.8, 9), word(11, 12)], [(5.0, 9.0)]),
        ([], None),  # then the text has no words at all
    ],
)
def test_which_pieces_are_left_out(words, spans):
    rest = left_out(WINDOW, words)
    assert (rest and rest.spans) == spans
    assert rest is None or [len(s) for s in rest.sounds] == [round((b - a) * RATE) for a, b in spans]


def test_words_are_replaced_where_there_are_more():
    words = [word(1, 2), word(5, 8.8), word(11, 12)]
    more = [word(5, 6), word(6.5, 7), word(11, 11.5)]
    assert with_more(words, more, [(5, 9), (11, 12)]) == [word(1, 2), word(5, 6), word(6.5, 7), word(11, 12)]
    assert with_more(words, [], [(5, 9)]) == words
    assert with_more([word(1, 2)], [word(0.1, 0.5)], [(0, 0.9)]) == [word(0.1, 0.5), word(1, 2)]


@pytest.mark.parametrize(
    ("logprob", "no_speech", "believed"),
    [(-0.1, 0.05, True), (-0.6, 0.05, False), (-0.1, 0.7, False), (-0.6, 0.7, False)],
)
def test_what_is_read_again_has_to_be_sure(logprob, no_speech, believed):
    result = SimpleNamespace(avg_logprob=logprob, no_speech_prob=no_speech)
    assert (unsure(result, WhisperSettings()) == "") == believed
