"""The planes of a decoded frame, scaled each for itself: far less work than to make RGB of it first."""

from __future__ import annotations

import functools
import re
from typing import Any, Protocol, cast

import numpy as np

PLANAR = re.compile(r"(yuvj?a?(?P<sub>4\d\d)p|gray)(?P<bits>9|1[0-6])?(le)?$")
SEMI_PLANAR = ("nv12", "nv16", "nv24")


class Planes(Protocol):
    """What a frame is made of."""

    def rgb(self, height: int, width: int, matrix: np.ndarray, out: np.ndarray) -> None:
        """Write the frame into `out`, uint8 `[height, width, 3]`, in that size."""


def planes_of(frame: Any) -> Planes:
    """The planes of `frame`, whatever its pixel format."""
    name = frame.format.name
    if found := PLANAR.match(name):
        count = 3 if found["sub"] else 1
        bits = int(found["bits"] or 8)
        return YuvPlanes([array_of(plane, bits) for plane in frame.planes[:count]])
    if name in SEMI_PLANAR:
        luma, chroma = frame.planes[:2]
        pairs = np.frombuffer(chroma, np.uint8).reshape(-1, abs(chroma.line_size))
        pairs = pairs[:, : 2 * chroma.width]
        return YuvPlanes([array_of(luma, 8), *(np.ascontiguousarray(pairs[:, i::2]) for i in range(2))])
    if name == "rgb24":
        return RgbPlanes(rgb_array(frame))
    return RgbPlanes(rgb_array(converted(frame)))


def array_of(plane: Any, bits: int) -> np.ndarray:
    """A plane's samples, uint8 `[H, W]`, without copying them where they are bytes already."""
    import cv2

    dtype = np.uint8 if bits == 8 else np.uint16
    rows = np.frombuffer(plane, dtype).reshape(plane.height, -1)[:, : plane.width]
    if plane.line_size < 0:
        rows = rows[::-1]
    if bits == 8:
        return rows
    reduced: np.ndarray = cv2.convertScaleAbs(cast(Any, rows), alpha=1 / (1 << (bits - 8)))
    return reduced


def rgb_array(frame: Any) -> np.ndarray:
    """The pixels of an rgb24 frame, without copying them."""
    plane = frame.planes[0]
    rows = np.frombuffer(plane, np.uint8).reshape(plane.height, -1)[:, : 3 * plane.width]
    if plane.line_size < 0:
        rows = rows[::-1]
    return rows.reshape(plane.height, plane.width, 3)


def converted(frame: Any) -> Any:
    """A frame of a rare pixel format as rgb24, by swscale, which must not see tags that it refuses."""
    from clipbench.bench.clips.colours import COEFFICIENTS

    if frame.colorspace not in COEFFICIENTS or frame.colorspace == 0:
        frame.colorspace = 2  # unspecified
    return frame.reformat(format="rgb24", threads=1)


class YuvPlanes:
    """Luma and, unless it is grey, chroma, uint8 each."""

    def __init__(self, planes: list[np.ndarray]) -> None:
        self._steps = [[plane] for plane in planes]

    def rgb(self, height: int, width: int, matrix: np.ndarray, out: np.ndarray) -> None:
        import cv2

        planes = [scaled(steps, height, width) for steps in self._steps]
        if len(planes) == 1:
            planes += [grey_chroma(height, width)] * 2
        made = cv2.transform(cv2.merge(planes), matrix, dst=out)
        if made is not out:
            out[:] = made


class RgbPlanes:
    """A frame that is RGB already, `[H, W, 3]`."""

    def __init__(self, image: np.ndarray) -> None:
        self._steps = [image]

    def rgb(self, height: int, width: int, matrix: np.ndarray, out: np.ndarray) -> None:
        out[:] = scaled(self._steps, height, width)


@functools.lru_cache(maxsize=8)
def grey_chroma(height: int, width: int) -> np.ndarray:
    """A chroma plane without colour."""
    return np.full((height, width), 128, np.uint8)


def scaled(steps: list[np.ndarray], height: int, width: int) -> np.ndarray:
    """The image `steps[0]` in another size: halved for as long as it stays large enough, then scaled.

    Halving by areas is many times faster than one large step, and gives the same, apart from rounding, where
    the sizes are whole multiples. `steps` collects the halves for the next size. The outcome depends on the
    image and the size alone, so that an analyzer sees the same frames whoever else reads the clip.
    """
    import cv2

    step = 0
    while True:
        image = steps[step]
        rows, columns = image.shape[:2]
        if rows % 2 or columns % 2 or rows // 2 < height or columns // 2 < width:
            break
        step += 1
        if step == len(steps):
            steps.append(halved(image))
    if (rows, columns) == (height, width):
        return image
    if image.ndim == 2 and height % rows == 0 and width % columns == 0:
        return repeated(image, height // rows, width // columns)
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def halved(image: np.ndarray) -> np.ndarray:
    """The image in half its size, each pixel the mean of four.

    OpenCV rounds a half up, which would make the image lighter, and tint it where it is chroma. So in every
    second pixel of the outcome one of the four is less by one: there a half is rounded down.
    """
    import cv2

    rows, columns = image.shape[:2]
    evened = cv2.subtract(image, chequered(image.shape))
    return cv2.resize(evened, (columns // 2, rows // 2), interpolation=cv2.INTER_AREA)


@functools.lru_cache(maxsize=8)
def chequered(shape: tuple[int, ...]) -> np.ndarray:
    """1 in one of the four pixels of every second square of 2 x 2, else 0."""
    pattern = np.zeros(shape, np.uint8)
    pattern[::4, ::4] = pattern[2::4, 2::4] = 1
    return pattern


def repeated(plane: np.ndarray, down: int, across: int) -> np.ndarray:
    """Each sample so many times: chroma stands for all of its pixels, as swscale shows it.

    Merging a plane with itself is many times faster than any resizing.
    """
    import cv2

    rows, columns = plane.shape
    wide = cv2.merge([plane] * across).reshape(rows, columns * across)
    return np.repeat(wide, down, axis=0) if down > 1 else wide
