"""Fades through black and white, from the brightness of the frames. All positions are frame indices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

#: A ramp goes on across frames that repeat their neighbours, if it does within so many.
BRIDGED = 3


class Fade(NamedTuple):
    """A passage through black or white, `[start, stop)`: plain from `plain` until `resume`."""

    start: int
    plain: int
    resume: int
    stop: int
    white: bool


class Dip(NamedTuple):
    """A stretch of plain frames `[first, resume)`, which tells fades apart."""

    first: int
    resume: int
    white: bool


class Ramps(NamedTuple):
    """What makes a fade: brightness that changes by `step` per frame, for `least` frames on one side or both.

    Plain frames are below `black` or not below `white`; without a ramp it is a cut to black.
    """

    step: float
    least: int
    black: int
    white: int

    def fades(self, levels: np.ndarray) -> Iterator[tuple[Dip, Fade]]:
        """The fades in `levels` `[T]`, each with its plain frames; first those through black."""
        for white in (False, True):
            away = -levels if white else levels
            for first, resume in runs(levels >= self.white if white else levels < self.black):
                # The ramps continue beyond the threshold to the plainest frames.
                plainest = first + np.flatnonzero(away[first:resume] <= away[first:resume].min() + 1)
                plain, last = int(plainest[0]), int(plainest[-1])
                start = _ramp(away, plain, -1, self.step)
                stop = _ramp(away, last, 1, self.step) if last + 1 < len(levels) else last + 1
                if max(plain - start, stop - last - 1) >= self.least:
                    yield Dip(first, resume, white), Fade(start, plain, last + 1, stop, white)


def _ramp(levels: np.ndarray, start: int, direction: int, min_step: float) -> int:
    """Index where the change of `levels` away from `start` ends, going in `direction` (-1 or 1)."""
    index = start

    def rises(by: int) -> bool:
        # Looking ahead bridges repeated frames within the ramp.
        ahead = index + direction * by
        return bool(0 <= ahead < len(levels) and levels[ahead] - levels[index] >= by * min_step)

    while any(rises(by) for by in range(1, BRIDGED + 1)):
        index += direction
    return index


def runs(mask: np.ndarray) -> list[tuple[int, int]]:
    """Stretches `[start, stop)` of true values."""
    steps = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(int)))
    return list(zip(steps[::2].tolist(), steps[1::2].tolist(), strict=True))
