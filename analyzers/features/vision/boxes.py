"""Boxes [x1, y1, x2, y2] in pictures."""

from __future__ import annotations

import numpy as np


def area(box: np.ndarray) -> float:
    """The area of a box; 0 for an empty one."""
    return float(max(0, box[2] - box[0]) * max(0, box[3] - box[1]))


def iou(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two boxes; 0 if both are empty."""
    both = area(np.concatenate([np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])]))
    union = area(a) + area(b) - both
    return both / union if union > 0 else 0.0


def rounded(values: np.ndarray) -> list[float]:
    """Coordinates as segments have them: fractions of the frame with four digits."""
    return [round(float(value), 4) for value in values]
