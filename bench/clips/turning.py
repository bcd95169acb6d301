"""How a picture is turned and mirrored before it is shown: the display matrix that phones write."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Turn(NamedTuple):
    """Rows and columns are swapped first, then the order of columns and that of rows is reversed."""

    transposed: bool
    mirrored: bool
    upside_down: bool

    def apply(self, image: np.ndarray, out: np.ndarray) -> None:
        """Write `image` into `out` as it is shown."""
        turned = image.swapaxes(0, 1) if self.transposed else image
        np.copyto(out, turned[:: -1 if self.upside_down else 1, :: -1 if self.mirrored else 1])


UPRIGHT = Turn(False, False, False)


def turn_of(frame: Any) -> Turn:
    """How the decoded `frame` is shown. Angles between the quarters are shown as the nearest of them."""
    from av.sidedata.sidedata import Type

    try:
        matrix = np.frombuffer(frame.side_data[Type.DISPLAYMATRIX], np.int32)
    except KeyError:
        return UPRIGHT
    if matrix.size < 9:
        return UPRIGHT
    # A point (x, y) of the stored picture is shown at (a x + c y, b x + d y), with y downwards.
    a, b, c, d = (int(matrix[i]) for i in (0, 1, 3, 4))
    if abs(b) + abs(c) > abs(a) + abs(d):
        return Turn(True, c < 0, b < 0)
    return Turn(False, a < 0, d < 0)
