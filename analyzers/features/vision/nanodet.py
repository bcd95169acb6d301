"""NanoDet: its pictures, and its output as objects of COCO's 80 classes.

NanoDet (RangiLyu 2020-2021, github.com/RangiLyu/nanodet; here NanoDet-g) rates for each cell of three grids
how likely it is inside an object of each class, and how far away that object's sides are.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from clipbench.analyzers.features.vision.boxes import area, iou

COCO = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
    "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow",
    "elephant", "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee",
    "skis", "snowboard", "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard",
    "tennis racket", "bottle", "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple",
    "sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch",
    "potted plant", "bed", "dining table", "toilet", "tv", "laptop", "mouse", "remote", "keyboard",
    "cell phone", "microwave", "oven", "toaster", "sink", "refrigerator", "book", "clock", "vase",
    "scissors", "teddy bear", "hair drier", "toothbrush",
)  # fmt: skip

STRIDES = (8, 16, 32)
#: The sides of the network's pictures are multiples of this.
MULTIPLE = 32
#: Distances are distributions over this many steps of a cell's size.
STEPS = 11
#: Candidates that score less are dropped, whatever an analyzer asks for.
MIN_SCORE = 0.2
#: Boxes that overlap by more than this (IoU) are one object: those of one class, and those of any class.
SAME_CLASS, ANY_CLASS = 0.5, 0.8
#: A box that lies within a surer one of its class by this share of its area, and fills this much of it, is a
#: part of the same object, such as a trunk.
WITHIN, PART = 0.9, 0.3


class Detection(NamedTuple):
    """An object in one frame: its COCO class, score 0..1, and box [4] in fractions of the frame."""

    label: str
    score: float
    box: np.ndarray


def fit(image: np.ndarray, longest: int) -> np.ndarray:
    """`image` with its longer side at `longest` and the other in proportion, both rounded up to MULTIPLE.

    The slight stretching costs less than a margin would: on portrait frames of photographs, objects scored
    as high as in a square with margins, at 60 % of the operations.
    """
    import cv2

    height, width = image.shape[:2]
    scale = longest / max(height, width)
    sides = [max(1, -(-round(side * scale) // MULTIPLE)) * MULTIPLE for side in (width, height)]
    smaller = sides[0] < width
    return cv2.resize(image, sides, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)


def decode(maps: list[np.ndarray]) -> list[Detection]:
    """The objects in one picture from NanoDet's maps [124, rows, columns], one per stride; best first."""
    import cv2

    rows, columns = maps[0].shape[1:]
    size = np.array([columns, rows]) * STRIDES[0]
    box_parts, score_parts, class_parts = [], [], []
    for stride, values in zip(STRIDES, maps, strict=True):
        logits = values[: len(COCO)].reshape(len(COCO), -1)
        best = logits.argmax(0)
        score = 1 / (1 + np.exp(-logits[best, np.arange(len(best))]))
        cells = np.flatnonzero(score >= MIN_SCORE)
        centres = np.stack([cells % values.shape[2], cells // values.shape[2]], axis=1) + 0.5
        sides = values[len(COCO) :].reshape(4, STEPS, -1)[:, :, cells]
        weights = np.exp(sides - sides.max(1, keepdims=True))
        distances = (weights * np.arange(STEPS)[:, None]).sum(1) / weights.sum(1)
        corners = np.concatenate([centres - distances[:2].T, centres + distances[2:].T], axis=1)
        box_parts.append(np.clip(corners * stride / np.tile(size, 2), 0, 1))
        score_parts.append(score[cells])
        class_parts.append(best[cells])
    boxes, scores, classes = map(np.concatenate, (box_parts, score_parts, class_parts))
    if not len(boxes):
        return []
    corner_and_size = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1).astype(np.float64)
    kept = cv2.dnn.NMSBoxesBatched(
        corner_and_size.tolist(), scores.tolist(), classes.tolist(), MIN_SCORE, SAME_CLASS
    )
    found: list[Detection] = []
    for i in sorted((int(i) for i in kept), key=lambda i: -scores[i]):
        # A copy, because a view would keep the boxes of all candidates.
        one = Detection(COCO[classes[i]], float(scores[i]), boxes[i].copy())
        if not any(is_same(one, other) for other in found):
            found.append(one)
    return found


def is_same(one: Detection, surer: Detection) -> bool:
    """Whether a detection is the same object as a surer one, or a part of it."""
    shared = iou(one.box, surer.box)
    if shared > (SAME_CLASS if one.label == surer.label else ANY_CLASS):
        return True
    inside = np.concatenate([np.maximum(one.box[:2], surer.box[:2]), np.minimum(one.box[2:], surer.box[2:])])
    return one.label == surer.label and shared > PART and area(inside) > WITHIN * area(one.box)
