"""What is heard, by the Audio Spectrogram Transformer (Gong, Chung and Glass 2021) fine-tuned on AudioSet.

It was trained on ten seconds at a time; shorter windows are filled with silence, as its own feature extractor
does. The spectrogram of the whole clip is computed once, on the device, and cut into windows there.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from clipbench.analyzers.audio_environment import tagged_window
from clipbench.analyzers.base import ClipView, Needs, NothingToAnalyze, Segment, setting
from clipbench.analyzers.features.sound.spectra import SAMPLE_RATE
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


class AstAudioEnvironment(FromHub, OnDevice):
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

    def analyze(self, clip: ClipView, upstream: Mapping[str, list[Segment]]) -> list[Segment]:
        audio, settings = clip.audio(), self.settings
        if len(audio) < _WINDOW:
            raise NothingToAnalyze(f"the sound has {len(audio)} samples, and a spectrum needs {_WINDOW}")
        end_of_clip = max(clip.duration_s, len(audio) / SAMPLE_RATE)
        step, length = round(settings.step_s / _HOP_S), round(settings.window_s / _HOP_S)
        return [
            tagged_window(
                at * _HOP_S, min((at + length) * _HOP_S, end_of_clip), scores, self._names, settings.tags
            )
            for at, scores in zip(*self._scores(audio, step, length), strict=True)
        ]

    def _scores(self, audio: np.ndarray, step: int, length: int) -> tuple[list[int], np.ndarray]:
        """Where windows of `length` frames begin, one every `step`, and the tags' probabilities [N, 527]."""
        import torch

        network, longest = self.networks["ast"], self._config.max_length
        dtype = next(network.parameters()).dtype
        batch = fitting_batch(self.settings.batch, _WINDOW_MB, self.device)
        found = []
        with torch.inference_mode(), torch_device.phase(self.device, "AST"):
            bands = log_mel(transfers.upload(audio, self.device), self._config.num_mel_bins)
            starts = list(range(0, max(1, len(bands) - length + step), step))
            inputs = padded(bands, starts, min(length, longest), longest)
            self._facts = {"windows": len(starts), "batch": min(batch, len(starts))}
            for part in batches(len(starts), batch):
                found.append(network(input_values=inputs[part].to(dtype)).logits.float().sigmoid())
            (scores,) = transfers.download(torch.cat(found))
        return starts, np.nan_to_num(scores)


def log_mel(audio: torch.Tensor, bands: int) -> torch.Tensor:
    """Log-mel spectrum float32 [T, bands] of 16 kHz sound [N], a frame every 10 ms, as Kaldi defines it."""
    import torch

    frames = audio.unfold(0, _WINDOW, _HOP)
    frames = frames - frames.mean(1, keepdim=True)
    before = torch.cat([frames[:, :1], frames[:, :-1]], 1)
    frames = (frames - _EMPHASIS * before) * torch.hann_window(_WINDOW, periodic=False, device=audio.device)
    power = torch.fft.rfft(frames, _FFT).abs().square()
    weighted: torch.Tensor = power @ transfers.upload(filters(bands), str(audio.device))
    return weighted.clamp(min=_FLOOR).log()


def padded(bands: torch.Tensor, starts: list[int], length: int, whole: int) -> torch.Tensor:
    """Windows [N, whole, bands] of a spectrum: `length` frames from each of `starts`, normalised.

    The rest is zero before normalisation, which is what the network was trained to hear as nothing.
    """
    import torch

    missing = max(0, starts[-1] + length - len(bands))
    bands = torch.nn.functional.pad(bands, (0, 0, 0, missing))
    rows = transfers.upload(np.array(starts), str(bands.device))
    windows = bands.unfold(0, length, 1)[rows].transpose(1, 2)
    windows = torch.nn.functional.pad(windows, (0, 0, 0, whole - length))
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
