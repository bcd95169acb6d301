"""What is heard: the 521 tags of AudioSet (Gemmeke et al. 2017), by YAMNet, in windows of 0.96 s.

YAMNet's own step is half a window. The default here is half of that: with the longer step, a second of
silence or a short sound may have no window of its own.

Tags below `min_score` are no findings, and a window without any is none. In 1183 windows of generated sounds
(noises, rumble, hum, tones, music and recorded speech, alone and mixed, at several levels) so many of the
tags were right, by their score:

    from   0.05  0.1   0.15  0.2   0.25  0.3   0.4   0.5   0.7
    right  0.47  0.57  0.58  0.72  0.64  0.64  0.78  0.82  0.89

YAMNet hears nothing below 125 Hz and calls a loud rumble silence, so `Silence` is left out where the sound is
louder than `silence_lufs`.

What it cannot do: tell one steady noise from another (water, wind, static), or hum from music: 50 Hz and its
overtones are "Music" with a score of up to 0.92. Beside louder music, speech may have no tag.
"""

from __future__ import annotations

import copy
import csv
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from clipbench.analyzers import weights
from clipbench.analyzers.base import (
    CELLS_PER_S,
    Chunk,
    ChunkedAnalyzer,
    ClipFacts,
    Levels,
    Needs,
    NothingToAnalyze,
    Segment,
    Settings,
    setting,
)
from clipbench.analyzers.features.onnx_networks import Session, new_session
from clipbench.analyzers.features.sound import spectra
from clipbench.analyzers.features.sound.loudness import levels
from clipbench.analyzers.features.sound.windows import Pieces, Windows, stretches

# YAMNet's front end (tensorflow/models, research/audioset/yamnet/params.py): 25 ms windows every 10 ms, 64
# bands from 125 to 7500 Hz; a patch is 96 of these frames.
_WINDOW, _HOP, _FFT, _BANDS, _LOW_HZ, _HIGH_HZ, _OFFSET = 400, 160, 512, 64, 125.0, 7500.0, 0.001
_PATCH = 96
_HOP_S = _HOP / spectra.SAMPLE_RATE
_PATCH_S = _PATCH * _HOP_S
_SILENCE = "Silence"


@dataclass
class AudioEnvironmentSettings(Settings):
    """Settings of audio_environment."""

    model: str = setting("yamnet", "model card of the tagger's graph")
    weights: str = setting("yamnet-weights", "model card of its weights")
    batch: int = setting(16, "windows per call of the network", low=1, high=4096)
    step_s: float = setting(0.24, "seconds from one window to the next", low=_HOP_S, high=_PATCH_S)
    tags: int = setting(5, "tags kept of every window, at most", low=3, high=521)
    min_score: float = setting(0.2, "score below which a tag is no finding", low=0.0, high=1.0)
    silence_lufs: float = setting(-50.0, "loudness from which a window is not silent", low=-120, high=0)


class Tagged(NamedTuple):
    """The best tags of windows, best first: their numbers int16 [N, K] and probabilities float32 [N, K]."""

    tags: np.ndarray
    scores: np.ndarray


class Heard(NamedTuple):
    """What is heard in a chunk: the tags of its windows, and how loud it is."""

    tagged: Tagged
    levels: Levels


def best_tags(scores: np.ndarray, count: int) -> Tagged:
    """The `count` best tags of windows, of the probabilities of all tags [N, T]."""
    best = np.argsort(-scores, axis=1, kind="stable")[:, :count]
    return Tagged(best.astype(np.int16), np.take_along_axis(scores, best, 1).astype(np.float32))


def joined(parts: Sequence[Tagged]) -> Tagged:
    """The windows of consecutive parts, of which there may be none."""
    none = Tagged(np.empty((0, 0), np.int16), np.empty((0, 0), np.float32))
    parts = [part for part in parts if len(part.tags)]
    return Tagged(*map(np.concatenate, zip(*parts, strict=True))) if parts else none


