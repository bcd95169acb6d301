"""Decoded frames as RGB pictures of the sizes that analyzers ask for.

Each plane of a frame is scaled where it lies, and only the small picture is converted: full-size RGB is made
for nobody who does not ask for it. The conversion is swscale's, by the frame's tags; where swscale has no
matrix for a tag, it takes that of BT.601, and so does this.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np

#: FFmpeg's number of a matrix (AVColorSpace) → weights of red and blue in luma. The others are as BT.601.
WEIGHTS = {0: (0.2126, 0.0722), 1: (0.2126, 0.0722), 4: (0.30, 0.11), 7: (0.212, 0.087)}
WEIGHTS |= dict.fromkeys((9, 10), (0.2627, 0.0593))
BT601 = (0.299, 0.114)
#: Formats with luma and both chroma planes apart; a letter and the depth may follow, as in yuv420p10le.
PLANAR = ("yuv420p", "yuv422p", "yuv444p", "yuv440p", "yuv411p", "yuv410p")
#: AVColorRange of full range, and of a tag that is not set.
FULL, UNSPECIFIED = 2, 2


class Layout(NamedTuple):
    """How the samples of a pixel format lie: bits of each, and whether black is 0 and white the highest."""

    bits: int
    full_range: bool
    grey: bool = False


class Turn(NamedTuple):
    """How a stored picture is shown: rows and columns exchanged, then mirrored along x and along y."""

    transposed: bool = False
    mirrored_x: bool = False
    mirrored_y: bool = False


#: A picture that is shown as it is stored.
UPRIGHT = Turn()


@functools.cache
def layout_of(name: str) -> Layout | None:
    """The layout of a pixel format that can be read plane by plane, else None."""
    if name.startswith("yuvj"):
        return Layout(8, True)
    if name == "gray":
        return Layout(8, True, grey=True)
    base = name.replace("yuva", "yuv")
    for planar in PLANAR:
        if base == planar:
            return Layout(8, False)
        depth = base.removeprefix(planar).removesuffix("le")
        if base.startswith(planar) and base.endswith("le") and depth.isdigit():
            return Layout(int(depth), False)
    return None


def turn_of(matrix: bytes | None) -> Turn:
    """How a display matrix (nine big or little endian 32-bit numbers, as FFmpeg has them) turns a picture.

    Angles between quarter turns are taken as the nearest one.
    """
    if matrix is None or len(matrix) < 36:
        return UPRIGHT
    a, b, _, c, d = (int(value) for value in np.frombuffer(matrix[:20], "<i4"))
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return Turn(False, a < 0, d < 0)
    return Turn(True, c < 0, b < 0)


class Picture:
    """One decoded frame, PyAV's `frame`, which is shown turned as `turn` says."""

    def __init__(self, frame: Any, turn: Turn = UPRIGHT) -> None:
        self._frame, self._turn = frame, turn
        self._layout = layout_of(frame.format.name)
        self._planes: list[list[np.ndarray]] | None = None

    def rgb(self, height: int, width: int, out: np.ndarray) -> None:
        """Write the picture into `out`, uint8 `[height, width, 3]` RGB."""
        import cv2

        if self._turn == UPRIGHT:
            self._convert(height, width, out)
            return
        stored = (width, height) if self._turn.transposed else (height, width)
        picture: np.ndarray = np.empty((*stored, 3), np.uint8)
        self._convert(*stored, picture)
        if self._turn.transposed:
            picture = cv2.transpose(picture)
        if self._turn.mirrored_x or self._turn.mirrored_y:
            code = -1 if self._turn.mirrored_x and self._turn.mirrored_y else int(self._turn.mirrored_x)
            picture = cv2.flip(picture, code)
        out[:] = picture

    def _convert(self, height: int, width: int, out: np.ndarray) -> None:
        import cv2

        planes = self._halves()
        if self._layout is None:  # RGB already
            out[:] = scaled_plane(planes[0], height, width)
            return
        small = [scaled_plane(plane, height, width) for plane in planes]
        if self._layout.grey:
            cv2.cvtColor(small[0], cv2.COLOR_GRAY2RGB, dst=out)
            return
        full = self._layout.full_range or self._frame.color_range == FULL
        to_rgb = matrix_to_rgb(self._frame.colorspace, self._layout.bits, full)
        cv2.transform(cv2.merge(small), to_rgb, dst=out if self._layout.bits == 8 else None)
        if self._layout.bits != 8:
            wide = cv2.transform(cv2.merge(small).astype(np.float32), to_rgb)
            cv2.convertScaleAbs(np.maximum(wide, 0), dst=out)

    def _halves(self) -> list[list[np.ndarray]]:
        """Each plane, followed by the smaller versions of it that were made so far."""
        if self._planes is None:
            self._planes = [[plane] for plane in self._read()]
        return self._planes

    def _read(self) -> list[np.ndarray]:
        frame, layout = self._frame, self._layout
        if layout is None:
            frame.colorspace = frame.color_primaries = frame.color_trc = UNSPECIFIED
            return [frame.reformat(format="rgb24").to_ndarray()]
        kind = np.uint8 if layout.bits == 8 else np.uint16
        planes = list(frame.planes)[: 1 if layout.grey else 3]
        return [np.frombuffer(plane, kind).reshape(plane.height, -1)[:, : plane.width] for plane in planes]


@functools.lru_cache(maxsize=64)
def matrix_to_rgb(colorspace: int, bits: int, full_range: bool) -> np.ndarray:
    """The map from Y, Cb, Cr of so many bits to 8-bit RGB: float32 `[3, 4]`, the last column is added."""
    red, blue = WEIGHTS.get(colorspace, BT601)
    green = 1 - red - blue
    chroma = np.array(
        [
            [0, 2 * (1 - red)],
            [-2 * (1 - blue) * blue / green, -2 * (1 - red) * red / green],
            [2 * (1 - blue), 0],
        ]
    )
    one = 2.0 ** (bits - 8)
    black, luma, span = (0.0, 1.0, 1.0) if full_range else (16 * one, 255 / 219, 255 / 224)
    if full_range:
        one = (2.0**bits - 1) / 255
    columns = np.column_stack([np.full(3, luma), chroma * span]) / one
    middle = np.array([black, 2.0 ** (bits - 1), 2.0 ** (bits - 1)])
    return np.column_stack([columns, -columns @ middle]).astype(np.float32)


def scaled_plane(halves: list[np.ndarray], height: int, width: int) -> np.ndarray:
    """The plane `halves[0]` in another size: halved for as long as it stays large enough, then scaled.

    Halving by areas is many times faster than one large step, and gives the same, apart from rounding, where
    the sizes are whole multiples. `halves` collects the steps for the next size. The outcome depends on the
    plane and the size alone, so that an analyzer sees the same frames whoever else reads the clip.
    """
    import cv2

    step = 0
    while True:
        image = halves[step]
        rows, columns = image.shape[:2]
        if rows % 2 or columns % 2 or rows // 2 < height or columns // 2 < width:
            break
        step += 1
        if step == len(halves):
            halves.append(cv2.resize(image, (columns // 2, rows // 2), interpolation=cv2.INTER_AREA))
    if (rows, columns) == (height, width):
        return image
    larger = height > rows or width > columns
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR if larger else cv2.INTER_AREA)
