"""Masks of people by MediaPipe's selfie segmentation (Google 2021), which looks at them one by one.

The network was made for a person who fills a square picture. Of a whole frame that is squeezed into one, it
sees little of who is small or far away; so it gets a square around each person that a detector found.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

#: The sides of the network's pictures, and of what is kept of its answer: N below.
PIXELS, KEPT = 256, 128
#: A square's side, in longer sides of the box of the people in it.
ROOM = 1.25
#: Squares per frame at most: with more people, those who are nearest to each other share one.
MOST = 6
#: People whose boxes together are larger than the larger one by less than this factor share a square.
TOGETHER = 1.15
#: What is joined together, and of which less than this share is in people's boxes, is not one of them.
MOSTLY = 0.25
#: Something that goes on beyond a square fades out over its margin, along a rounded line: see `faded`.
ROUNDNESS, MARGIN = 2.5, 0.2


class Look(NamedTuple):
    """What the network sees in a part of a frame.

    `region` is [x1, y1, x2, y2] in fractions of the frame, which it may exceed; `persons` are the numbers of
    the people whom it shows, of the frame's detections; `levels` is uint8 [N, N], how probable a person
    is in 255ths.
    """

    region: np.ndarray
    persons: tuple[int, ...]
    levels: np.ndarray


def groups(boxes: Sequence[np.ndarray]) -> list[tuple[int, ...]]:
    """Which people share a square, by their numbers: at most MOST groups, whatever the order of the boxes."""
    members: list[tuple[int, ...]] = [(number,) for number in range(len(boxes))]
    joint = np.array(boxes).reshape(-1, 4)
    while len(members) > 1:
        i, j = np.tril_indices(len(members), -1)
        both = around(joint[i], joint[j])
        total, larger = areas(both), np.maximum(areas(joint[i]), areas(joint[j]))
        best = np.lexsort((j, i, total, total - larger))[0]
        if len(members) <= MOST and total[best] > TOGETHER * larger[best]:
            break
        one, other = i[best], j[best]
        members[other] += members.pop(one)
        joint[other] = both[best]
        joint = np.delete(joint, one, axis=0)
    return [tuple(sorted(each)) for each in members]


def around(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The smallest boxes around boxes [N, 4] and others."""
    return np.concatenate([np.minimum(a[:, :2], b[:, :2]), np.maximum(a[:, 2:], b[:, 2:])], axis=1)


def areas(boxes: np.ndarray) -> np.ndarray:
    """The areas of boxes [N, 4]."""
    found: np.ndarray = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return found


def square_around(boxes: Sequence[np.ndarray], width: int, height: int) -> np.ndarray:
    """The region of a frame of this size that shows these people with room around them."""
    low, high = np.min([box[:2] for box in boxes], axis=0), np.max([box[2:] for box in boxes], axis=0)
    size = np.array([width, height])
    half = ROOM * ((high - low) * size).max() / 2 / size
    middle = (low + high) / 2
    return np.concatenate([middle - half, middle + half])


def picture(image: np.ndarray, region: np.ndarray) -> np.ndarray:
    """The part of `image` in `region`, uint8 [PIXELS, PIXELS, 3]. Outside, the frame's border goes on."""
    import cv2

    height, width = image.shape[:2]
    size = np.array([width, height])
    scale = (region[2] - region[0]) * width / PIXELS
    if scale > 1:
        # By area, as far as the picture shows it: a warp alone would skip pixels.
        smaller = np.maximum(np.rint(size / scale), 1).astype(int)
        image = cv2.resize(image, smaller.tolist(), interpolation=cv2.INTER_AREA)
        size = smaller
    corner, step = region[:2] * size, (region[2:] - region[:2]) * size / PIXELS
    to_image = np.array([[step[0], 0, corner[0]], [0, step[1], corner[1]]])
    to_image[:, 2] += step / 2 - 0.5  # OpenCV counts from the first pixel's centre
    flags = cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR
    return cv2.warpAffine(
        np.ascontiguousarray(image), to_image, (PIXELS, PIXELS), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )


def pasted(levels: np.ndarray, region: np.ndarray, width: int, height: int) -> np.ndarray:
    """What a square shows, float32 [N, N], where it is in a frame: [height, width], 0 elsewhere."""
    import cv2

    step = len(levels) / ((region[2:] - region[:2]) * [width, height])
    to_square = np.array([[step[0], 0, 0], [0, step[1], 0]])
    to_square[:, 2] = step / 2 - 0.5 - step * region[:2] * [width, height]
    flags = cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR
    return cv2.warpAffine(levels, to_square, (width, height), flags=flags)


def of_persons(look: Look, boxes: Sequence[np.ndarray], min_probability: float) -> np.ndarray:
    """The probabilities of a look, float32 [N, N], of what belongs to the people with these boxes.

    These are all people of the frame who count: somebody else's arm is an arm. What is not joined to one of
    them is a cup or a cat, and counts as nobody.
    """
    import cv2

    probability = look.levels.astype(np.float32) / 255
    count, parts = cv2.connectedComponents((probability > min_probability).astype(np.uint8))
    near = inside_boxes(look.region, boxes, len(probability))
    for part in range(1, count):
        inside = parts == part
        if near[inside].mean() < MOSTLY:
            probability[inside] = 0
        elif goes_on(inside, look.region):
            probability[inside] *= faded(len(probability))[inside]
    return probability


def inside_boxes(region: np.ndarray, boxes: Sequence[np.ndarray], cells: int) -> np.ndarray:
    """Which of a square's cells, so many in a row, are in one of the boxes: bool [N, N]."""
    near = np.zeros((cells, cells), bool)
    size = region[2:] - region[:2]
    for box in boxes:
        corners = np.rint((box.reshape(2, 2) - region[:2]) / size * cells)
        (left, top), (right, bottom) = np.clip(corners, 0, cells).astype(int)
        near[top:bottom, left:right] = True
    return near


def filling(mask: np.ndarray, region: np.ndarray, boxes: Sequence[np.ndarray]) -> float:
    """The share of the boxes that a mask [N, N] of their square fills, 0 to 1."""
    near = inside_boxes(region, boxes, len(mask))
    return float(mask[near].mean()) if near.any() else 0.0


def kept(probability: np.ndarray) -> np.ndarray:
    """What is kept of the network's answer [PIXELS, PIXELS]: uint8 [KEPT, KEPT], in 255ths."""
    import cv2

    smaller = cv2.resize(probability, (KEPT, KEPT), interpolation=cv2.INTER_AREA)
    levels: np.ndarray = np.rint(smaller * 255).astype(np.uint8)
    return levels


def goes_on(part: np.ndarray, region: np.ndarray) -> bool:
    """Whether a part of a square reaches a side of it that is inside the frame."""
    sides = (part[:, 0], part[0], part[:, -1], part[-1])
    within = (region[0] > 0, region[1] > 0, region[2] < 1, region[3] < 1)
    return any(inside and bool(side.any()) for side, inside in zip(sides, within, strict=True))


def faded(cells: int) -> np.ndarray:
    """Weights [N, N]: 1 amid a square, 0 at its sides, without straight lines between."""
    offset = np.abs((np.arange(cells) + 0.5) / cells * 2 - 1) ** ROUNDNESS
    radius = (offset[:, None] + offset) ** (1 / ROUNDNESS)
    weights: np.ndarray = np.clip((1 - radius) / MARGIN, 0, 1).astype(np.float32)
    return weights
