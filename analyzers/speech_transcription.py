"""What is said, word by word: Whisper (Radford et al. 2022) where Silero VAD hears speech.

Only speech reaches Whisper, because it invents words over music and silence: the regions of speech are cut
out and laid end to end in windows of at most 30 s, and the word times are mapped back to the clip, as in
faster-whisper's `vad_filter`. A window is encoded once, for the words and for their times.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np

from clipbench.analyzers import weights
from clipbench.analyzers.base import Analyzer, ClipView, Needs, Segment, Settings, setting
from clipbench.analyzers.features import onnx_networks, torch_runtime
from clipbench.analyzers.features.sound.spectra import SAMPLE_RATE
from clipbench.analyzers.features.speech.voice_activity import SpeechSettings, find_speech, join_regions
from clipbench.analyzers.features.speech.word_timing import (
    PAUSE_S,
    WINDOW_S,
    Word,
    clip_times,
    dynamic_time_warping,
    fit_to_regions,
    pack_windows,
    phrases,
)
from clipbench.analyzers.weights import whisper_ct2

if TYPE_CHECKING:
    import torch
    from whisper import DecodingOptions, DecodingResult, Whisper

#: The content of a window: start and end of pieces of the clip in seconds, together at most 30 s.
Spans: TypeAlias = Sequence[tuple[float, float]]

_OPENING, _CLOSING = (
    "\"'“¿([{-",
    "\"'.。,，!！?？:：”)]}、",
)  # punctuation that belongs to the next or the previous word


@dataclass
class WhisperSettings(SpeechSettings):
    """Settings of an analyzer that transcribes with Whisper."""

    language: str = setting("en", "language that is spoken, as Whisper abbreviates it")
    margin_s: float = setting(0.3, "sound kept around a region of speech", low=0.0, high=5)
    phrase_gap_s: float = setting(0.6, "silence between words that ends a segment", low=0.05, high=10)
    no_speech_threshold: float = setting(
        0.6, "silence above this probability, if the words are unlikely too", low=0.0, high=1.0
    )
    logprob_threshold: float = setting(-1.0, "mean log probability below which words are unlikely", high=0.0)
    compression_threshold: float = setting(
        2.4, "text that compresses better is a repetition, and dropped", low=1.0
    )


class WhisperAnalyzer(Analyzer):
    """Transcribes with a Whisper that a subclass loads; its word times come from the cross-attention."""

    settings: WhisperSettings
    settings_type: ClassVar[type[Settings]] = WhisperSettings

    def needs(self) -> Needs:
        return Needs(audio=True)

    def open_model(self, model: Whisper) -> None:
        """Take over a loaded Whisper, and open its tokenizer and the network that finds speech."""
        from whisper.tokenizer import get_tokenizer

        self._whisper: Any = model
        self._tokenizer = get_tokenizer(
            self._whisper.is_multilingual,
            num_languages=self._whisper.num_languages,
            language=self.settings.language,
            task="transcribe",
        )
        self._vad = onnx_networks.open_network(self.settings.vad_model)

    def analyze(self, clip: ClipView, upstream: Mapping[str, list[Segment]]) -> list[Segment]:
        audio = clip.audio()
        found = find_speech(clip, self._vad, self.settings)
        words: list[Word] = []
        packed = pack_windows(found, len(audio) / SAMPLE_RATE, self.settings.margin_s)
        for spans, result in zip(packed, self.decode_windows(audio, packed), strict=True):
            if not self._is_invented(result):
                words += self._words(result, spans)
        spoken = join_regions(found, PAUSE_S)
        return [
            _segment(phrase) for phrase in phrases(fit_to_regions(words, spoken), self.settings.phrase_gap_s)
        ]

    def unload(self) -> None:
        self._whisper = None
        self._vad.close()

    def decode_windows(
        self, audio: np.ndarray, packed: Sequence[Spans], batch: int = 1
    ) -> list[DecodingResult]:
        """Whisper's text for each window, in runs of `batch` windows."""
        import whisper

        results: list[DecodingResult] = []
        for at in range(0, len(packed), batch):
            part = packed[at : at + batch]
            results += whisper.decode(self._whisper, self._spectra(audio, part), self.decoding_options(part))
        return results

    def _spectra(self, audio: np.ndarray, packed: Sequence[Spans]) -> torch.Tensor:
        """Log-mel spectra of the windows, filled with silence to 30 s: float32 [N, bands, 3000]."""
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

    def decoding_options(self, packed: Sequence[Spans]) -> DecodingOptions:
        """How to decode these windows: greedily."""
        import whisper

        return whisper.DecodingOptions(
            language=self.settings.language,
            without_timestamps=True,
            fp16=self._whisper.device.type == "cuda",
        )

    def _is_invented(self, result: DecodingResult) -> bool:
        """Whether Whisper's text shows that it heard nothing, or that it repeats itself."""
        settings = self.settings
        silent = result.no_speech_prob > settings.no_speech_threshold
        unlikely = result.avg_logprob < settings.logprob_threshold
        repeats = result.compression_ratio > settings.compression_threshold
        return bool((silent and unlikely) or repeats)

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
            word = Word(timing.word.strip(), *clip_times(timing.start, timing.end, spans), timing.probability)
            if words and timing.word.startswith(("-", "'", "’")):  # the rest of a word that Whisper split
                last = words.pop()
                word = Word(
                    last.text + word.text, last.start_s, word.end_s, min(last.probability, word.probability)
                )
            if word.text:
                words.append(word)
        return words


@dataclass
class SpeechTranscriptionSettings(WhisperSettings):
    """Settings of speech_transcription."""

    model: str = setting("whisper-tiny.en", "model card, or an openai-whisper checkpoint (.pt)")


class SpeechTranscription(WhisperAnalyzer):
    """Whisper, greedily decoded."""

    name = "speech_transcription"
    settings: SpeechTranscriptionSettings
    settings_type = SpeechTranscriptionSettings

    def models(self) -> tuple[str, ...]:
        return (self.settings.model, self.settings.vad_model)

    def load(self, device: str = "cpu") -> None:
        timing = whisper_timing()
        import whisper

        torch_runtime.use_thread_budget()
        timing.dtw_cpu = dynamic_time_warping  # numba would need seconds to compile whisper's own
        path = weights.resolve(self.settings.model)
        with torch_runtime.building:
            if path.suffix == ".pt":
                model = whisper.load_model(str(path), device)
            else:
                model = whisper_ct2.load(path).to(device)
        self.open_model(model)


def whisper_timing() -> Any:
    """The module `whisper.timing`; raises ModelError, with the fix, if openai-whisper is not installed."""
    try:
        from whisper import timing
    except ModuleNotFoundError as error:
        raise weights.ModelError(
            f"openai-whisper cannot be imported ({error}); run `pip install --no-deps openai-whisper`"
        ) from error
    return timing


class _Encoded:
    """Whisper behind its encoder: called with encoded sound where whisper's code passes a spectrogram."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def __call__(self, features: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self._model.decoder(tokens, features)
        return logits

    def __getattr__(self, name: str) -> Any:
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
