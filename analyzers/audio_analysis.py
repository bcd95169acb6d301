"""The sound in numbers: tempo, key, loudness, the spectrum second by second, and silence."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from clipbench.analyzers.base import (
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
from clipbench.analyzers.features.sound import tempo_and_key
from clipbench.analyzers.features.sound.loudness import integrated_loudness, loudness_range
from clipbench.analyzers.features.sound.spectra import SAMPLE_RATE, decibels, spectrogram
from clipbench.analyzers.features.sound.tempo_and_key import PitchClasses
from clipbench.analyzers.features.sound.windows import Pieces, Windows

_WINDOW = 1024  # samples, of the spectrum
_SILENT_FRAME = 320  # samples, for which it is decided whether they are silent


@dataclass
class AudioAnalysisSettings(Settings):
    """Settings of audio_analysis."""

    silence_db: float = setting(-50.0, "level below which it is silent, dB of full scale", low=-120, high=0)
    min_silence_s: float = setting(0.4, "shorter silence is not reported", low=0.02, high=60)
    rolloff: float = setting(0.85, "share of the spectrum below the rolloff", low=0.01, high=1.0)
    tempo_low_bpm: float = setting(50.0, "slowest tempo", low=20, high=300)
    tempo_high_bpm: float = setting(220.0, "fastest tempo", low=30, high=400)
    key_strength: float = setting(0.5, "correlation below which there is no key", low=-1.0, high=1)
    tempo_strength: float = setting(0.4, "periodicity 0..1 below which there is no tempo", low=0.0, high=1)


class Second(NamedTuple):
    """What is heard in a second of sound, or in the rest at its end; half a second has a spectrum."""

    #: How loud each band is every 10 ms, float32 [T, 40]: 16 kB, nearly all of what is kept.
    onset_levels: np.ndarray
    #: Whether each frame of 20 ms is silent.
    silent: np.ndarray
    spectrum: list[Segment]


class Heard(NamedTuple):
    """What is heard in a chunk."""

    seconds: list[Second]
    levels: Levels


@dataclass
class Listening:
    """What goes on from one second of a sound to the next."""

    seconds: Pieces = field(default_factory=lambda: Pieces(SAMPLE_RATE))
    samples: int = 0
    onsets: Windows = field(default_factory=tempo_and_key.onset_windows)
    pitch_classes: PitchClasses = field(default_factory=PitchClasses)


class AudioAnalysis(ChunkedAnalyzer[Listening, Heard]):
    """Loudness and peak of the file's sound, the rest of its mono mix at 16 kHz, by librosa's algorithms.

    The mix is heard second by second, however it comes, so the findings are the same to the last bit. What it
    cannot do: nothing but loudness and peak knows of sound above 8 kHz, or of what channels cancel of each
    other; a clip has one tempo and one key, whatever changes; the peak is the largest sample, not the true
    peak between samples.
    """

    name = "audio_analysis"
    settings: AudioAnalysisSettings
    settings_type = AudioAnalysisSettings

    def needs(self) -> Needs:
        return Needs(audio=True)

    def begin(self, clip: ClipFacts) -> Listening:
        if not clip.has_audio:
            raise NothingToAnalyze("the clip has no audio track")
        return Listening()

    def feed(self, chunk: Chunk, state: Listening) -> tuple[Heard, Listening]:
        seconds = [self._hear(second, state) for second in state.seconds.add(chunk.audio())]
        return Heard(seconds, chunk.levels()), state

    def finish(
        self,
        clip: ClipFacts,
        found: Sequence[Heard],
        state: Listening,
        upstream: Mapping[str, list[Segment]],
    ) -> list[Segment]:
        state = copy.deepcopy(state)
        seconds = [second for heard in found for second in heard.seconds]
        seconds.append(self._hear(state.seconds.rest, state))
        if state.samples < _WINDOW:
            raise NothingToAnalyze(f"the sound has {state.samples} samples, and a spectrum needs {_WINDOW}")
        if len(seconds) > 1 and len(seconds[-1].silent) * _SILENT_FRAME < SAMPLE_RATE // 2:
            seconds[-1] = seconds[-1]._replace(spectrum=[])  # a sliver is no second
        levels = [heard.levels for heard in found]
        segments = [
            self._summary(seconds, Levels(*map(np.concatenate, zip(*levels, strict=True))), state),
            *(segment for second in seconds for segment in second.spectrum),
            *self._silences(np.concatenate([second.silent for second in seconds])),
        ]
        return sorted(segments, key=lambda segment: segment.start_s)

    def headline(self, segments: list[Segment]) -> str:
        data = next(s.data for s in segments if s.label == "summary")
        parts = [f"{data['tempo_bpm']:.0f} bpm"] if data["tempo_bpm"] else []
        parts += [data["key"]] if data["key"] else []
        parts += [f"{data['lufs']:.1f} LUFS"] if data["lufs"] is not None else []
        return ", ".join(parts) or super().headline(segments)

    def _hear(self, sound: np.ndarray, state: Listening) -> Second:
        """The next second, or the rest of the sound."""
        start, state.samples = state.samples, state.samples + len(sound)
        state.pitch_classes.add(sound)
        frames = sound[: len(sound) // _SILENT_FRAME * _SILENT_FRAME].reshape(-1, _SILENT_FRAME)
        return Second(
            onset_levels=tempo_and_key.onset_levels(state.onsets.add(sound)),
            silent=decibels((frames**2).mean(1)) < self.settings.silence_db,
            spectrum=[self._spectrum(sound, start)] if len(sound) >= _WINDOW else [],
        )

    def _summary(self, seconds: Sequence[Second], levels: Levels, state: Listening) -> Segment:
        settings = self.settings
        after = tempo_and_key.onset_levels(state.onsets.add(tempo_and_key.onset_windows().rest))
        onsets = tempo_and_key.onset_strength([*(second.onset_levels for second in seconds), after])
        tempo = tempo_and_key.find_tempo(
            onsets, settings.tempo_low_bpm, settings.tempo_high_bpm, settings.tempo_strength
        )
        state.pitch_classes.end()
        key, correlation = tempo_and_key.find_key(state.pitch_classes.strength())
        if correlation < settings.key_strength:
            key = None
        length_s = state.samples / SAMPLE_RATE
        loudness = integrated_loudness(levels.energy, length_s)
        spread = None if loudness is None else loudness_range(levels.energy, length_s)
        peak = float(levels.peak.max(initial=0.0))
        return Segment(
            0.0,
            round(length_s, 3),
            "summary",
            None,
            {
                "tempo_bpm": None if tempo is None else round(tempo, 1),
                "key": key,
                "key_strength": None if key is None else round(correlation, 3),
                "lufs": None if loudness is None else round(loudness, 2),
                "loudness_range": None if spread is None else round(spread, 2),
                "peak_db": None if math.isnan(peak) else round(float(decibels(peak**2, floor=1e-20)), 2),
            },
        )

    def _spectrum(self, second: np.ndarray, start: int) -> Segment:
        """The level and the mean spectrum of a second of sound that begins at the sample `start`."""
        data = {"rms_db": round(float(decibels(np.mean(second**2))), 2), **self._shape(second)}
        end_s = round((start + len(second)) / SAMPLE_RATE, 3)
        return Segment(start / SAMPLE_RATE, end_s, "spectrum", None, data)

    def _shape(self, sound: np.ndarray) -> dict[str, float | None]:
        """The shape of the mean spectrum: where its energy is and how noise-like it is (1: white noise)."""
        power = (spectrogram(sound, _WINDOW, _WINDOW // 2) ** 2).mean(0).astype(np.float64)
        bins = np.fft.rfftfreq(_WINDOW, 1 / SAMPLE_RATE)
        magnitude = np.sqrt(power)
        if power.sum() < 1e-10:
            return dict.fromkeys(("centroid_hz", "rolloff_hz", "flatness", "zero_crossing_rate"))
        rolloff = bins[np.searchsorted(np.cumsum(magnitude), self.settings.rolloff * magnitude.sum())]
        crossings = np.count_nonzero(np.diff(np.signbit(sound))) / (len(sound) - 1)
        return {
            "centroid_hz": round(float((bins * magnitude).sum() / magnitude.sum()), 1),
            "rolloff_hz": round(float(rolloff), 1),
            "flatness": round(float(np.exp(np.mean(np.log(power + 1e-12))) / np.mean(power + 1e-12)), 5),
            "zero_crossing_rate": round(float(crossings), 5),
        }

    def _silences(self, silent: np.ndarray) -> list[Segment]:
        """The stretches that stay below `silence_db` for long enough."""
        edges = np.flatnonzero(np.diff(np.concatenate([[False], silent, [False]])))
        edges_s = edges * _SILENT_FRAME / SAMPLE_RATE
        return [
            Segment(round(float(start), 3), round(float(end), 3), "silence")
            for start, end in zip(edges_s[::2], edges_s[1::2], strict=True)
            if end - start >= self.settings.min_silence_s
        ]
