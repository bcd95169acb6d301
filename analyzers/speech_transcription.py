"""What is said, word by word: Whisper (Radford et al. 2022) where Silero VAD hears speech.

Only speech reaches Whisper, since it invents words over music and silence: the regions of speech are cut
out, laid end to end in windows of at most 30 s, and the word times mapped back to the clip, as
faster-whisper's `vad_filter` does. A window is encoded once, for the words and for their times.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

import models
from analyzers import nets, speech
from analyzers.base import Analyzer, ClipView, Needs, Segment, setting
from analyzers.sound import SAMPLE_RATE
from analyzers.speech import SpeechSettings
from models import whisper_ct2

_WINDOW_S = (
    30.0  # what Whisper was trained on; given less it is faster, and loops ("still more still more …")
)
_OPENING, _CLOSING = (
    "\"'“¿([{-",
    "\"'.。,，!！?？:：”)]}、",
)  # punctuation that belongs to the next, the last word
_PAUSE_S = 0.25  # a shorter gap in speech may lie within a word
_LATE_S = 0.4
_TITLES = {"Mr.", "Mrs.", "Ms.", "Dr.", "St.", "Prof."}  # their full stop ends no sentence


class Word(NamedTuple):
    """A word with the punctuation that belongs to it, and when it is said, in seconds of the clip."""

    text: str
    start_s: float
    end_s: float
    probability: float


@dataclass
class TranscriptionSettings(SpeechSettings):
    model: str = setting("whisper-tiny.en", "model card, or an openai-whisper checkpoint (.pt)")
    language: str = setting("en", "language that is spoken, as Whisper abbreviates it")
    margin_s: float = setting(0.3, "sound kept around a region of speech", low=0.0, high=5)
    phrase_gap_s: float = setting(0.6, "silence between words that ends a segment", low=0.05, high=10)
    no_speech_threshold: float = setting(0.6, "silence above this probability, if the words are unlikely too",
                                         low=0.0, high=1.0)  # fmt: skip
    logprob_threshold: float = setting(-1.0, "mean log probability under which words are unlikely", high=0.0)
    compression_threshold: float = setting(2.4, "text that compresses better is a loop, and dropped", low=1.0)


class SpeechTranscription(Analyzer):
    """Whisper, greedily decoded, with word times from its cross-attention."""

    name = "speech_transcription"
    settings_type = TranscriptionSettings

    def models(self) -> tuple[str, ...]:
        return (self.settings.model, self.settings.vad_model)

    def needs(self) -> Needs:
        return Needs(audio=True)

    def load(self, device: str = "cpu") -> None:
        import torch
        import whisper
        from whisper import timing
        from whisper.tokenizer import get_tokenizer

        torch.set_num_threads(nets.threads())
        timing.dtw_cpu = align  # numba would compile whisper's own for seconds
        path = models.resolve(self.settings.model)
        if path.suffix == ".pt":
            self._whisper = whisper.load_model(str(path), device)
        else:
            self._whisper = whisper_ct2.load(path).to(device)
        self._tokenizer = get_tokenizer(
            self._whisper.is_multilingual,
            num_languages=self._whisper.num_languages,
            language=self.settings.language,
            task="transcribe",
        )
        self._vad = nets.open_net(self.settings.vad_model)

    def analyze(self, clip: ClipView, upstream) -> list[Segment]:
        audio = clip.audio()
        found = speech.regions(clip, self._vad, self.settings)
        words: list[Word] = []
        for spans in windows(found, len(audio) / SAMPLE_RATE, self.settings.margin_s):
            words += self._transcribe(audio, spans)
        spoken = speech.join(found, _PAUSE_S)
        return [_segment(phrase) for phrase in phrases(fit(words, spoken), self.settings.phrase_gap_s)]

    def unload(self) -> None:
        self._whisper = None
        self._vad.close()

    def _transcribe(self, audio: np.ndarray, spans: Sequence[tuple[float, float]]) -> list[Word]:
        """The words in the spans of the clip (start and end in seconds), together at most 30 s long."""
        import whisper
        from whisper.timing import find_alignment, merge_punctuations

        sound = np.concatenate([audio[_samples(start) : _samples(end)] for start, end in spans])
        model, settings = self._whisper, self.settings
        mel = whisper.pad_or_trim(
            whisper.log_mel_spectrogram(
                sound, model.dims.n_mels, padding=_samples(_WINDOW_S), device=model.device
            ),
            whisper.audio.N_FRAMES,
        )
        options = whisper.DecodingOptions(
            language=settings.language, without_timestamps=True, fp16=model.device.type == "cuda"
        )
        result = whisper.decode(model, mel, options)
        silent = result.no_speech_prob > settings.no_speech_threshold
        if silent and result.avg_logprob < settings.logprob_threshold:
            return []
        if result.compression_ratio > settings.compression_threshold:
            return []
        timings = find_alignment(
            _Encoded(model),
            self._tokenizer,
            [token for token in result.tokens if token < self._tokenizer.eot],
            result.audio_features,
            len(sound) // whisper.audio.HOP_LENGTH,
        )
        merge_punctuations(timings, _OPENING, _CLOSING)
        words: list[Word] = []
        for timing in timings:
            word = Word(timing.word.strip(), *to_clip(timing.start, timing.end, spans), timing.probability)
            if words and timing.word.startswith(("-", "'", "’")):  # the rest of a word that Whisper split
                last = words.pop()
                word = Word(
                    last.text + word.text, last.start_s, word.end_s, min(last.probability, word.probability)
                )
            if word.text:
                words.append(word)
        return words


class _Encoded:
    """Whisper behind its encoder: called with encoded sound where whisper's code passes a spectrogram."""

    def __init__(self, model) -> None:
        self._model = model

    def __call__(self, features, tokens):
        return self._model.decoder(tokens, features)

    def __getattr__(self, name: str):
        return getattr(self._model, name)


