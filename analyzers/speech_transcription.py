"""What is said, word by word: Whisper (Radford et al. 2022) where Silero VAD hears speech.

Only speech reaches Whisper, since it invents words over music and silence: the regions of speech are cut
out, laid end to end in windows of at most 30 s, and the word times mapped back to the clip, as
faster-whisper's `vad_filter` does. A window is encoded once, for the words and for their times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from clipbench.analyzers import threads
from clipbench.analyzers import weights as models
from clipbench.analyzers.base import Analyzer, ClipView, Needs, Segment, setting
from clipbench.analyzers.features import networks
from clipbench.analyzers.features.sound.spectra import SAMPLE_RATE
from clipbench.analyzers.features.speech import voice_activity
from clipbench.analyzers.features.speech.voice_activity import SpeechSettings
from clipbench.analyzers.features.speech.word_timing import (
    PAUSE_S,
    WINDOW_S,
    Word,
    align,
    fit,
    phrases,
    to_clip,
    windows,
)
from clipbench.analyzers.weights import whisper_ct2

if TYPE_CHECKING:
    from whisper import DecodingOptions, DecodingResult

#: What a window is made of: start and end of pieces of the clip in seconds, together at most 30 s.
Spans: TypeAlias = Sequence[tuple[float, float]]

_OPENING, _CLOSING = "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、"  # punctuation that goes with a word beside it


@dataclass
class WhisperSettings(SpeechSettings):
    """What any Whisper can be told."""

    language: str = setting("en", "language that is spoken, as Whisper abbreviates it")
    margin_s: float = setting(0.3, "sound kept around a region of speech", low=0.0, high=5)
    phrase_gap_s: float = setting(0.6, "silence between words that ends a segment", low=0.05, high=10)
    no_speech_threshold: float = setting(0.6, "silence above this probability, if the words are unlikely too",
                                         low=0.0, high=1.0)  # fmt: skip
    logprob_threshold: float = setting(-1.0, "mean log probability under which words are unlikely", high=0.0)
    compression_threshold: float = setting(2.4, "text that compresses better is a loop, and dropped", low=1.0)


@dataclass
class TranscriptionSettings(WhisperSettings):
    model: str = setting("whisper-tiny.en", "model card, or an openai-whisper checkpoint (.pt)")


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

        torch.set_num_threads(threads.budget())
        timing.dtw_cpu = align  # numba would compile whisper's own for seconds
        path = models.resolve(self.settings.model)
        with networks.building:
            ours = path.suffix != ".pt"
            model = whisper_ct2.load(path).to(device) if ours else whisper.load_model(str(path), device)
        self._open(model)

    def _open(self, model) -> None:
        """Take over a loaded Whisper, and open what stands around it."""
        from whisper.tokenizer import get_tokenizer

        self._whisper = model
        self._tokenizer = get_tokenizer(
            self._whisper.is_multilingual,
            num_languages=self._whisper.num_languages,
            language=self.settings.language,
            task="transcribe",
        )
        self._vad = networks.open_net(self.settings.vad_model)

    def analyze(self, clip: ClipView, upstream) -> list[Segment]:
        audio = clip.audio()
        found = voice_activity.regions(clip, self._vad, self.settings)
        words: list[Word] = []
        packed = windows(found, len(audio) / SAMPLE_RATE, self.settings.margin_s)
        for spans, result in zip(packed, self._decode(audio, packed), strict=True):
            if not self._is_invented(result):
                words += self._words(result, spans)
        spoken = voice_activity.join(found, PAUSE_S)
        return [_segment(phrase) for phrase in phrases(fit(words, spoken), self.settings.phrase_gap_s)]

    def unload(self) -> None:
        self._whisper = None
        self._vad.close()

    def _decode(self, audio: np.ndarray, packed: Sequence[Spans], batch: int = 1) -> list[DecodingResult]:
        """What Whisper writes for each window, in runs of `batch` windows."""
        import whisper

        results = []
        for at in range(0, len(packed), batch):
            part = packed[at : at + batch]
            results += whisper.decode(self._whisper, self._spectra(audio, part), self._options(part))
        return results

    def _spectra(self, audio: np.ndarray, packed: Sequence[Spans]):
        """Log-mel spectra of the windows, filled up to 30 s with silence: float32 [N, bands, 3000]."""
        import torch
        import whisper

        model = self._whisper
        spectra = []
        for spans in packed:
            sound = np.concatenate([audio[_samples(start) : _samples(end)] for start, end in spans])
            mel = whisper.log_mel_spectrogram(
                sound, model.dims.n_mels, padding=_samples(WINDOW_S), device=model.device
            )
            spectra.append(whisper.pad_or_trim(mel, whisper.audio.N_FRAMES))
        return torch.stack(spectra)

    def _options(self, packed: Sequence[Spans]) -> DecodingOptions:
        """How to decode these windows: greedily."""
        import whisper

        return whisper.DecodingOptions(
            language=self.settings.language,
            without_timestamps=True,
            fp16=self._whisper.device.type == "cuda",
        )

    def _is_invented(self, result: DecodingResult) -> bool:
        """Whether Whisper's text shows that it wrote it without having heard anything, or got into a loop."""
        settings = self.settings
        silent = result.no_speech_prob > settings.no_speech_threshold
        unlikely = result.avg_logprob < settings.logprob_threshold
        return (silent and unlikely) or result.compression_ratio > settings.compression_threshold

    def _words(self, result: DecodingResult, spans: Spans) -> list[Word]:
        """The words of a window's text, with their times in the clip."""
        import whisper
        from whisper.timing import find_alignment, merge_punctuations

        length = sum(_samples(end) - _samples(start) for start, end in spans)
        timings = find_alignment(
            _Encoded(self._whisper),
            self._tokenizer,
            [token for token in result.tokens if token < self._tokenizer.eot],
            result.audio_features,
            length // whisper.audio.HOP_LENGTH,
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
