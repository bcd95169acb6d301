"""What BlazeFace puts out, as boxes and keypoints of faces (Bazarevsky et al. 2019, arXiv:1907.05047)."""

from __future__ import annotations

import numpy as np

from clipbench.analyzers.features.onnx_networks import output_of_shape
from clipbench.analyzers.features.vision.boxes import iou

#: The sides of the network's square input.
PIXELS = 256
#: Boxes that overlap by more than this (IoU) are the same face.
SAME_FACE = 0.3


def decode(outputs: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """BlazeFace's outputs as scores [N, 896] and points [N, 896, 8, 2] in pixels of its input.

    The points are the box's centre and size, then eyes, nose, mouth and ears. Its anchors are at the centres
    of the cells, two per cell at a stride of 16 pixels and six at a stride of 32.
    """
    anchors = []
    for stride, per_cell in ((16, 2), (32, 6)):
        along = (np.arange(PIXELS // stride) + 0.5) * stride
        grid = np.stack(np.meshgrid(along, along), axis=-1).reshape(-1, 2)
        anchors.append(np.repeat(grid, per_cell, axis=0))
    logits, points = (
        np.concatenate([output_of_shape(outputs, rows, width) for rows in (512, 384)], axis=1)
        for width in (1, 16)
    )
    points = points.reshape(*points.shape[:2], 8, 2).astype(np.float64)
    points[:, :, [0, 2, 3, 4, 5, 6, 7]] += np.concatenate(anchors)[None, :, None]
    return 1 / (1 + np.exp(-np.clip(logits[..., 0].astype(np.float64), -50, 50))), points


def merge(scores: np.ndarray, points: np.ndarray) -> list[tuple[float, np.ndarray]]:
    """Overlapping candidates averaged by score, best first: BlazeFace's own non-maximum suppression.

    A plain one would make the box jump between neighbouring anchors from frame to frame.
    """
    half = points[:, 1] / 2
    boxes = np.concatenate([points[:, 0] - half, points[:, 0] + half], axis=1)
    left = np.argsort(-scores, kind="stable")
    merged = []
    while len(left):
        same = left[np.array([iou(boxes[left[0]], boxes[k]) > SAME_FACE for k in left])]
        same = same if len(same) else left[:1]
        mean = np.average(points[same], axis=0, weights=scores[same])
        merged.append((float(scores[left[0]]), mean))
        left = left[~np.isin(left, same)]
    return merged