def windows(
    regions: Sequence[speech.Region], duration_s: float, margin_s: float
) -> list[list[tuple[float, float]]]:
    """The regions with a margin around them (start and end in seconds), in windows of at most 30 s."""
    spans: list[tuple[float, float]] = []
    for region in regions:
        start, end = max(0.0, region.start_s - margin_s), min(duration_s, region.end_s + margin_s)
        if spans and start <= spans[-1][1]:
            start, _ = spans.pop()
        spans.append((start, end))
    packed: list[list[tuple[float, float]]] = []
    room = 0.0
    for start, end in spans:
        while start < end:
            piece = (start, min(end, start + _WINDOW_S))
            if piece[1] - piece[0] > room:
                packed.append([])
                room = _WINDOW_S
            packed[-1].append(piece)
            room -= piece[1] - piece[0]
            start = piece[1]
    return packed


def to_clip(start_s: float, end_s: float, spans: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """A word's times in spans laid end to end, as times in the clip, within the span where its middle is."""
    ends = list(itertools.accumulate(end - start for start, end in spans))
    index = min(bisect.bisect(ends, (start_s + end_s) / 2), len(spans) - 1)
    first, last = spans[index]
    shift = last - ends[index]
    return float(min(max(first, start_s + shift), last)), float(max(first, min(last, end_s + shift)))


def fit(words: Sequence[Word], regions: Sequence[speech.Region]) -> list[Word]:
    """The words, each within the region of speech that most of it is in.

    Whisper's words reach into pauses, and begin late: after a pause by up to 0.3 s, and after punctuation,
    which takes time of its own in the alignment. So a word begins where the word before it ends, or its
    region begins, if that is less than `_LATE_S` earlier.
    """
    fitted: list[Word] = []
    begun, free_s = None, 0.0  # the region of the word before, and its end
    for word in words:
        shared = [min(word.end_s, region.end_s) - max(word.start_s, region.start_s) for region in regions]
        if not shared or max(shared) <= 0:
            fitted.append(word)
            continue
        region = regions[shared.index(max(shared))]
        start, end = max(word.start_s, region.start_s), min(word.end_s, region.end_s)
        if region is not begun:
            begun, free_s = region, region.start_s
        if 0 < start - free_s < _LATE_S:
            start = free_s
        free_s = end
        fitted.append(word._replace(start_s=start, end_s=end))
    return fitted


def phrases(words: Sequence[Word], gap_s: float) -> list[list[Word]]:
    """The words in groups that end with a sentence, or before a silence of more than `gap_s`."""
    groups: list[list[Word]] = []
    for word in words:
        last = groups[-1][-1] if groups else None
        ended = last is not None and last.text.endswith((".", "?", "!")) and last.text not in _TITLES
        if last is None or ended or word.start_s - last.end_s > gap_s:
            groups.append([])
        groups[-1].append(word)
    return groups


def align(cost: np.ndarray) -> np.ndarray:
    """The cheapest monotonic path through a cost matrix [N, M] as indices [2, length]: dynamic time warping.

    Does what `whisper.timing.dtw_cpu` does, a diagonal at a time.
    """
    rows, columns = cost.shape
    total = np.full((rows + 1, columns + 1), np.inf)
    total[0, 0] = 0
    for diagonal in range(rows + columns - 1):
        i = np.arange(max(0, diagonal - columns + 1), min(rows, diagonal + 1))
        j = diagonal - i
        total[i + 1, j + 1] = cost[i, j] + np.minimum(
            np.minimum(total[i, j], total[i, j + 1]), total[i + 1, j]
        )
    path, (i, j) = [], (rows, columns)
    while i > 0 and j > 0:
        path.append((i - 1, j - 1))
        steps = (total[i - 1, j - 1], total[i - 1, j], total[i, j - 1])
        i, j = ((i - 1, j - 1), (i - 1, j), (i, j - 1))[int(np.argmin(steps))]
    return np.array(path[::-1]).T


def _samples(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE)


def _segment(words: Sequence[Word]) -> Segment:
    return Segment(
        round(words[0].start_s, 2),
        round(words[-1].end_s, 2),
        " ".join(word.text for word in words),
        round(float(np.mean([word.probability for word in words])), 4),
        {
            "words": [
                {
                    "word": word.text,
                    "start_s": round(word.start_s, 2),
                    "end_s": round(word.end_s, 2),
                    "probability": round(float(word.probability), 4),
                }
                for word in words
            ]
        },
    )
