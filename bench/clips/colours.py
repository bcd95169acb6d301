"""From the decoder's Y, U and V to RGB: matrix and range by a frame's tags, as the ffmpeg command has it."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

#: Red from V, blue from U, green from U, green from V, limited range, times 65536: swscale's own figures.
BT601 = (104597, 132201, 25675, 53279)
BT709 = (117489, 138438, 13975, 34925)
BT2020 = (110013, 140363, 12277, 42626)
#: By AVColorSpace. All that is not here is shown as BT.601: unspecified, and what swscale has no matrix for
#: (YCgCo, constant luminance derived from the primaries, ICtCp).
COEFFICIENTS = {
    0: BT709,  # "RGB", on a frame that is not
    1: BT709,
    4: (104448, 132798, 24759, 53109),  # FCC
    7: (117579, 136230, 16907, 35559),  # SMPTE 240M
    9: BT2020,
    10: BT2020,
}
#: AVColorRange: limited ("tv"), full ("pc").
LIMITED, FULL = 1, 2


def matrix_of(frame: Any) -> np.ndarray:
    """The matrix `[3, 4]` float32 that makes RGB of (Y, U, V, 1) of a frame, all in 0..255."""
    name = frame.format.name
    full = frame.color_range == FULL or name.startswith("yuvj")
    if name.startswith(("gray", "ya")):
        full = frame.color_range != LIMITED
    return matrix(frame.colorspace, full)


@functools.cache
def matrix(colorspace: int, full: bool) -> np.ndarray:
    """The matrix for an AVColorSpace in the limited or the full range."""
    red_v, blue_u, green_u, green_v = (c / 65536 for c in COEFFICIENTS.get(colorspace, BT601))
    luma, black, chroma = (1.0, 0.0, 224 / 255) if full else (255 / 219, 16.0, 1.0)
    rows = np.array([[luma, 0, red_v * chroma], [luma, -green_u * chroma, -green_v * chroma],
                     [luma, blue_u * chroma, 0]])  # fmt: skip
    offset = -rows @ np.array([black, 128, 128])
    return np.column_stack([rows, offset]).astype(np.float32)
