"""Whether what Whisper wrote about a window was said there, and what to do where it repeats itself.

The thresholds separate windows of the embedded Whisper tiny.en: 70 of speech (words of 0.3 to 1.1 s, clean,
in noise and in music down to 3 dB) and 75 of none (music, noise, hum, tones, applause, sirens, hummed and
sung vowels). The probability of no speech is above 0.6 in one of the former, which it misread, and in 70 of
the latter. The log probability tells less, but saves what is sure: in recordings of 3 s it is at least
-0.64 in noise and music as loud as the voice. Text of hums alone ("Mmm.") needs both to be right. Of the
five others without speech, four run in circles.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from clipbench.analyzers.features.sound.spectra import SAMPLE_RATE
from clipbench.analyzers.features.speech.word_timing import Window, Word, middle_s

if TYPE_CHECKING:
    from whisper import DecodingResult

#: Nobody says more words in a second; the fastest reading is half of that.
_FASTEST = 9.0
#: Seconds of the shortest window that is halved, and of the sound around a cut that has to be quiet.
_SHORTEST_S, _QUIET_S = 3.0, 0.1
#: Nobody draws a word out so long: the alignment does where the text lacks what is said there. In mixtures of
#: sentences, words lasted up to 1.3 s where nothing was left out, and 2.3 and 3.8 s beside what was.
_LONGEST_WORD_S = 2.0
_HUM = re.compile(r"\W*(?:u?[mh]+m+\W*)+", re.IGNORECASE)


class Thresholds(Protocol):
    """The settings that say when text is doubted."""

    no_speech_threshold: float
    logprob_threshold: float
    compression_threshold: float


class Dropped(NamedTuple):
    """Text that was dropped: that of the clip from `start_s` to `end_s`, and why."""

    start_s: float
    end_s: float
    text: str
    why: str


def repeats(result: DecodingResult, settings: Thresholds) -> bool:
    """Whether the text repeats itself: as what is said may do, or Whisper where it has lost its place."""
    return bool(result.compression_ratio > settings.compression_threshold)


def doubt(result: DecodingResult, window: Window, settings: Thresholds) -> str:
    """Why this text was not said in this window, "" where nothing speaks against it.

    Repetition alone does not: a chorus and a slogan are said again and again. Text that runs in a circle is
    unlikely, or more than anybody can say in that time.
    """
    unlikely = result.avg_logprob < settings.logprob_threshold
    silent = result.no_speech_prob > settings.no_speech_threshold
    if unlikely and silent:
        return "probably no speech"
    if (unlikely or silent) and is_hum(result.text):
        return "hummed, not said"
    if not repeats(result, settings):
        return ""
    if unlikely or silent:
        return "repeats itself, and is unlikely"
    seconds = sum(map(len, window.sounds)) / SAMPLE_RATE
    # Scripts without spaces are written in tokens of about a word.
    if max(len(result.text.split()), len(result.tokens) / 3) > _FASTEST * seconds:
        return "repeats itself more often than anybody could in that time"
    return ""


def is_hum(text: str) -> bool:
    """Whether a text has no words, only sounds of closed lips."""
    return bool(_HUM.fullmatch(text))


def dropped(result: DecodingResult, window: Window, why: str) -> Dropped:
    """What is told of text that is dropped."""
    return Dropped(
        round(window.spans[0][0], 2), round(window.spans[-1][1], 2), result.text.strip()[:200], why
    )


def parts_to_read(result: DecodingResult, window: Window, settings: Thresholds) -> list[Window]:
    """The halves of a window whose text repeats itself; none if it need not or cannot be read again.

    Whisper loses its place within repetitions, and counts two of them right. Where there is no speech, it
    would run in circles again.
    """
    if not repeats(result, settings) or result.no_speech_prob > settings.no_speech_threshold:
        return []
    return halves(window)


def halves(window: Window) -> list[Window]:
    """The window in two, cut between its pieces, or where its only piece is quietest; none if it is short."""
    lengths = [len(sound) for sound in window.sounds]
    if sum(lengths) < _SHORTEST_S * SAMPLE_RATE:
        return []
    if len(lengths) > 1:
        ends = np.cumsum(lengths)
        count = 1 + int(np.abs(ends[:-1] - ends[-1] / 2).argmin())
        return [Window(window.spans[a:b], window.sounds[a:b]) for a, b in ((0, count), (count, None))]
    (sound,), ((start_s, end_s),) = window.sounds, window.spans
    at = quietest(sound)
    cut_s = start_s + at / SAMPLE_RATE
    return [Window([(start_s, cut_s)], [sound[:at]]), Window([(cut_s, end_s)], [sound[at:]])]


def quietest(sound: np.ndarray) -> int:
    """The middle of the quietest tenth of a second in the middle half of a sound, as a sample."""
    size = round(_QUIET_S * SAMPLE_RATE)
    energy = np.cumsum(np.concatenate([[0.0], sound.astype(np.float64) ** 2]))
    first, last = len(sound) // 4, len(sound) * 3 // 4 - size
    return first + int((energy[first + size : last + size] - energy[first:last]).argmin()) + size // 2


def left_out(window: Window, words: Sequence[Word]) -> Window | None:
    """The pieces of a window that its text leaves out, as a window of their own; None if it is none or all.

    Of sentences that do not belong together Whisper may write one and skip the next: then a piece has no word
    or one that lasts too long. To read what is left over again ends: each time there are fewer pieces.
    """
    lacking = [not _written(span, words) for span in window.spans]
    if all(lacking) or not any(lacking):
        return None
    spans = itertools.compress(window.spans, lacking)
    return Window(list(spans), list(itertools.compress(window.sounds, lacking)))


def _written(span: tuple[float, float], words: Sequence[Word]) -> bool:
    lengths = [word.end_s - word.start_s for word in words if span[0] <= middle_s(word) <= span[1]]
    return bool(lengths) and max(lengths) <= _LONGEST_WORD_S


def unsure(result: DecodingResult, settings: Thresholds) -> str:
    """Why text of what was left out is not believed, "" if it is: perhaps there is nothing to write."""
    if (
        result.avg_logprob < settings.logprob_threshold
        or result.no_speech_prob > settings.no_speech_threshold
    ):
        return "left out at first, and unsure"
    return ""
