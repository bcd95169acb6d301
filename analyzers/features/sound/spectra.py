"""Short-time spectra and mel filters, for the analyzers that read sound.

They are written in numpy because importing librosa compiles its numba functions, which takes 17 s of the
first run on a fresh machine.
"""

from __future__ import annotations

import numpy as np

#: Samples per second of `ClipView.audio()`.
SAMPLE_RATE = 16000


def frame(audio: np.ndarray, length: int, hop: int) -> np.ndarray:
    """Frames of `length` samples every `hop` samples, [T, length], as a view; needs `length` samples."""
    return np.lib.stride_tricks.sliding_window_view(audio, length)[::hop]


def centred(audio: np.ndarray, length: int, hop: int) -> np.ndarray:
    """Like `frame`, but frame t is centred on sample `t * hop`; zeros are added beyond both ends."""
    return frame(np.pad(audio, length // 2), length, hop)


def spectrogram(audio: np.ndarray, window: int, hop: int, *, fft: int | None = None) -> np.ndarray:
    """Magnitudes [T, fft // 2 + 1] of Hann-windowed frames without padding, in float32.

    `window` and `hop` in samples; frames are zero-padded to `fft` samples. Needs `window` samples.
    """
    return magnitudes(frame(audio, window, hop), fft=fft)


def magnitudes(windows: np.ndarray, *, fft: int | None = None) -> np.ndarray:
    """Magnitudes [T, fft // 2 + 1] of windows [T, N], which Hann's window is put on, in float32."""
    length = windows.shape[1]
    hann = np.hanning(length + 1)[:-1].astype(np.float32)
    return np.abs(np.fft.rfft(windows * hann, fft or length, axis=1)).astype(np.float32)


def mel_filters(bands: int, fft: int, low_hz: float, high_hz: float) -> np.ndarray:
    """Triangles [fft // 2 + 1, bands] of height 1, evenly spaced on HTK's mel scale, linear in mel.

    They equal TensorFlow's `linear_to_mel_weight_matrix`, which leaves out the bin at 0 Hz.
    """
    mel = 1127.0 * np.log1p(np.linspace(0, SAMPLE_RATE / 2, fft // 2 + 1) / 700.0)
    low, high = 1127.0 * np.log1p(np.array([low_hz, high_hz]) / 700.0)
    edges = np.linspace(low, high, bands + 2)
    rising = (mel[:, None] - edges[:-2]) / np.diff(edges)[:-1]
    falling = (edges[2:] - mel[:, None]) / np.diff(edges)[1:]
    filters = np.maximum(0, np.minimum(rising, falling))
    filters[0] = 0
    return filters.astype(np.float32)


def decibels(power: np.ndarray | float, floor: float = 1e-10) -> np.ndarray:
    """10 log10 of a power, which counts as at least `floor`."""
    level: np.ndarray = 10 * np.log10(np.maximum(power, floor))
    return level
