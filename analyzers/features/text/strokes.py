"""Comparing pictures from sample to sample: whether anything changed, and whether a line still stands."""

from __future__ import annotations

import numpy as np

#: Lines are compared at this height in pixels, in square cells, so that one changed letter counts.
PRINT_HEIGHT = 32


def thumbnail(image: np.ndarray) -> np.ndarray:
    """`image` in grey with its longer side at 320 pixels, for detecting changes."""
    import cv2

    height, width = image.shape[:2]
    scale = 320 / max(height, width)
    shape = (max(8, round(width * scale)), max(8, round(height * scale)))
    return cv2.cvtColor(cv2.resize(image, shape, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)


def change(a: np.ndarray, b: np.ndarray) -> float:
    """The mean change in grey levels of the area of 8 by 8 pixels that changed most."""
    import cv2

    return float(cv2.blur(cv2.absdiff(a, b), (8, 8)).max())


def strokes(image: np.ndarray, box: np.ndarray) -> np.ndarray:
    """The grey-level gradients [PRINT_HEIGHT, W, 2] in `box` of `image`, scaled to a fixed height."""
    import cv2

    height, width = image.shape[:2]
    x1, y1 = np.clip(np.floor(box[:2]), 0, [width - 1, height - 1]).astype(int)
    x2, y2 = np.maximum(np.ceil(box[2:]).astype(int), [x1 + 1, y1 + 1])
    grey = cv2.cvtColor(image[y1:y2, x1:x2], cv2.COLOR_RGB2GRAY).astype(np.float32)
    shape = (max(4, round(PRINT_HEIGHT * grey.shape[1] / grey.shape[0])), PRINT_HEIGHT)
    crop = cv2.resize(grey, shape, interpolation=cv2.INTER_AREA)
    return np.dstack([cv2.Sobel(crop, cv2.CV_32F, 1, 0), cv2.Sobel(crop, cv2.CV_32F, 0, 1)])


def agreement(a: np.ndarray, b: np.ndarray) -> float:
    """How well two sets of gradients show the same strokes: -1..1, of the cell that agrees least.

    Letters have the strongest edges in a line's box, so only edges at least half as strong as the box's
    strong ones count: what moves behind the letters is mostly fainter. Cells without such edges (spaces) do
    not count.
    """
    power_a, power_b = (a**2).sum(2), (b**2).sum(2)
    strong = np.quantile(power_a, 0.95) / 4
    counts = (power_a >= strong) | (power_b >= strong)
    same = (2 * (a * b).sum(2) * counts).sum(0)
    total = ((power_a + power_b) * counts).sum(0)
    starts = np.arange(0, max(1, a.shape[1] - PRINT_HEIGHT // 2), PRINT_HEIGHT)
    same, total = np.add.reduceat(same, starts), np.add.reduceat(total, starts)
    heard = total > 0.2 * total.max()
    return float((same[heard] / total[heard]).min()) if heard.any() and total.max() > 0 else 0.0
