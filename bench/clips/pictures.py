"""Decoded pictures: from the decoder's planes straight to small RGB images, as they are shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from clipbench.bench.clips.colours import matrix_of
from clipbench.bench.clips.planes import Planes, planes_of
from clipbench.bench.clips.turning import UPRIGHT, Turn


@dataclass(frozen=True)
class TimedPicture:
    """A picture and its time in seconds of the clip."""

    time_s: float
    picture: Picture


class Picture:
    """One decoded frame. Nothing is converted before it is asked for, and then only in that size."""

    def __init__(self, frame: Any, turn: Turn = UPRIGHT) -> None:
        self._frame, self._turn = frame, turn
        self._planes: Planes | None = None

    @property
    def height(self) -> int:
        """Rows of the frame as stored, turned as it is shown."""
        return int(self._frame.width if self._turn.transposed else self._frame.height)

    @property
    def width(self) -> int:
        """Columns of the frame as stored, turned as it is shown."""
        return int(self._frame.height if self._turn.transposed else self._frame.width)

    def rgb(self, height: int, width: int, out: np.ndarray) -> None:
        """Write the picture into `out`, uint8 `[height, width, 3]`, RGB, scaled to that size.

        The outcome depends on the frame and the size alone, whatever other sizes are asked for.
        """
        if self._planes is None:
            self._planes = planes_of(self._frame)
        if self._turn == UPRIGHT:
            self._planes.rgb(height, width, matrix_of(self._frame), out)
            return
        size = (width, height) if self._turn.transposed else (height, width)
        flat = np.empty((*size, 3), np.uint8)
        self._planes.rgb(*size, matrix_of(self._frame), flat)
        self._turn.apply(flat, out)
