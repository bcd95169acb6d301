"""What is said, by Whisper large-v3 (Radford et al. 2022) through openai-whisper, all windows at once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from clipbench.analyzers.base import setting
from clipbench.analyzers.features import torch_runtime
from clipbench.analyzers.features.speech.whisper_doubts import Dropped
from clipbench.analyzers.features.speech.whisper_words import Spans
from clipbench.analyzers.features.speech.word_timing import Window, dynamic_time_warping
from clipbench.analyzers.production import random_weights, torch_device
from clipbench.analyzers.production.base import ProductionSettings
from clipbench.analyzers.production.batching import fitting_batch
from clipbench.analyzers.production.parking import OnDevice
from clipbench.analyzers.production.pretrained import FileModel, model_file
from clipbench.analyzers.speech_transcription import (
    WhisperAnalyzer,
    WhisperSettings,
    whisper_timing,
)

if TYPE_CHECKING:
    import torch
    from whisper import DecodingOptions, DecodingResult, Whisper

#: Dimensions by models.size: those in the checkpoint of large-v3, and the smallest that its vocabulary and
#: the length of a window allow.
DIMENSIONS: dict[str, dict[str, int]] = {
    "full": {
        "n_mels": 128, "n_vocab": 51866, "n_audio_ctx": 1500, "n_text_ctx": 448,
        "n_audio_state": 1280, "n_audio_head": 20, "n_audio_layer": 32,
        "n_text_state": 1280, "n_text_head": 20, "n_text_layer": 32,
    },
    "tiny": {
        "n_mels": 128, "n_vocab": 51866, "n_audio_ctx": 1500, "n_text_ctx": 448,
        "n_audio_state": 16, "n_audio_head": 2, "n_audio_layer": 2,
        "n_text_state": 16, "n_text_head": 2, "n_text_layer": 2,
    },
}  # fmt: skip
_SHA256 = "e5b1a55b89c1367dacf97e3e19bfd829a01529dbfdeefa8caeb59b3f1b81dadb"
_URL = f"https://openaipublic.azureedge.net/main/whisper/models/{_SHA256}/large-v3.pt"
#: Tokens that random weights write per second of sound: about as many as speech at 160 words a minute has.
_TOKENS_PER_S = 4
#: Activations and cached keys of one window in MB, generously: 1500 frames through 32 layers.
_WINDOW_MB = 400.0


@dataclass
class WhisperLargeSettings(WhisperSettings, ProductionSettings):
    """Settings of speech_transcription on Whisper large-v3."""

    batch: int = setting(16, "windows of 30 s decoded at a time, if memory allows", low=1, high=256)


class WhisperLargeV3(OnDevice, WhisperAnalyzer):
    """The embedded analyzer with the large model, in float16 on a GPU."""

    name = "speech_transcription"
    settings: WhisperLargeSettings
    settings_type = WhisperLargeSettings
    #: Random weights are made in float32, which is twice what they need afterwards.
    memory_gb = 6.5
    _batch = 0

    def models(self) -> tuple[str, ...]:
        named = self.settings.weights if not self.random else ""
        return (f"whisper in {named}" if named else "whisper-large-v3", self.settings.vad_model)

    def weights_file(self) -> Path:
        """The checkpoint, where openai-whisper keeps it; raises MissingWeights."""
        cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        model = FileModel("large-v3.pt", _URL, Path(cache) / "whisper", 3.1, _SHA256)
        return model_file(model, self.settings.weights, f"models.production.{self.name}.weights")

    def fetch(self) -> None:
        self.weights_file()

    def load(self, device: str = "cpu") -> None:
        timing = whisper_timing()
        if not torch_device.on_gpu(device):
            torch_runtime.use_thread_budget()
        # Whisper compiles its own at first use, for which a GPU machine may lack a compiler.
        timing.dtw, timing.median_filter = _align, median_filter
        model = self._random(device) if self.random else self._pretrained()
        if torch_device.on_gpu(device):
            halve(model)
        # They are read one by one when words are aligned; from the host that does not wait for the device.
        model.__dict__["alignment_heads"] = model._buffers.pop("alignment_heads").cpu().coalesce()
        model = model.to(device)
        self.place(device, whisper=model)
        torch_device.release(device)  # the memory of the weights in float32
        self.open_model(model)

    def unload(self) -> None:
        WhisperAnalyzer.unload(self)
        OnDevice.unload(self)

    def _random(self, device: str) -> Whisper:
        import torch
        from whisper import Whisper
        from whisper.model import ModelDimensions

        dimensions = ModelDimensions(**DIMENSIONS[self.settings.model_size])
        return random_weights.random_network(lambda: Whisper(dimensions), device, torch.float32)

    def _pretrained(self) -> Whisper:
        """The pretrained network on the host, in float32, of which only half is to reach a GPU."""
        import whisper

        with torch_runtime.building:
            model = whisper.load_model(str(self.weights_file()), "cpu")
        if vars(model.dims) == DIMENSIONS["full"]:
            model.set_alignment_heads(whisper._ALIGNMENT_HEADS["large-v3"])
        return model

    def decode_windows(
        self, audio: np.ndarray, packed: Sequence[Spans], batch: int = 1
    ) -> list[DecodingResult]:
        batch = fitting_batch(self.settings.batch, _WINDOW_MB, self.device)
        self._batch = min(batch, len(packed))
        self._facts = {"windows": len(packed), "batch": self._batch}
        # Its keys grow by one at every token.
        with torch_device.phase(self.device, "Whisper"), torch_device.no_cudnn_attention(self.device):
            return super().decode_windows(audio, packed, batch)

    def note(self, windows: int, tokens: int, dropped: Sequence[Dropped]) -> None:
        super().note(windows, tokens, dropped)
        self._facts = {"windows": windows, "batch": self._batch, "tokens": tokens, **self._facts}

    def decoding_options(self, packed: Sequence[Spans]) -> DecodingOptions:
        options = super().decoding_options(packed)
        if not self.random:
            return options
        # Random weights do not know when to stop: they write as much as somebody could have said.
        return replace(
            options, sample_len=max(map(_budget, packed)), suppress_tokens=[-1, self._tokenizer.eot]
        )

    def written(self, result: DecodingResult, spans: Spans) -> list[int]:
        # Beside a longer window, random weights write more than this one has time for.
        tokens = super().written(result, spans)
        return tokens[: _budget(spans)] if self.random else tokens

    def _doubt(self, result: DecodingResult, window: Window) -> str:
        return "" if self.random else super()._doubt(result, window)


def _budget(spans: Spans) -> int:
    """How many tokens random weights write for a window with these spans."""
    seconds = sum(end - start for start, end in spans)
    return max(1, min(round(_TOKENS_PER_S * seconds), DIMENSIONS["full"]["n_text_ctx"] // 2))


def halve(model: torch.nn.Module) -> None:
    """Convert the large weights of a Whisper to float16 once; its layers would convert them at every use.

    Normalisation and positions stay in float32, which its layers expect.
    """
    import torch

    for module in model.modules():
        if isinstance(module, torch.nn.Linear | torch.nn.Conv1d | torch.nn.Embedding):
            module.half()


def median_filter(values: torch.Tensor, width: int) -> torch.Tensor:
    """The median of every `width` (odd) neighbours along the last of three axes, mirrored at the ends."""
    import torch

    if values.shape[-1] <= width // 2:
        return values
    ends = (width // 2, width // 2, 0, 0)
    padded = torch.nn.functional.pad(values, ends, mode="reflect")
    return padded.unfold(-1, width, 1).median(-1).values


def _align(cost: torch.Tensor) -> np.ndarray:
    return dynamic_time_warping(cost.double().cpu().numpy())
