"""Words that are said again and again are all written; what nobody said is not, and it is told."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from clipbench.analyzers.features.speech.whisper_doubts import doubt, halves, is_hum, parts_to_read
from clipbench.analyzers.features.speech.word_timing import Window
from clipbench.analyzers.speech_transcription import SpeechTranscription, WhisperSettings
from tests.support.clip_views import ArrayClip
from tests.support.sounds import RATE, SPOKEN, chords, noise, recording, silence, voice


@pytest.fixture(scope="module")
def analyzer():
    analyzer = SpeechTranscription()
    analyzer.load()
    yield analyzer
    analyzer.unload()


def wer(said: str, segments) -> float:
    import jiwer
    from whisper.normalizers import EnglishTextNormalizer

    plain = EnglishTextNormalizer()
    return jiwer.wer(plain(said), plain(" ".join(segment.label for segment in segments)))


def mixed(sound: np.ndarray, other: np.ndarray, snr_db: float) -> np.ndarray:
    other = np.resize(other, len(sound))
    gain = np.sqrt((sound**2).mean() / (other**2).mean()) * 10 ** (-snr_db / 20)
    return (sound + gain * other).astype(np.float32)


MUSIC = chords([(57, 60, 64), (62, 65, 69)], 0.5, 4)


@pytest.mark.parametrize(("name", "times"), [("austen", 4), pytest.param("cards", 5, marks=pytest.mark.slow)])
def test_a_looped_phrase_is_written_as_often_as_it_is_said(analyzer, name, times):
    found = analyzer.analyze(ArrayClip(audio=np.tile(recording(name), times)), {})
    assert wer(" ".join([SPOKEN[name]] * times), found) <= 0.15
    times = [word["start_s"] for segment in found for word in segment.data["words"]]
    assert times == sorted(times)
    assert analyzer.facts() == {}


@pytest.mark.parametrize("name", SPOKEN)
@pytest.mark.parametrize("how", ["quiet", "fast", "after music", "over music"])
def test_speech_is_written_however_it_sounds(analyzer, name, how):
    sound = recording(name)
    audio = {
        "quiet": sound * 0.03,
        "fast": np.interp(np.arange(0, len(sound), 1.3), np.arange(len(sound)), sound).astype(np.float32),
        "after music": np.concatenate([MUSIC[: 2 * RATE], sound]),
        "over music": mixed(sound, MUSIC, 10),
    }[how]
    assert wer(SPOKEN[name], analyzer.analyze(ArrayClip(audio=audio), {})) <= 0.15


@pytest.mark.parametrize("hz", [110, 180, 250])
@pytest.mark.parametrize("sung", ["aiuoaiuo", "mmmm"])
def test_vowels_and_hums_are_no_words(analyzer, hz, sung):
    """Silero VAD takes some of them for speech, and Whisper writes "Mmm" and "you"."""
    assert analyzer.analyze(ArrayClip(audio=voice(sung, 0.4, hz)), {}) == []
    assert all(text["why"] for text in analyzer.facts().get("dropped", []))


def test_a_voice_beside_a_hum_is_written(analyzer):
    audio = np.concatenate([voice("mmmm", 0.5, 180), silence(1), recording("cards"), noise(1, 0.01)])
    assert wer(SPOKEN["cards"], analyzer.analyze(ArrayClip(audio=audio), {})) <= 0.15


def decoded(text: str, ratio=1.0, logprob=-0.2, no_speech=0.05):
    tokens = list(range(round(1.3 * len(text.split()))))
    return SimpleNamespace(
        text=text, tokens=tokens, compression_ratio=ratio, avg_logprob=logprob, no_speech_prob=no_speech
    )


def window(*spans: tuple[float, float]) -> Window:
    return Window(list(spans), [noise(end - start, 0.1) for start, end in spans])


@pytest.mark.parametrize(
    ("result", "seconds", "said"),
    [
        (decoded("we will rock you " * 6, ratio=3.8, logprob=-0.05), 12, True),
        (decoded("we will rock you " * 6, ratio=3.8, logprob=-0.7), 12, False),
        (decoded("we will rock you " * 50, ratio=27.0, logprob=-0.05), 12, False),
        (decoded("beeping " * 6, ratio=3.0, logprob=-0.05, no_speech=0.65), 12, False),
        (decoded("you", logprob=-0.7, no_speech=0.8), 4, False),
        (decoded("you", logprob=-0.7, no_speech=0.2), 4, True),
        (decoded("a sure sentence", logprob=-0.1, no_speech=0.7), 4, True),
        (decoded("Mmm.", logprob=-0.9, no_speech=0.4), 4, False),
        (decoded("Mm-hmm.", logprob=-0.4, no_speech=0.7), 4, False),
        (decoded("Mm-hmm.", logprob=-0.1, no_speech=0.1), 4, True),
    ],
)
def test_what_is_doubted(result, seconds, said):
    assert (doubt(result, window((1, 1 + seconds)), WhisperSettings()) == "") == said


def test_hums_are_told_from_words():
    assert all(map(is_hum, ["Mmm.", "Mm-hmm", " Hmm?", "Mm, mm.", "Mhm", "Umm..."]))
    assert not any(map(is_hum, ["Him.", "I'm", "Ma'am", "Mum", "hammer", "", "Oh", "mhz"]))


def test_windows_are_halved_where_they_are_quiet():
    first, second = halves(window((0, 4), (5, 6), (7, 12)))
    assert (first.spans, second.spans) == ([(0, 4), (5, 6)], [(7, 12)])
    audio = np.concatenate([noise(2.5), silence(0.2), noise(3)])
    first, second = halves(Window([(10.0, 15.7)], [audio]))
    assert first.spans[0][1] == second.spans[0][0] == pytest.approx(12.6, abs=0.06)
    assert np.array_equal(np.concatenate([*first.sounds, *second.sounds]), audio)
    assert halves(window((0, 1), (2, 3))) == []


def test_only_repetitions_are_read_again():
    settings, heard = WhisperSettings(), window((0, 4), (5, 9))
    assert len(parts_to_read(decoded("so " * 9, ratio=3), heard, settings)) == 2
    assert parts_to_read(decoded("so it goes"), heard, settings) == []
    assert parts_to_read(decoded("so " * 9, ratio=3, no_speech=0.8), heard, settings) == []
