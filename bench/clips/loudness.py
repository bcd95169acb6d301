"""How loud a clip's sound is, at the file's own rate and in all its channels, as ITU-R BS.1770-4 weighs it.

Mono at 16 kHz, which analyzers get, has lost what is above 8 kHz and what channels cancel of each other.

The filters are matrices here, because importing scipy.signal takes 0.7 s and 76 MB in the process that
decodes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from clipbench.analyzers.base import CELLS_PER_S, Levels

#: Samples that are weighted at a time: frames of a file may be as short as it likes.
_BATCH = 4096
_BLOCK = 64
_ROUNDING = 1e-6


class Blocks(NamedTuple):
    """The K-weighting at a rate, for blocks of `_BLOCK` samples.

    A block's output is `outputs @ state + response @ samples`, and the state after n samples is
    `powers[n] @ state` + the last n columns of `drive` times them.
    """

    outputs: np.ndarray
    response: np.ndarray
    drive: np.ndarray
    powers: np.ndarray


def biquads(rate: float) -> list[tuple[np.ndarray, np.ndarray]]:
    """Numerator and denominator of BS.1770's two filters at a rate, at 48 kHz those of the standard.

    A filter whose corner is not below half the rate is left out: all that there is lies on one side of it.
    """
    found = []
    shelf_hz, gain, quality = 1681.974450955533, 10 ** (3.999843853973347 / 20), 0.7071752369554196
    if shelf_hz < 0.45 * rate:
        k, middle = np.tan(np.pi * shelf_hz / rate), gain**0.4996667741545416
        above = np.array(
            [gain + middle * k / quality + k * k, 2 * (k * k - gain), gain - middle * k / quality + k * k]
        )
        below = np.array([1 + k / quality + k * k, 2 * (k * k - 1), 1 - k / quality + k * k])
        found.append((above / below[0], below / below[0]))
    low_hz, quality = 38.13547087602444, 0.5003270373238773
    if low_hz < 0.45 * rate:
        k = np.tan(np.pi * low_hz / rate)
        below = np.array([1 + k / quality + k * k, 2 * (k * k - 1), 1 - k / quality + k * k])
        found.append((np.array([1.0, -2.0, 1.0]), below / below[0]))
    return found


@lru_cache(maxsize=4)
def blocks(rate: int) -> Blocks:
    """The K-weighting at this rate, as matrices."""
    stages = biquads(rate)

    def step(sample: float, state: np.ndarray) -> tuple[float, np.ndarray]:
        after = np.zeros(4)
        for number, (b, a) in enumerate(stages):
            one, two = state[2 * number : 2 * number + 2]
            out = b[0] * sample + one
            after[2 * number : 2 * number + 2] = b[1] * sample - a[1] * out + two, b[2] * sample - a[2] * out
            sample = out
        return sample, after

    turned = [step(0.0, unit) for unit in np.eye(4)]
    read, move = np.array([out for out, _ in turned]), np.array([after for _, after in turned]).T
    through, push = step(1.0, np.zeros(4))
    powers = np.array([np.linalg.matrix_power(move, n) for n in range(_BLOCK + 1)])
    outputs = read @ powers[:-1]
    impulse = np.concatenate([[through], outputs[:-1] @ push])
    lag = np.arange(_BLOCK)[:, None] - np.arange(_BLOCK)
    response = np.where(lag >= 0, impulse[np.maximum(lag, 0)], 0.0)
    drive = np.array([powers[_BLOCK - 1 - n] @ push for n in range(_BLOCK)]).T
    return Blocks(outputs, response, drive, powers)


class KWeighting:
    """The K-weighting in the middle of a sound of so many channels."""

    def __init__(self, rate: int, channels: int) -> None:
        self._filter = blocks(rate)
        self._state = np.zeros((channels, 4))

    def weighted(self, samples: np.ndarray) -> np.ndarray:
        """The next samples, float64 [channels, N], weighted."""
        outputs, response, drive, powers = self._filter
        channels, count = samples.shape
        whole = count // _BLOCK * _BLOCK
        parts = samples[:, :whole].reshape(channels, -1, _BLOCK)
        pushes = parts @ drive.T
        states = np.empty((channels, parts.shape[1], 4))
        state, turn = self._state, powers[_BLOCK].T
        for number in range(parts.shape[1]):
            states[:, number] = state
            state = state @ turn + pushes[:, number]
        found = np.empty_like(samples)
        found[:, :whole] = (parts @ response.T + states @ outputs.T).reshape(channels, whole)
        if left := count - whole:
            rest = samples[:, whole:]
            found[:, whole:] = rest @ response[:left, :left].T + state @ outputs[:left].T
            state = state @ powers[left].T + rest @ drive[:, _BLOCK - left :].T
        self._state = state
        return found


class Meter:
    """The levels of a sound that comes in frames, on the picture's clock, as far as it was heard.

    As in `Line`, sound for the same moment twice counts once, and what lies before 0 or after `until_s` not
    at all. Where sound begins anew, the filters do.
    """

    def __init__(self, until_s: float) -> None:
        self._until_s = until_s
        self._energy, self._peak = np.zeros(0), np.zeros(0, np.float32)
        self._given = 0
        self._heard_s = -np.inf
        self._waiting: list[np.ndarray] = []
        self._weighting: KWeighting | None = None

    def begin(self, at_s: float, rate: int, weights: np.ndarray) -> None:
        """What is added next begins at this time, at this rate, in channels of these weights."""
        self.end()
        self._weighting, self._weights = KWeighting(rate, len(weights)), weights
        self._at_s, self._rate, self._done = at_s, rate, 0

    def add(self, samples: np.ndarray) -> None:
        """Go on with these samples, [channels, N] between -1 and 1."""
        self._waiting.append(samples)
        if sum(part.shape[1] for part in self._waiting) >= _BATCH:
            self._weigh()

    def end(self) -> None:
        """Sound goes on somewhere else, or in another form, or not at all."""
        if self._waiting:
            self._weigh()
        self._weighting = None

    def has(self, cells: int) -> bool:
        """Whether all is known that is in the first so many cells."""
        return self._heard_s >= min(cells / CELLS_PER_S, self._until_s) - _ROUNDING

    def take(self, cells: int) -> Levels:
        """The cells from the last `cells` up to this number; silence where nothing was added."""
        count = max(0, cells - self._given)
        self._grow(count)
        taken = Levels(self._energy[:count].copy(), self._peak[:count].copy())
        self._energy, self._peak = self._energy[count:], self._peak[count:]
        self._given += count
        return taken

    def _grow(self, cells: int) -> None:
        if (more := cells - len(self._energy)) > 0:
            self._energy, self._peak = np.pad(self._energy, (0, more)), np.pad(self._peak, (0, more))

    def _weigh(self) -> None:
        samples = np.concatenate(self._waiting, axis=1, dtype=np.float64)
        self._waiting.clear()
        assert self._weighting is not None
        power = self._weights @ self._weighting.weighted(samples) ** 2 / self._rate
        peaks = np.abs(samples).max(0)
        first, self._done = self._done, self._done + len(power)
        heard_s, self._heard_s = self._heard_s, max(self._heard_s, self._at_s + self._done / self._rate)
        times = self._at_s + (first + np.arange(len(power)) + 0.5) / self._rate
        new = (times > max(0.0, heard_s)) & (times < self._until_s)
        cells = (times[new] * CELLS_PER_S).astype(int) - self._given
        if not len(cells):
            return
        self._grow(int(cells[-1]) + 1)
        starts = np.flatnonzero(np.diff(cells, prepend=-1))
        self._energy[cells[starts]] += np.add.reduceat(power[new], starts)
        top = np.maximum.reduceat(peaks[new], starts)
        self._peak[cells[starts]] = np.maximum(self._peak[cells[starts]], top)


def cells_until(end_s: float, last: bool) -> int:
    """How many cells belong to the sound up to a time; the one that it divides does where the clip ends."""
    exact = end_s * CELLS_PER_S
    return int(np.ceil(exact - _ROUNDING)) if last else int(exact + _ROUNDING)
