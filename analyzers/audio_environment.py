"""What is heard: the 521 tags of AudioSet (Gemmeke et al. 2017), by YAMNet, in windows of 0.96 s.

YAMNet's own step is half a window. The default here is half of that: with the longer step, a second of
silence or a short sound may have no window of its own.
"""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from clipbench.analyzers import weights
from clipbench.analyzers.base import Analyzer, ClipView, Needs, NothingToAnalyze, Segment, Settings, setting
from clipbench.analyzers.features.onnx_networks import Session, new_session
from clipbench.analyzers.features.sound import spectra

# YAMNet's front end (tensorflow/models, research/audioset/yamnet/params.py): 25 ms windows every 10 ms, 64
# bands from 125 to 7500 Hz; a patch is 96 of these frames.
_WINDOW, _HOP, _FFT, _BANDS, _LOW_HZ, _HIGH_HZ, _OFFSET = 400, 160, 512, 64, 125.0, 7500.0, 0.001
_PATCH = 96
_HOP_S = _HOP / spectra.SAMPLE_RATE
_PATCH_S = _PATCH * _HOP_S


@dataclass
class AudioEnvironmentSettings(Settings):
    """Settings of audio_environment."""

    model: str = setting("yamnet", "model card of the tagger's graph")
    weights: str = setting("yamnet-weights", "model card of its weights")
    batch: int = setting(16, "windows per call of the network", low=1, high=4096)
    step_s: float = setting(0.24, "seconds from one window to the next", low=_HOP_S, high=_PATCH_S)
    tags: int = setting(5, "tags kept of every window", low=3, high=521)


class AudioEnvironment(Analyzer):
    """YAMNet (Plakal and Ellis, 2020) on the sound of the clip."""

    name = "audio_environment"
    settings: AudioEnvironmentSettings
    settings_type = AudioEnvironmentSettings
    _session: Session | None = None

    def needs(self) -> Needs:
        return Needs(audio=True)

    def models(self) -> tuple[str, ...]:
        return (self.settings.model, self.settings.weights)

    def load(self, device: str = "cpu") -> None:
        bundle = weights.resolve(self.settings.weights)
        self._session = open_graph(weights.resolve(self.settings.model), bundle)
        self._names = class_names(bundle.with_name("yamnet_class_map.csv"))

    def analyze(self, clip: ClipView, upstream: Mapping[str, list[Segment]]) -> list[Segment]:
        audio = clip.audio()
        if len(audio) < _WINDOW:
            raise NothingToAnalyze(f"the sound has {len(audio)} samples, and a spectrum needs {_WINDOW}")
        end_of_clip = max(clip.duration_s, len(audio) / spectra.SAMPLE_RATE)
        step = round(self.settings.step_s / _HOP_S)
        segments = []
        for index, scores in enumerate(self._scores(patches(audio, step))):
            start = index * step * _HOP_S
            end = min(start + _PATCH_S, end_of_clip)
            segments.append(tagged_window(start, end, scores, self._names, self.settings.tags))
        return segments

    def unload(self) -> None:
        self._session = None

    def _scores(self, log_mel: np.ndarray) -> np.ndarray:
        """Independent probabilities [N, 521] of the tags in log-mel patches [N, 96, 64]."""
        assert self._session is not None
        size, found = self.settings.batch, []
        for at in range(0, len(log_mel), size):
            part = np.ascontiguousarray(log_mel[at : at + size, None])
            found += self._session.run(None, {"log_mel": part})
        return np.concatenate(found)


def tagged_window(
    start_s: float, end_s: float, scores: np.ndarray, names: Sequence[str], tags: int
) -> Segment:
    """A window with its `tags` best tags; `scores` are the probabilities of the `names`."""
    best: list[dict[str, Any]] = [
        {"tag": names[tag], "score": round(float(scores[tag]), 4)}
        for tag in np.argsort(-scores, kind="stable")[:tags]
    ]
    return Segment(round(start_s, 3), round(end_s, 3), best[0]["tag"], best[0]["score"], {"tags": best})


def patches(audio: np.ndarray, step: int) -> np.ndarray:
    """Log-mel patches [N, 96, 64] of 16 kHz sound, one every `step` frames of 10 ms.

    They are computed as in YAMNet's `pad_waveform` and `waveform_to_log_mel_spectrogram_patches`
    (features.py): silence fills the sound up to a whole number of steps.
    """
    whole = (_PATCH - 1) * _HOP + _WINDOW
    beyond = max(0, len(audio) - whole)
    padded = np.pad(audio, (0, whole + -(-beyond // (step * _HOP)) * step * _HOP - len(audio)))
    filters = spectra.mel_filters(_BANDS, _FFT, _LOW_HZ, _HIGH_HZ)
    log_mel = np.log(spectra.spectrogram(padded, _WINDOW, _HOP, fft=_FFT) @ filters + _OFFSET)
    return np.lib.stride_tricks.sliding_window_view(log_mel, _PATCH, axis=0)[::step].transpose(0, 2, 1)


def open_graph(graph: Path, bundle: Path) -> Session:
    """The ONNX Runtime session of an .onnx file whose weights are the file `model.data` in the zip `bundle`.

    They are read into memory, so that nothing is unpacked into the package. Raises weights.ModelError if the
    two do not fit.
    """
    try:
        with zipfile.ZipFile(bundle) as files:
            (name,) = (name for name in files.namelist() if name.endswith("model.data"))
            return new_session(graph.read_bytes(), {"model.data": files.read(name)})
    except Exception as error:
        raise weights.ModelError(f"{graph} with the weights of {bundle} does not load: {error}") from error


def class_names(path: Path) -> list[str]:
    """The names of the 521 tags, in the order of the network's output."""
    with open(path, newline="", encoding="utf-8") as file:
        return [row["display_name"] for row in csv.DictReader(file)]
