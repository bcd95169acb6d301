"""A sound that comes in parts of any length, cut into pieces and windows that do not depend on the parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from clipbench.analyzers.features.sound.spectra import SAMPLE_RATE

_STRETCH = 60 * SAMPLE_RATE


def stretches(sound: np.ndarray) -> Iterator[np.ndarray]:
    """A sound of any length in stretches of a minute, so that spectra of all of it never exist."""
    for at in range(0, len(sound), _STRETCH):
        yield sound[at : at + _STRETCH]


def nothing() -> np.ndarray:
    """No samples."""
    return np.empty(0, np.float32)


@dataclass
class Pieces:
    """A sound in pieces of `size` samples: `rest` is what is not yet a whole piece.

    What is computed of a piece does not depend on the parts in which the sound came, to the last bit, which
    a matrix product over another number of rows would.
    """

    size: int
    rest: np.ndarray = field(default_factory=nothing)

    def add(self, part: np.ndarray) -> list[np.ndarray]:
        """The pieces that the next part completes; most are views of it."""
        missing = self.size - len(self.rest)
        if len(part) < missing:
            self.rest = np.concatenate([self.rest, part])
            return []
        first = np.concatenate([self.rest, part[:missing]])
        end = len(part) - (len(part) - missing) % self.size
        self.rest = part[end:].copy()
        return [first, *(part[at : at + self.size] for at in range(missing, end, self.size))]


@dataclass
class Windows:
    """Windows of `length` rows, one every `hop`, over samples or the rows of a spectrum.

    `rest` is what the next windows still need, and `ahead` how many rows they begin after it.
    """

    length: int
    hop: int
    rest: np.ndarray = field(default_factory=nothing)
    ahead: int = 0

    def add(self, rows: np.ndarray) -> np.ndarray:
        """The windows [N, length, …] that the next rows complete, as a view."""
        rows, self.ahead = rows[self.ahead :], max(0, self.ahead - len(rows))
        held = np.concatenate([self.rest, rows]) if len(self.rest) else rows
        count = max(0, (len(held) - self.length) // self.hop + 1)
        self.rest, self.ahead = (
            held[count * self.hop :].copy(),
            self.ahead or max(0, count * self.hop - len(held)),
        )
        if not count:
            return np.empty((0, self.length, *held.shape[1:]), held.dtype)
        found = np.lib.stride_tricks.sliding_window_view(held, self.length, axis=0)[:: self.hop]
        return np.moveaxis(found, -1, 1)
