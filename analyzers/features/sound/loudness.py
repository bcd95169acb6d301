"""Loudness as ITU-R BS.1770-4 and EBU Tech 3342 define it, of a mono sound that comes in parts.

Both gate blocks, whose energies are sums over cells of 100 ms: only the cells have to be kept. pyloudnorm
has the filters; its own meter takes the whole sound at once. Its integrated loudness and this one agree
within 0.01 LU.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from clipbench.analyzers.features.sound.spectra import SAMPLE_RATE

_CELL = SAMPLE_RATE // 10  # samples; blocks begin at every cell
_BLOCK, _SHORT_TERM = 4, 30  # cells of a gating block, and of one of short-term loudness
_ABSOLUTE_GATE = -70.0  # LUFS


@dataclass
class KWeighting:
    """The two K-weighting filters, in the middle of a sound; imports pyloudnorm."""

    delays: list[np.ndarray] = field(default_factory=lambda: [np.zeros(2), np.zeros(2)])

    def energies(self, sound: np.ndarray) -> np.ndarray:
        """The energies float64 of the next cells of 100 ms; only the last part may end within a cell."""
        from pyloudnorm.iirfilter import IIRfilter
        from scipy.signal import lfilter

        shelf = IIRfilter(4.0, 1 / np.sqrt(2), 1500.0, SAMPLE_RATE, "high_shelf")
        high_pass = IIRfilter(0.0, 0.5, 38.0, SAMPLE_RATE, "high_pass")
        weighted = sound.astype(np.float64)
        for number, stage in enumerate((shelf, high_pass)):
            weighted, self.delays[number] = lfilter(stage.b, stage.a, weighted, zi=self.delays[number])
        return np.array([np.sum(weighted[at : at + _CELL] ** 2) for at in range(0, len(weighted), _CELL)])


def integrated_loudness(cells: np.ndarray, samples: int) -> float | None:
    """The gated loudness in LUFS of a sound of so many samples; None if too quiet or shorter than 0.4 s."""
    power = block_power(cells, samples, _BLOCK)
    power = power[levels(power) >= _ABSOLUTE_GATE]
    if len(power):
        power = power[levels(power) > levels(power.mean()) - 10]
    return float(levels(power.mean())) if len(power) else None


def loudness_range(cells: np.ndarray, samples: int) -> float | None:
    """The range in LU of the short-term loudness; None if too quiet or shorter than 3 s.

    pyloudnorm's own appends silence, which gives a steady tone of 5 s a range of 2 LU.
    """
    power = block_power(cells, samples, _SHORT_TERM)
    power = power[levels(power) >= _ABSOLUTE_GATE]
    if not len(power):
        return None
    low, high = np.percentile(levels(power[levels(power) >= levels(power.mean()) - 20]), (10, 95))
    return float(high - low)


def block_power(cells: np.ndarray, samples: int, size: int) -> np.ndarray:
    """The mean power of blocks of `size` cells, one for each cell; the last may lack half a cell."""
    if samples < size * _CELL:
        return np.empty(0)
    blocks = int(np.round(samples / _CELL - size)) + 1
    padded = np.pad(cells, (0, 1))[: blocks + size - 1]
    power: np.ndarray = np.lib.stride_tricks.sliding_window_view(padded, size).sum(1) / (size * _CELL)
    return power


def levels(power: np.ndarray | float) -> np.ndarray:
    """LUFS of the power of weighted mono sound."""
    found: np.ndarray = -0.691 + 10 * np.log10(np.maximum(power, 1e-20))
    return found
