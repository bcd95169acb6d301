"""Loudness as ITU-R BS.1770-4 and EBU Tech 3342 define it, of the levels of tenths of a second.

Both gate blocks, whose energies are sums over cells of 100 ms: only the cells have to be kept.
"""

from __future__ import annotations

import numpy as np

from clipbench.analyzers.base import CELLS_PER_S

_BLOCK, _SHORT_TERM = 4, 30  # cells of a gating block, and of one of short-term loudness
_ABSOLUTE_GATE = -70.0  # LUFS


def integrated_loudness(cells: np.ndarray, seconds: float) -> float | None:
    """The gated loudness in LUFS of a sound of this length, by the energy of its cells.

    None if it is too quiet, shorter than 0.4 s, or has channels that could not be read (NaN).
    """
    power = block_power(cells, seconds, _BLOCK)
    if np.isnan(power).any():
        return None
    power = power[levels(power) >= _ABSOLUTE_GATE]
    if len(power):
        power = power[levels(power) > levels(power.mean()) - 10]
    return float(levels(power.mean())) if len(power) else None


def loudness_range(cells: np.ndarray, seconds: float) -> float | None:
    """The range in LU of the short-term loudness; None as above, or if shorter than 3 s.

    pyloudnorm's own appends silence, which gives a steady tone of 5 s a range of 2 LU.
    """
    power = block_power(cells, seconds, _SHORT_TERM)
    if np.isnan(power).any():
        return None
    power = power[levels(power) >= _ABSOLUTE_GATE]
    if not len(power):
        return None
    low, high = np.percentile(levels(power[levels(power) >= levels(power.mean()) - 20]), (10, 95))
    return float(high - low)


def block_power(cells: np.ndarray, seconds: float, size: int) -> np.ndarray:
    """The mean power of blocks of `size` cells, one for each cell; the last may lack half a cell."""
    length = round(seconds * CELLS_PER_S, 6)
    if length < size:
        return np.empty(0)
    blocks = int(np.round(length - size)) + 1
    padded = np.pad(cells, (0, 1))[: blocks + size - 1]
    power: np.ndarray = np.lib.stride_tricks.sliding_window_view(padded, size).sum(1) * (CELLS_PER_S / size)
    return power


def levels(power: np.ndarray | float) -> np.ndarray:
    """LUFS of the power of weighted sound."""
    found: np.ndarray = -0.691 + 10 * np.log10(np.maximum(power, 1e-20))
    return found
