"""Tempo and key of music, by the textbook methods that librosa and music21 also use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from clipbench.analyzers.features.sound.spectra import SAMPLE_RATE, decibels, magnitudes, mel_filters
from clipbench.analyzers.features.sound.windows import Windows

_ONSET_WINDOW = 512  # samples
_KEY_WINDOW = 4096  # samples: 3.9 Hz between two bins, less than a semitone from C2 on
_HOP = 160  # samples, 10 ms: a step of 1 % in a tempo of 60 bpm
_STRETCH_S = 4.0  # length that is searched for a period at a time, so that speech does not drown music
_USUAL_BPM, _OCTAVES = 120.0, 1.0  # centre and width of the tempos that people tap (Ellis 2007)

_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
# How well each degree fits a key, from the tonic upwards (Krumhansl and Kessler 1982).
_MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
_MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)


def onset_windows() -> Windows:
    """The windows of which `onset_levels` are computed: each is centred on its time, and zeros lie around."""
    return Windows(_ONSET_WINDOW, _HOP, np.zeros(_ONSET_WINDOW // 2, np.float32))


def onset_levels(windows: np.ndarray) -> np.ndarray:
    """How loud 40 mel bands are, in dB, float32 [T, 40], in windows [T, 512] of 16 kHz sound."""
    levels: np.ndarray = decibels(magnitudes(windows) ** 2 @ onset_filters())
    return levels


@cache
def onset_filters() -> np.ndarray:
    """The 40 mel bands."""
    return mel_filters(40, _ONSET_WINDOW, 30.0, SAMPLE_RATE / 2)


def onset_strength(levels: Sequence[np.ndarray]) -> np.ndarray:
    """How much louder the sound gets every 10 ms, [T]: the mean of the rises of 40 mel bands in dB.

    `levels` are those of consecutive parts of the sound, of which there is at least one.
    """
    levels = [part for part in levels if len(part)]
    floor = max(part.max() for part in levels) - 80
    before, strength = np.maximum(levels[0][:1], floor), []
    for part in levels:
        loud = np.maximum(part, floor)
        strength.append(np.maximum(0, np.diff(loud, axis=0, prepend=before)).mean(1))
        before = loud[-1:]
    return np.concatenate(strength)


def find_tempo(onsets: np.ndarray, low_bpm: float, high_bpm: float, least: float) -> float | None:
    """Beats per minute by a sound's onset strength; None if no period in the range has the strength `least`.

    The period is the lag at which onset strength is most similar to itself, with a preference for 120 bpm
    (Ellis, "Beat Tracking by Dynamic Programming", 2007). Stretches are weighted by how periodic they are:
    the steady beat of music reaches 0.6 to 1, speech and noise seldom 0.3.
    """
    size = min(len(onsets), round(_STRETCH_S * SAMPLE_RATE / _HOP))
    longest = 60 * SAMPLE_RATE / _HOP / low_bpm
    if size < 2 * longest:
        return None
    likeness = np.array(
        [autocorrelation(onsets[at : at + size]) for at in range(0, len(onsets) - size + 1, size // 4)]
    )
    lags = np.arange(1, int(longest) + 2)
    bpm = 60 * SAMPLE_RATE / _HOP / lags
    lags, bpm = lags[(bpm >= low_bpm) & (bpm <= high_bpm)], bpm[(bpm >= low_bpm) & (bpm <= high_bpm)]
    strength = likeness[:, lags].max(1, initial=0)
    if strength.max() < max(least, 1e-6):
        return None
    mean = np.average(likeness, axis=0, weights=np.maximum(strength, 0) ** 2)
    lag = int(lags[(mean[lags] * np.exp(-0.5 * (np.log2(bpm / _USUAL_BPM) / _OCTAVES) ** 2)).argmax()])
    # The period is refined on its multiples, where an error in the lag means a smaller one in the tempo.
    estimates, period = [], float(lag)
    for multiple in range(1, int((size - 2) / period / 2) + 1):
        near = round(multiple * period) + np.arange(-2, 3)
        best = int(near[mean[near].argmax()])
        estimates.append((best + parabolic_peak(mean[best - 1 : best + 2])) / multiple)
        period = float(np.average(estimates, weights=np.arange(1, multiple + 1)))
    return 60 * SAMPLE_RATE / _HOP / period


def autocorrelation(values: np.ndarray) -> np.ndarray:
    """The unbiased autocorrelation of `values`, scaled to 1 at lag 0; zeros if nothing varies."""
    centred = values - values.mean()
    spectrum = np.fft.rfft(centred, 2 * len(values))
    found = np.fft.irfft(np.abs(spectrum) ** 2)[: len(values)] / np.arange(len(values), 0, -1)
    return found / found[0] if found[0] > 1e-9 else np.zeros(len(values))


def parabolic_peak(around: np.ndarray) -> float:
    """Where the parabola through three values has its peak, as an offset from the middle one."""
    before, middle, after = around
    bend = before - 2 * middle + after
    return 0.0 if bend >= 0 else float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5))


@dataclass
class PitchClasses:
    """How strong the twelve pitch classes are in 16 kHz sound that comes in parts."""

    windows: Windows = field(default_factory=lambda: Windows(_KEY_WINDOW, _KEY_WINDOW // 4))
    peaks: np.ndarray = field(default_factory=lambda: np.zeros(_KEY_WINDOW // 2 - 1))
    heard: int = 0

    def end(self) -> None:
        """The sound is over: one that is shorter than a window is filled up with silence."""
        if not self.heard:
            self.add(np.zeros(_KEY_WINDOW - len(self.windows.rest), np.float32))

    def add(self, sound: np.ndarray) -> None:
        """Hear the next part."""
        windows = self.windows.add(sound)
        self.heard += len(windows)
        spectra = magnitudes(windows)
        is_peak = (spectra[:, 1:-1] > spectra[:, :-2]) & (spectra[:, 1:-1] >= spectra[:, 2:])
        self.peaks += (spectra[:, 1:-1] * is_peak).sum(0)

    def strength(self) -> np.ndarray:
        """The strengths of the twelve pitch classes, [12] from C, between 65 and 2100 Hz (C2 to C7)."""
        bins = np.fft.rfftfreq(_KEY_WINDOW, 1 / SAMPLE_RATE)[1:-1]
        within = (bins >= 65) & (bins <= 2100)
        pitch_class = np.rint(12 * np.log2(bins / 440) + 9).astype(int) % 12
        return np.bincount(pitch_class, np.sqrt(self.peaks * within), 12)


def find_key(strength: np.ndarray) -> tuple[str | None, float]:
    """The key ("A minor") of a sound's pitch classes, and how well its profile correlates with them.

    The Krumhansl-Schmuckler algorithm: of the 24 keys, the one whose profile correlates best. Silence has no
    key.
    """
    if np.ptp(strength) < 1e-6:
        return None, 0.0
    scores = {
        f"{_NAMES[tonic]} {mode}": float(np.corrcoef(np.roll(profile, tonic), strength)[0, 1])
        for mode, profile in (("major", _MAJOR), ("minor", _MINOR))
        for tonic in range(12)
    }
    best = max(scores, key=lambda name: scores[name])
    return best, scores[best]
