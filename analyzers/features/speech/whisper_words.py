"""The words of Whisper's text and their times, from its cross-attention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from clipbench.analyzers.features.sound.spectra import SAMPLE_RATE
from clipbench.analyzers.features.speech.word_timing import Word, clip_times

if TYPE_CHECKING:
    import torch
    from whisper import DecodingResult

#: The content of a window: start and end of pieces of the clip in seconds, together at most 30 s.
Spans: TypeAlias = Sequence[tuple[float, float]]

_OPENING, _CLOSING = (
    "\"'“¿([{-",
    "\"'.。,，!！?？:：”)]}、",
)  # punctuation that belongs to the next or the previous word


def aligned(
    model: Any, tokenizer: Any, tokens: Sequence[int], result: DecodingResult, spans: Spans
) -> list[Word]:
    """The words that these tokens of a window's text make, with their times in the clip."""
    import whisper
    from whisper.timing import find_alignment, merge_punctuations

    length = sum(samples(end) - samples(start) for start, end in spans)
    frames = length // whisper.audio.HOP_LENGTH
    timings = find_alignment(_Encoded(model), tokenizer, tokens, result.audio_features, frames)
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


def samples(seconds: float) -> int:
    """How many samples this time has, at Whisper's rate."""
    return round(seconds * SAMPLE_RATE)


class _Encoded:
    """Whisper behind its encoder: called with encoded sound where whisper's code passes a spectrogram."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def __call__(self, features: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self._model.decoder(tokens, features)
        return logits

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)
