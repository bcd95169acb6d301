"""Quality of background_segmentation: how well the person mask fits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from clipbench.analyzers.base import Segment
from clipbench.bench.quality import coverage
from clipbench.bench.quality.declaration import NotLabelled, Scored, figure
from clipbench.bench.quality.labelled_tracks import sample_at
from clipbench.bench.quality.segment_form import Form, duplicates, malformed

#: Masks are compared with outlines in cells so small that an outline loses nothing: at least so many along
#: the longer side. In a mask's own, coarser cells an outline takes in every cell that it touches, and exact
#: masks of the second clip would have 0.74.
FINE = 1024


@figure("background_segmentation", "iou", "higher")
def mask_iou(scored: Scored) -> float:
    """Mean intersection over union of the person mask, over the moments that show a person or have a mask.

    A mask where nobody is counts as 0. Where nobody is and none is found, there is nothing to compare.
    """
    values = []
    for polygons, found in labelled_masks(scored):
        if polygons and found is not None:
            values.append(overlap_of(found, polygons))
        elif polygons or (found is not None and found.label == "person"):
            values.append(0.0)
    if not values:
        raise NotLabelled("nobody is shown at the labelled moments, and nobody was found")
    return float(np.mean(values))


@figure("background_segmentation", "false_persons", "lower")
def mask_false_persons(scored: Scored) -> float:
    """Share of the labelled moments without a person at which there is a mask of one."""
    alarms = [
        found is not None and found.label == "person"
        for polygons, found in labelled_masks(scored)
        if not polygons
    ]
    if not alarms:
        raise NotLabelled("the ground truth shows a person at every labelled moment")
    return float(np.mean(alarms))


def labelled_masks(scored: Scored) -> Iterator[tuple[list[Any], Segment | None]]:
    """The labelled outlines of people at each labelled moment, and what was found there."""
    masks = scored.labelled("masks")
    for time_s in scored.times("masks", (m["time_s"] for m in masks)):
        truth = sample_at(masks, time_s)
        if truth is None and masks:
            continue  # a moment between two outlines
        found = scored.near(time_s)
        yield (truth["polygons"] if truth else []), (found[0] if found else None)


def overlap_of(found: Segment, polygons: Sequence[Any]) -> float:
    """Intersection over union of a mask that was found and the labelled outlines, in cells of 1 / FINE."""
    height, width = found.data["mask"]["size"]
    runs = found.data["mask"]["counts"]
    finer = -(-FINE // max(height, width))
    coarse = np.repeat(np.arange(len(runs)) % 2, runs).reshape(height, width).astype(bool)
    mask = coarse.repeat(finer, axis=0).repeat(finer, axis=1)
    real = outlined(polygons, *mask.shape)
    union = (mask | real).sum()
    return float((mask & real).sum() / union) if union else 1.0


def outlined(polygons: Sequence[Any], height: int, width: int) -> np.ndarray:
    """Which of so many cells are within one of the outlines: bool [height, width]."""
    import cv2

    inside = np.zeros((height, width), np.uint8)
    for polygon in polygons:
        # OpenCV counts from the first cell's centre, here in 256ths of a cell.
        corners = np.round((np.array(polygon) * [width, height] - 0.5) * 256).astype(np.int32)
        cv2.fillPoly(inside, [corners], 1, shift=8)
    return inside > 0


#: What a mask comes with.
MASK_DATA = ("person_share", "mask", "background_rgb", "background_blur")
mask_coverage = coverage.of_answers("background_segmentation", "masks")
mask_malformed = malformed("background_segmentation", Form({"person": MASK_DATA, "no_person": MASK_DATA}))
mask_duplicates = duplicates("background_segmentation")