@dataclass
class Patches:
    """YAMNet's log-mel patches of 16 kHz sound that comes in parts, one every `step` frames of 10 ms.

    They are computed as in YAMNet's `pad_waveform` and `waveform_to_log_mel_spectrogram_patches`
    (features.py): silence fills the sound up to a whole number of steps. Spectra are made of one second at a
    time.
    """

    step: int
    samples: int = 0
    seconds: Pieces = field(default_factory=lambda: Pieces(spectra.SAMPLE_RATE))
    frames: Windows = field(default_factory=lambda: Windows(_WINDOW, _HOP))
    patches: Windows = field(init=False)

    def __post_init__(self) -> None:
        self.patches = Windows(_PATCH, self.step, np.empty((0, _BANDS), np.float32))

    def add(self, sound: np.ndarray) -> np.ndarray:
        """The patches [N, 96, 64] that the next part completes."""
        self.samples += len(sound)
        return self._of(self.seconds.add(sound))

    def end(self) -> np.ndarray:
        """The last patches [N, 96, 64] of the sound, which is over."""
        whole = (_PATCH - 1) * _HOP + _WINDOW
        beyond = max(0, self.samples - whole)
        missing = whole + -(-beyond // (self.step * _HOP)) * self.step * _HOP - self.samples
        return self._of([np.pad(self.seconds.rest, (0, missing))])

    def _of(self, pieces: Sequence[np.ndarray]) -> np.ndarray:
        found = [self.patches.add(log_mel(self.frames.add(piece))) for piece in pieces]
        return np.concatenate([np.empty((0, _PATCH, _BANDS), np.float32), *found])


class AudioEnvironment(ChunkedAnalyzer[Patches, Heard]):
    """YAMNet (Plakal and Ellis, 2020) on the sound of the clip.

    Where chunks end, batches do: probabilities may differ by 1e-5 from those of the whole clip.
    """

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

    def begin(self, clip: ClipFacts) -> Patches:
        if not clip.has_audio:
            raise NothingToAnalyze("the clip has no audio track")
        return Patches(round(self.settings.step_s / _HOP_S))

    def feed(self, chunk: Chunk, state: Patches) -> tuple[Heard, Patches]:
        tagged = joined([self._tagged(state.add(part)) for part in stretches(chunk.audio())])
        return Heard(tagged, chunk.levels()), state

    def finish(
        self,
        clip: ClipFacts,
        found: Sequence[Heard],
        state: Patches,
        upstream: Mapping[str, list[Segment]],
    ) -> list[Segment]:
        require_window(state.samples, _WINDOW)
        last = self._tagged(copy.deepcopy(state).end())
        end_of_clip = max(clip.duration_s, state.samples / spectra.SAMPLE_RATE)
        windows = windows_with_tags(
            [*(heard.tagged for heard in found), last],
            state.step * _HOP_S,
            _PATCH_S,
            end_of_clip,
            self._names,
        )
        energy = np.concatenate([heard.levels.energy for heard in found])
        sure = (self._sure(window, energy) for window in windows)
        return [window for window in sure if window is not None]

    def _sure(self, window: Segment, energy: np.ndarray) -> Segment | None:
        """The window with the tags that are findings; None without any."""
        first, last = (round(at * CELLS_PER_S) for at in (window.start_s, window.end_s))
        power = energy[first : max(last, first + 1)]
        silent = not len(power) or not levels(power.mean() * CELLS_PER_S) > self.settings.silence_lufs
        tags = [
            tag
            for tag in window.data["tags"]
            if tag["score"] >= self.settings.min_score and (silent or tag["tag"] != _SILENCE)
        ]
        if not tags:
            return None
        return replace(window, label=tags[0]["tag"], confidence=tags[0]["score"], data={"tags": tags})

    def unload(self) -> None:
        self._session = None

    def _tagged(self, patches: np.ndarray) -> Tagged:
        """The best tags of log-mel patches [N, 96, 64]; their probabilities are independent of each other."""
        assert self._session is not None
        size, scores = self.settings.batch, [np.empty((0, len(self._names)), np.float32)]
        for at in range(0, len(patches), size):
            part = np.ascontiguousarray(patches[at : at + size, None])
            scores += self._session.run(None, {"log_mel": part})
        return best_tags(np.concatenate(scores), self.settings.tags)


def require_window(samples: int, window: int) -> None:
    """Raise NothingToAnalyze if a sound has fewer samples than a window of the spectrum."""
    if samples < window:
        raise NothingToAnalyze(f"the sound has {samples} samples, and a spectrum needs {window}")


def windows_with_tags(
    found: Sequence[Tagged], step_s: float, window_s: float, end_of_clip_s: float, names: Sequence[str]
) -> list[Segment]:
    """The windows of a clip, one every `step_s`, with the `names` of their best tags."""
    windows = ((tags, scores) for part in found for tags, scores in zip(*part, strict=True))
    segments = []
    for index, (tags, scores) in enumerate(windows):
        best: list[dict[str, Any]] = [
            {"tag": names[tag], "score": round(float(score), 4)}
            for tag, score in zip(tags, scores, strict=True)
        ]
        start, end = index * step_s, min(index * step_s + window_s, end_of_clip_s)
        label, score = best[0]["tag"], best[0]["score"]
        segments.append(Segment(round(start, 3), round(end, 3), label, score, {"tags": best}))
    return segments


def log_mel(windows: np.ndarray) -> np.ndarray:
    """YAMNet's log-mel spectrum float32 [T, 64] of windows [T, 400] of 16 kHz sound."""
    found: np.ndarray = np.log(spectra.magnitudes(windows, fft=_FFT) @ mel_filters() + _OFFSET)
    return found


@cache
def mel_filters() -> np.ndarray:
    """YAMNet's 64 bands."""
    return spectra.mel_filters(_BANDS, _FFT, _LOW_HZ, _HIGH_HZ)


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
