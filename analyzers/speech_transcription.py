"""What is said, word by word: Whisper (Radford et al. 2022) where Silero VAD hears speech.

Only speech reaches Whisper, because it invents words over music and silence: the regions of speech are cut
out and laid end to end in windows of at most 30 s, and the word times are mapped back to the clip, as in
faster-whisper's `vad_filter`. A window is encoded once, for the words and for their times.

Of sentences that do not belong together Whisper may write one and leave out the next. Pieces of a window that
have no words then are read again without the others, and what is sure of them is inserted.

It cannot tell what it misheard: in noise, in short phrases without context and beside other voices, a wrong
word may be as sure as a right one. What it leaves out within a single stretch of speech is not missed.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from clipbench.analyzers import weights
from clipbench.analyzers.base import (
    Chunk,
    ChunkedAnalyzer,
    ClipFacts,
    Needs,
    Segment,
    Settings,
    setting,
)
from clipbench.analyzers.features import onnx_networks, torch_runtime
from clipbench.analyzers.features.sound.spectra import SAMPLE_RATE
from clipbench.analyzers.features.speech import whisper_doubts
from clipbench.analyzers.features.speech.voice_activity import (
    Listening,
    Region,
    SpeechSettings,
    begin_listening,
    join_regions,
    listen,
)
from clipbench.analyzers.features.speech.whisper_doubts import Dropped, parts_to_read
from clipbench.analyzers.features.speech.whisper_words import Spans, aligned, samples
from clipbench.analyzers.features.speech.word_timing import (
    PAUSE_S,
    WINDOW_S,
    Packer,
    Window,
    Word,
    dynamic_time_warping,
    fit_to_regions,
    phrase_segment,
    phrases,
    with_more,
)
from clipbench.analyzers.weights import whisper_ct2

if TYPE_CHECKING:
    import torch
    from whisper import DecodingOptions, DecodingResult, Whisper
#: Dropped texts that `facts` names; the others are counted.
MOST_TOLD = 10


@dataclass
class WhisperSettings(SpeechSettings):
    """Settings of an analyzer that transcribes with Whisper."""

    language: str = setting("en", "language that is spoken, as Whisper abbreviates it")
    margin_s: float = setting(0.3, "sound kept around a region of speech", low=0.0, high=5)
    phrase_gap_s: float = setting(0.6, "silence between words that ends a segment", low=0.05, high=10)
    no_speech_threshold: float = setting(
        0.6, "silence above this probability, if the words are unlikely too", low=0.0, high=1.0
    )
    logprob_threshold: float = setting(-0.5, "mean log probability below which words are unlikely", high=0.0)
    compression_threshold: float = setting(
        2.4, "text that compresses better repeats itself, and its window is read in parts", low=1.0
    )


class Hearing(NamedTuple):
    """What is carried from chunk to chunk."""

    listening: Listening
    packer: Packer


class Heard(NamedTuple):
    """What is found in a chunk: regions of speech and words that became known, what they took, what fell."""

    regions: list[Region]
    words: list[Word]
    windows: int
    tokens: int
    dropped: list[Dropped]


class WhisperAnalyzer(ChunkedAnalyzer[Hearing, Heard]):
    """Transcribes with a Whisper that a subclass loads; its word times come from the cross-attention."""

    settings: WhisperSettings
    settings_type: ClassVar[type[Settings]] = WhisperSettings
    _facts: Mapping[str, Any] = {}

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

    def begin(self, clip: ClipFacts) -> Hearing:
        return Hearing(begin_listening(clip), Packer(self.settings.margin_s))

    def feed(self, chunk: Chunk, state: Hearing) -> tuple[Heard, Hearing]:
        listening, packer = state
        regions = listen(chunk, self._vad, self.settings, listening)
        windows = packer.add(regions, listening, self.settings)
        listening.forget_before(packer.needed_s(listening, self.settings))
        words: list[Word] = []
        dropped: list[Dropped] = []
        tokens, again = 0, False
        read = self._read(windows)
        while read:
            lacking: list[Window] = []
            for window, result in read:
                tokens += len(result.tokens)
                unsure = whisper_doubts.unsure(result, self.settings) if again else ""
                if why := self._doubt(result, window) or unsure:
                    dropped.append(whisper_doubts.dropped(result, window, why))
                    continue
                found = self._words(result, window)
                words = with_more(words, found, window.spans) if again else words + found
                if not self.random and (rest := whisper_doubts.left_out(window, found)):
                    lacking.append(rest)
            read, again = list(zip(lacking, self._decoded(lacking), strict=True)), True
        return Heard(regions, words, len(windows), tokens, dropped), state

    def _words(self, result: DecodingResult, window: Window) -> list[Word]:
        """The words of a window's text, with their times in the clip."""
        written = self.written(result, window.spans)
        return aligned(self._whisper, self._tokenizer, written, result, window.spans)

    def _read(self, windows: Sequence[Window]) -> list[tuple[Window, DecodingResult]]:
        """Whisper's text for each window, in order; for the parts of one in which it repeats itself."""
        read: list[tuple[Window, DecodingResult]] = []
        while windows:
            parts: list[Window] = []
            for window, result in zip(windows, self._decoded(windows), strict=True):
                again = [] if self.random else parts_to_read(result, window, self.settings)
                parts += again
                if not again:
                    read.append((window, result))
            windows = parts
        return sorted(read, key=lambda each: each[0].spans[0])

    def finish(
        self,
        clip: ClipFacts,
        found: Sequence[Heard],
        state: Hearing,
        upstream: Mapping[str, list[Segment]],
    ) -> list[Segment]:
        self.note(
            sum(heard.windows for heard in found),
            sum(heard.tokens for heard in found),
            [dropped for heard in found for dropped in heard.dropped],
        )
        spoken = join_regions([region for heard in found for region in heard.regions], PAUSE_S)
        words = fit_to_regions([word for heard in found for word in heard.words], spoken)
        return [phrase_segment(phrase) for phrase in phrases(words, self.settings.phrase_gap_s)]

    def note(self, windows: int, tokens: int, dropped: Sequence[Dropped]) -> None:
        """Told what a clip took, and what was dropped of it, for `facts`."""
        told = [each._asdict() for each in dropped[:MOST_TOLD]]
        self._facts = {"dropped_texts": len(dropped), "dropped": told} if dropped else {}

    def facts(self) -> Mapping[str, Any]:
        return self._facts

    def _decoded(self, windows: Sequence[Window]) -> list[DecodingResult]:
        """Whisper's text for each window."""
        if not windows:
            return []
        packed, at = [], 0
        for window in windows:
            ends = list(itertools.accumulate(map(len, window.sounds), initial=at))
            packed.append([(a / SAMPLE_RATE, b / SAMPLE_RATE) for a, b in itertools.pairwise(ends)])
            at = ends[-1]
        return self.decode_windows(np.concatenate([s for w in windows for s in w.sounds]), packed)

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
            sound = np.concatenate([audio[samples(start) : samples(end)] for start, end in spans])
            mel = whisper.log_mel_spectrogram(
                sound, model.dims.n_mels, padding=samples(WINDOW_S), device=model.device
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

    def _doubt(self, result: DecodingResult, window: Window) -> str:
        """Why Whisper's text was not said, "" if nothing speaks against it."""
        return whisper_doubts.doubt(result, window, self.settings)

    def written(self, result: DecodingResult, spans: Spans) -> list[int]:
        """The tokens of a window's text."""
        return [token for token in result.tokens if token < self._tokenizer.eot]


@dataclass
class SpeechTranscriptionSettings(WhisperSettings):
    """Settings of speech_transcription."""

    model: str = setting("whisper-tiny.en", "model card, as whisper-base, or an openai-whisper .pt")


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
        path, *rest = weights.resolve_parts(self.settings.model)
        with torch_runtime.building:
            if path.suffix == ".pt":
                model = whisper.load_model(str(path), device)
            else:
                model = whisper_ct2.load(path, *rest).to(device)
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
