"""What is heard, by the Audio Spectrogram Transformer (Gong, Chung and Glass 2021) fine-tuned on AudioSet.

It was trained on ten seconds at a time; shorter windows are filled with silence, as its own feature extractor
does. The spectrogram is computed on the device, a frame every 10 ms, and cut into windows.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from clipbench.analyzers.audio_environment import (
    Tagged,
    best_tags,
    joined,
    require_window,
    windows_with_tags,
)
from clipbench.analyzers.base import (
    Chunk,
    ChunkedAnalyzer,
    ClipFacts,
    Needs,
    NothingToAnalyze,
    Segment,
    setting,
)
from clipbench.analyzers.features.sound.spectra import SAMPLE_RATE
from clipbench.analyzers.features.sound.windows import Windows, stretches
from clipbench.analyzers.production import torch_device, transfers
from clipbench.analyzers.production.base import ProductionSettings
from clipbench.analyzers.production.batching import batches, fitting_batch
from clipbench.analyzers.production.hub import FromHub, library_class
from clipbench.analyzers.production.parking import OnDevice
from clipbench.analyzers.production.pretrained import HubModel

if TYPE_CHECKING:
    import torch

# Kaldi's filter bank, as ASTFeatureExtractor of transformers 5 sets it; mean and deviation are AudioSet's.
_WINDOW, _HOP, _FFT, _LOW_HZ, _EMPHASIS, _FLOOR = 400, 160, 512, 20, 0.97, 1.192092955078125e-07
_MEAN, _DEVIATION = -4.2677393, 4.5689974
_HOP_S = _HOP / SAMPLE_RATE
#: Activations of one window in MB, generously: 1214 tokens, 768 wide, and the next layer, four times as wide.
_WINDOW_MB = 30.0


@dataclass
class AstSettings(ProductionSettings):
    """Settings of audio_environment on AST."""

    batch: int = setting(32, "windows per run of the network, if memory allows", low=1, high=1024)
    window_s: float = setting(1.0, "seconds of sound in a window", low=0.1, high=10.24)
    step_s: float = setting(0.5, "seconds from one window to the next", low=_HOP_S, high=10.24)
    tags: int = setting(5, "tags kept of every window", low=3, high=527)


@dataclass
class AstState:
    """What goes on from chunk to chunk: unfinished frames of the spectrum, and of windows on it."""

    frames: Windows
    windows: Windows
    samples: int = 0
    batch: int = 0

    def missing(self) -> int:
        """How many frames of silence fill up the last window of the sound, which is over."""
        frames, length, step = (self.samples - _WINDOW) // _HOP + 1, self.windows.length, self.windows.hop
        starts = range(0, max(1, min(frames, frames - length + step)), step)
        return max(0, starts[-1] + length - frames)


class AstAudioEnvironment(FromHub, OnDevice, ChunkedAnalyzer[AstState, Tagged]):
    """AST instead of YAMNet, with its 527 tags."""

    name = "audio_environment"
    settings: AstSettings
    settings_type = AstSettings
    hub_model = HubModel("MIT/ast-finetuned-audioset-10-10-0.4593", 0.4)
    config_name = "ast"
    memory_gb = 1.5
    _config: Any = None

    def needs(self) -> Needs:
        return Needs(audio=True)

    def load(self, device: str = "cpu") -> None:
        network = self.build(library_class("ASTForAudioClassification"), device)
        self.place(device, ast=network)
        self._config = network.config
        self._names: list[str] = [self._config.id2label[index] for index in range(self._config.num_labels)]

    def begin(self, clip: ClipFacts) -> AstState:
        if not clip.has_audio:
            raise NothingToAnalyze("the clip has no audio track")
        step, length = round(self.settings.step_s / _HOP_S), round(self.settings.window_s / _HOP_S)
        none = np.empty((0, self._config.num_mel_bins), np.float32)
        return AstState(Windows(_WINDOW, _HOP), Windows(length, step, none))

    def feed(self, chunk: Chunk, state: AstState) -> tuple[Tagged, AstState]:
        found = []
        for sound in stretches(chunk.audio()):
            state.samples += len(sound)
            found.append(self._tagged(state.windows.add(self._bands(state.frames.add(sound))), state))
        return joined(found), state

    def finish(
        self,
        clip: ClipFacts,
        found: Sequence[Tagged],
        state: AstState,
        upstream: Mapping[str, list[Segment]],
    ) -> list[Segment]:
        require_window(state.samples, _WINDOW)
        state = copy.deepcopy(state)
        silence = np.zeros((state.missing(), self._config.num_mel_bins), np.float32)
        last = self._tagged(state.windows.add(silence), state)
        step_s, window_s = state.windows.hop * _HOP_S, state.windows.length * _HOP_S
        end_of_clip = max(clip.duration_s, state.samples / SAMPLE_RATE)
        segments = windows_with_tags([*found, last], step_s, window_s, end_of_clip, self._names)
        self._facts = {"windows": len(segments), "batch": state.batch}
        return segments

    def _bands(self, frames: np.ndarray) -> np.ndarray:
        """The log-mel spectrum [T, bands] of frames [T, 400] of sound."""
        import torch

        if not len(frames):
            return np.empty((0, self._config.num_mel_bins), np.float32)
        with torch.inference_mode(), torch_device.phase(self.device, "spectrum"):
            (bands,) = transfers.download(
                log_mel(transfers.upload(frames, self.device), self._config.num_mel_bins)
            )
        return bands

    def _tagged(self, windows: np.ndarray, state: AstState) -> Tagged:
        """The best tags of windows [N, T, bands] of the spectrum."""
        import torch

        if not len(windows):
            return joined([])
        network, longest = self.networks["ast"], self._config.max_length
        dtype = next(network.parameters()).dtype
        batch = fitting_batch(self.settings.batch, _WINDOW_MB, self.device)
        state.batch = max(state.batch, min(batch, len(windows)))
        self._facts = {"batch": state.batch}  # said here, in case that memory does not suffice
        found = []
        with torch.inference_mode(), torch_device.phase(self.device, "AST"):
            for part in batches(len(windows), batch):
                inputs = padded(transfers.upload(windows[part, :longest], self.device), longest)
                found.append(network(input_values=inputs.to(dtype)).logits.float().sigmoid())
            (scores,) = transfers.download(torch.cat(found))
        return best_tags(np.nan_to_num(scores), self.settings.tags)


def log_mel(frames: torch.Tensor, bands: int) -> torch.Tensor:
    """Log-mel spectrum float32 [T, bands] of frames [T, 400] of 16 kHz sound, as Kaldi defines it."""
    import torch

    frames = frames - frames.mean(1, keepdim=True)
    before = torch.cat([frames[:, :1], frames[:, :-1]], 1)
    hann = torch.hann_window(_WINDOW, periodic=False, device=frames.device)
    power = torch.fft.rfft((frames - _EMPHASIS * before) * hann, _FFT).abs().square()
    weighted: torch.Tensor = power @ transfers.upload(filters(bands), str(frames.device))
    return weighted.clamp(min=_FLOOR).log()


def padded(windows: torch.Tensor, whole: int) -> torch.Tensor:
    """Windows [N, T, bands] of a spectrum as [N, whole, bands], normalised.

    The rest is zero before normalisation, which is what the network was trained to hear as nothing.
    """
    import torch

    windows = torch.nn.functional.pad(windows, (0, 0, 0, whole - windows.shape[1]))
    return (windows - _MEAN) / (2 * _DEVIATION)


@cache
def filters(bands: int) -> np.ndarray:
    """Kaldi's mel filters, float32 [257, bands]."""
    from transformers.audio_utils import mel_filter_bank

    shape = (_FFT // 2 + 1, bands, _LOW_HZ, SAMPLE_RATE // 2, SAMPLE_RATE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the lowest filters are narrower than a bin, as in training
        found = mel_filter_bank(*shape, norm=None, mel_scale="kaldi", triangularize_in_mel_space=True)
    return found.astype(np.float32)
