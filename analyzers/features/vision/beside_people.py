"""What of a mask belongs to something else: the horse under a rider, the table behind somebody's hands.

The network of person_masks.py takes in what touches a person and looks like a part of one. The detector knows
many of these things. Where much of such a thing beside the people's boxes is in a mask, the network mistakes
it for a person: then all of it beside their boxes is left out, and what is in both boxes is shared out by
its colours, as in Rother, Kolmogorov, Blake: "GrabCut", SIGGRAPH 2004.

This was chosen on 572 photographs of COCO 2017 with outlines by people, without those of the second clip.
The masks of the 295 with people in them had a mean IoU of 0.562, and 0.570 with it: 39 were better by more
than 0.005 (up to 0.23), 8 worse (up to 0.07). With MIN_SCORE from 0.25 to 0.4 or TAKEN from 0.1 to 0.3 the
mean changes by less than 0.004. To leave out all that is in a thing's box, or to compare colours wherever
boxes overlap, cuts off arms and legs. It cannot tell dark trousers from a dark horse, nor a thing that is
all within a person's box.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clipbench.analyzers.features.vision.nanodet import Detection
from clipbench.analyzers.features.vision.person_masks import inside_boxes

#: Less sure detections are not things.
MIN_SCORE = 0.3
#: A thing is mistaken for a person if more than this share of it, beside the people, is in a mask.
TAKEN = 0.2
#: Parts of fewer cells than this say nothing.
LEAST = 20
#: The colours are compared in every second row and column. In all of them, masks of photographs were no
#: better, at three times the cost.
COARSER = 2
#: So many colours describe each side, and as many cells are needed for that.
COLORS = 5


def things(found: Sequence[Detection]) -> list[np.ndarray]:
    """The boxes of what is sure enough and no person."""
    return [one.box for one in found if one.label != "person" and one.score >= MIN_SCORE]


def without_things(
    levels: np.ndarray,
    picture: np.ndarray,
    region: np.ndarray,
    persons: Sequence[np.ndarray],
    boxes: Sequence[np.ndarray],
    level: float = 0.5,
) -> np.ndarray:
    """`levels` of a `Look` at `region`, uint8 [N, N], without what is of the things in `boxes`.

    `picture`, uint8 [M, M, 3], is what the network saw; `persons` are the boxes of people, in the frame.
    What is more probable than `level` is in the mask.
    """
    cells = len(levels)
    there, near = levels > 255 * level, inside_boxes(region, persons, cells)
    mistaken = np.zeros_like(there)
    for box in boxes:
        thing = inside_boxes(region, [box], cells)
        beside = thing & ~near
        if beside.sum() >= LEAST and there[beside].mean() > TAKEN:
            mistaken |= thing
    left = levels.copy()
    left[mistaken & ~near] = 0
    person, either = there & ~mistaken, there & mistaken & near
    if mistaken.any() and min(person.sum(), either.sum()) >= LEAST:
        left[either & ~of_person(person, either, picture)] = 0
    return left


def of_person(person: np.ndarray, either: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """Which cells of `either` have a person's colours, and no edge towards him: bool [N, N].

    `person` and `either` are bool [N, N], of `picture`, uint8 [M, M, 3]; the rest is background.
    """
    import cv2

    parts = np.full(person.shape, cv2.GC_BGD, np.uint8)
    parts[person], parts[either] = cv2.GC_FGD, cv2.GC_PR_FGD
    parts = np.ascontiguousarray(parts[COARSER - 1 :: COARSER, COARSER - 1 :: COARSER])
    if min((parts == side).sum() for side in (cv2.GC_FGD, cv2.GC_BGD)) < COLORS:
        return either
    smaller = cv2.resize(picture, parts.shape, interpolation=cv2.INTER_AREA)
    cv2.setRNGSeed(0)
    cv2.grabCut(smaller, parts, (0, 0, 1, 1), np.zeros((1, 65)), np.zeros((1, 65)), 1, cv2.GC_INIT_WITH_MASK)
    others = (parts == cv2.GC_PR_BGD).astype(np.float32)
    finer: np.ndarray = cv2.resize(others, person.shape, interpolation=cv2.INTER_LINEAR)
    return finer <= 0.5
