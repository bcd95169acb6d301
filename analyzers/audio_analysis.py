"""The sound in numbers: tempo, key, loudness, the spectrum second by second, and silence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from clipbench.analyzers.base import Analyzer, ClipView, Needs, NothingToAnalyze, Segment, Settings, setting
from clipbench.analyzers.features.sound.spectra import SAMPLE_RATE, decibels, frame, spectrogram
from clipbench.analyzers.features.sound.tempo_and_key import find_key, find_tempo

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


class AudioAnalysis(Analyzer):
    """Loudness by pyloudnorm, the rest by the algorithms that librosa uses."""

    name = "audio_analysis"
    settings: AudioAnalysisSettings
    settings_type = AudioAnalysisSettings

    def needs(self) -> Needs:
        return Needs(audio=True)

    def load(self, device: str = "cpu") -> None:
        import pyloudnorm

        self._meter = pyloudnorm.Meter(SAMPLE_RATE)
        self._short_term = pyloudnorm.Meter(SAMPLE_RATE, block_size=3.0, overlap=1 - 0.1 / 3)

    def analyze(self, clip: ClipView, upstream: Mapping[str, list[Segment]]) -> list[Segment]:
        audio = clip.audio()
        if len(audio) < _WINDOW:
            raise NothingToAnalyze(f"the sound has {len(audio)} samples, and a spectrum needs {_WINDOW}")
        segments = [
            self._summary(audio),
            *self._spectra(audio),
            *(Segment(start, end, "silence") for start, end in self._silences(audio)),
        ]
        return sorted(segments, key=lambda segment: segment.start_s)

    def headline(self, segments: list[Segment]) -> str:
        data = next(s.data for s in segments if s.label == "summary")
        parts = [f"{data['tempo_bpm']:.0f} bpm"] if data["tempo_bpm"] else []
        parts += [data["key"]] if data["key"] else []
        parts += [f"{data['lufs']:.1f} LUFS"] if data["lufs"] is not None else []
        return ", ".join(parts) or super().headline(segments)

    def _summary(self, audio: np.ndarray) -> Segment:
        settings = self.settings
        tempo = find_tempo(audio, settings.tempo_low_bpm, settings.tempo_high_bpm, settings.tempo_strength)
        key, correlation = find_key(audio)
        if correlation < settings.key_strength:
            key = None
        loudness, loudness_range = self._loudness(audio)
        peak = float(decibels(float(np.max(np.abs(audio))) ** 2, floor=1e-20))
        return Segment(
            0.0,
            round(len(audio) / SAMPLE_RATE, 3),
            "summary",
            None,
            {
                "tempo_bpm": None if tempo is None else round(tempo, 1),
                "key": key,
                "key_strength": None if key is None else round(correlation, 3),
                "lufs": loudness,
                "loudness_range": loudness_range,
                "peak_db": round(peak, 2),
            },
        )

    def _loudness(self, audio: np.ndarray) -> tuple[float | None, float | None]:
        """Integrated loudness (LUFS) and its range (LU) of the mono sound; None if too quiet or too short.

        ITU-R BS.1770-4 and EBU Tech 3342. The range is computed from pyloudnorm's short-term loudness; its
        own `loudness_range` appends silence, which gives a steady tone of 5 s a range of 2 LU.
        """
        integrated = spread = None
        if len(audio) >= self._meter.block_size * SAMPLE_RATE:
            loudness = float(self._meter.integrated_loudness(audio.astype(np.float64)))
            integrated = round(loudness, 2) if math.isfinite(loudness) else None
        if integrated is not None and len(audio) >= self._short_term.block_size * SAMPLE_RATE:
            self._short_term.integrated_loudness(audio.astype(np.float64))
            levels = np.array(self._short_term.blockwise_loudness)
            levels = levels[levels >= -70]
            if len(levels):
                levels = levels[levels >= 10 * np.log10(np.mean(10 ** (levels / 10))) - 20]
                low, high = np.percentile(levels, (10, 95))
                spread = round(float(high - low), 2)
        return integrated, spread

    def _spectra(self, audio: np.ndarray) -> list[Segment]:
        """A segment per second, and one for the rest if a spectrum fits into it."""
        found = []
        for start in range(0, len(audio) - _WINDOW + 1, SAMPLE_RATE):
            second = audio[start : start + SAMPLE_RATE]
            data = {"rms_db": round(float(decibels(np.mean(second**2))), 2), **self._shape(second)}
            span = (start / SAMPLE_RATE, (start + len(second)) / SAMPLE_RATE)
            found.append(Segment(span[0], round(span[1], 3), "spectrum", None, data))
        return found

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

    def _silences(self, audio: np.ndarray) -> list[tuple[float, float]]:
        """Start and end in seconds of the stretches that stay below `silence_db`."""
        level = decibels((frame(audio, _SILENT_FRAME, _SILENT_FRAME) ** 2).mean(1))
        silent = np.concatenate([[False], level < self.settings.silence_db, [False]])
        edges = np.flatnonzero(np.diff(silent)) * _SILENT_FRAME / SAMPLE_RATE
        spans = zip(edges[::2], edges[1::2], strict=True)
        return [
            (round(float(start), 3), round(float(end), 3))
            for start, end in spans
            if end - start >= self.settings.min_silence_s
        ]
