"""Tempo and key of music, by the textbook methods that librosa and music21 also use."""

from __future__ import annotations

import numpy as np

from clipbench.analyzers.features.sound.spectra import SAMPLE_RATE, decibels, mel_filters, spectrogram

_HOP = 160  # samples, 10 ms: a step of 1 % in a tempo of 60 bpm
_STRETCH_S = 4.0  # length that is searched for a period at a time, so that speech does not drown music
_USUAL_BPM, _OCTAVES = 120.0, 1.0  # centre and width of the tempos that people tap (Ellis 2007)

_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
# How well each degree fits a key, from the tonic upwards (Krumhansl and Kessler 1982).
_MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
_MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)


def onset_strength(audio: np.ndarray) -> np.ndarray:
    """How much louder the sound gets every 10 ms, [T]: the mean of the rises of 40 mel bands in dB."""
    spectra = spectrogram(np.pad(audio, 256), 512, _HOP) ** 2
    level = decibels(spectra @ mel_filters(40, 512, 30.0, SAMPLE_RATE / 2))
    level = np.maximum(level, level.max() - 80)
    rises: np.ndarray = np.maximum(0, np.diff(level, axis=0, prepend=level[:1]))
    strength: np.ndarray = rises.mean(1)
    return strength


def find_tempo(audio: np.ndarray, low_bpm: float, high_bpm: float, least: float) -> float | None:
    """Beats per minute of 16 kHz sound, or None if no period in the range has the strength `least`.

    The period is the lag at which onset strength is most similar to itself, with a preference for 120 bpm
    (Ellis, "Beat Tracking by Dynamic Programming", 2007). Stretches are weighted by how periodic they are:
    the steady beat of music reaches 0.6 to 1, speech and noise seldom 0.3.
    """
    onsets = onset_strength(audio)
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


def chroma(audio: np.ndarray) -> np.ndarray:
    """The strengths of the twelve pitch classes, [12] from C, between 65 and 2100 Hz (C2 to C7)."""
    window = 4096  # 3.9 Hz between two bins, less than a semitone from C2 on
    padded = np.pad(audio, (0, max(0, window - len(audio))))
    spectra = spectrogram(padded, window, window // 4)
    bins = np.fft.rfftfreq(window, 1 / SAMPLE_RATE)
    peaks = (spectra[:, 1:-1] > spectra[:, :-2]) & (spectra[:, 1:-1] >= spectra[:, 2:])
    within = (bins[1:-1] >= 65) & (bins[1:-1] <= 2100)
    pitch_class = np.rint(12 * np.log2(np.maximum(bins[1:-1], 1) / 440) + 9).astype(int) % 12
    weights = np.sqrt((spectra[:, 1:-1] * peaks * within).sum(0))
    return np.bincount(pitch_class, weights, 12)


def find_key(audio: np.ndarray) -> tuple[str | None, float]:
    """The key ("A minor") of 16 kHz sound, and how well its profile correlates with the pitch classes.

    The Krumhansl-Schmuckler algorithm: of the 24 keys, the one whose profile correlates best. Silence has no
    key.
    """
    strength = chroma(audio)
    if np.ptp(strength) < 1e-6:
        return None, 0.0
    scores = {
        f"{_NAMES[tonic]} {mode}": float(np.corrcoef(np.roll(profile, tonic), strength)[0, 1])
        for mode, profile in (("major", _MAJOR), ("minor", _MINOR))
        for tonic in range(12)
    }
    best = max(scores, key=lambda name: scores[name])
    return best, scores[best]
