"""Cutting squares out of pictures for networks.

The origin of pixel coordinates is the picture's corner here, not the centre of its first pixel.
"""

from __future__ import annotations

import numpy as np


def letterbox(image: np.ndarray, pixels: int) -> tuple[np.ndarray, float, np.ndarray]:
    """`image` in the middle of a black square: (uint8 [pixels, pixels, 3], scale, offset [x, y])."""
    import cv2

    height, width = image.shape[:2]
    scale = pixels / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    smaller = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    x, y = (pixels - size[0]) // 2, (pixels - size[1]) // 2
    square = np.zeros((pixels, pixels, 3), np.uint8)
    square[y : y + size[1], x : x + size[0]] = smaller
    return square, scale, np.array([x, y], float)


def crop(
    image: np.ndarray, centre: np.ndarray, side: float, roll: float, pixels: int
) -> tuple[np.ndarray, np.ndarray]:
    """A square of `image` turned upright, uint8 [pixels, pixels, 3], and the map from it to `image` [2, 3].

    `centre` [x, y] and `side` are in pixels of `image`, `roll` in radians clockwise; what is outside the
    image is black. `apply` takes points of the crop through the map to points of the image.
    """
    import cv2

    turn = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]]) * (side / pixels)
    to_image = np.column_stack([turn, np.asarray(centre, float) - turn @ [pixels / 2, pixels / 2]])
    # OpenCV counts from the first pixel's centre.
    by_centres = to_image.copy()
    by_centres[:, 2] += turn @ [0.5, 0.5] - 0.5
    flags = cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR
    return cv2.warpAffine(np.ascontiguousarray(image), by_centres, (pixels, pixels), flags=flags), to_image


def apply(transform: np.ndarray, points: np.ndarray) -> np.ndarray:
    """`points` [N, 2] through an affine map [2, 3]."""
    moved: np.ndarray = points @ transform[:, :2].T + transform[:, 2]
    return moved
