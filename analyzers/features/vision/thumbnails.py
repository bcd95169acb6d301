"""Thumbnails of frames, and whether two of them show the same picture.

Thumbnails are small enough to be kept for the frames of a second or two. All positions are frame indices.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

#: A picture whose difference falls below this share has come back: it was a flash, not a cut.
_CAME_BACK = 0.4
#: Pictures whose luma correlates more than this are the same one, recoloured, blurred or brightened.
_ALIKE = 0.85
#: Below this, phase correlation finds its peak in noise (measured: at least 0.36 in one scene, at most 0.10
#: between two).
_ALIGNED = 0.2


def thumbnail(image: np.ndarray) -> np.ndarray:
    """An RGB image in grey, uint8, its longer side at most 128 pixels."""
    import cv2

    height, width = image.shape[:2]
    scale = min(1.0, 128 / max(height, width))
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    return cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA)


class Thumbnails:
    """Thumbnails by frame: those `kept` of earlier frames, and those of `images`, made when asked for.

    `images` are uint8 RGB `[T, H, W, 3]` and begin with frame `first`.
    """

    def __init__(self, kept: Mapping[int, np.ndarray], first: int, images: np.ndarray) -> None:
        self._made, self._first, self._images = dict(kept), first, images

    def __getitem__(self, index: int) -> np.ndarray:
        if index not in self._made:
            self._made[index] = thumbnail(self._images[index - self._first])
        return self._made[index]

    def latest(self, count: int) -> dict[int, np.ndarray]:
        """Those of the last `count` frames."""
        stop = self._first + len(self._images)
        return {index: self[index] for index in range(max(0, stop - count), stop)}

    def is_alike(self, one: int, other: int) -> bool:
        """Whether two frames show the same picture, even if its colours, brightness or sharpness changed.

        It is enough if their middles do: bars or a caption may have appeared.
        """
        first, second = self[one].astype(np.float32), self[other].astype(np.float32)
        height, width = first.shape
        middle = slice(height // 4, -(-3 * height // 4)), slice(width // 4, -(-3 * width // 4))
        return _correlation(first, second) > _ALIKE or _correlation(first[middle], second[middle]) > _ALIKE

    def comes_back(self, before: int, changed: int, later: Iterable[int]) -> bool:
        """Whether the picture at `before`, which differs at `changed`, is back at one of `later`."""
        limit = _CAME_BACK * self.difference(before, changed)
        return any(self.difference(before, index) < limit for index in later)

    def difference(self, one: int, other: int) -> float:
        """How much two frames differ after the shift by a moving camera is undone, in levels."""
        return _difference(self[one], self[other])


def _difference(one: np.ndarray, other: np.ndarray) -> float:
    """Mean difference of two thumbnails where they overlap, after the shift by a moving camera is undone."""
    import cv2

    before, after = one.astype(np.float32), other.astype(np.float32)
    height, width = before.shape
    window = cv2.createHanningWindow((width, height), cv2.CV_32F)
    # On copies, because OpenCV 5.0 applies the window to the images in place.
    (dx, dy), response = cv2.phaseCorrelate(before.copy(), after.copy(), window)
    if response < _ALIGNED or max(abs(dx) / width, abs(dy) / height) > 0.5:
        return float(np.abs(after - before).mean())
    dx, dy = round(dx), round(dy)
    after = after[max(dy, 0) : height + min(dy, 0), max(dx, 0) : width + min(dx, 0)]
    before = before[max(-dy, 0) : height + min(-dy, 0), max(-dx, 0) : width + min(-dx, 0)]
    return float(np.abs(after - before).mean())


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    first, second = first - first.mean(), second - second.mean()
    scale = float(np.sqrt((first * first).sum() * (second * second).sum()))
    return float((first * second).sum()) / scale if scale > 0 else 0.0
