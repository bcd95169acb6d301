"""The means of the blocks of a picture, fast."""

from __future__ import annotations

import numpy as np


def block_means(image: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """The means of `rows` x `columns` blocks of `image` `[H, W]`, in its own type: `[rows, columns]`.

    Blocks are whole pixels, so a few lines at the bottom and at the right are left out: OpenCV averages over
    parts of pixels about ten times as slowly (15 us against 0.14 ms for 320 x 180 in 20 x 11 blocks).
    """
    import cv2

    height, width = (
        max(1, edge // count) * count for edge, count in zip(image.shape, (rows, columns), strict=True)
    )
    return cv2.resize(image[:height, :width], (columns, rows), interpolation=cv2.INTER_AREA)
