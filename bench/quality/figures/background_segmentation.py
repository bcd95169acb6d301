"""Quality of background_segmentation: how well the person mask fits."""

from __future__ import annotations

import numpy as np

from clipbench.bench.quality.declaration import NotLabelled, Scored, figure
from clipbench.bench.quality.labelled_tracks import STEP_S, sample_at


@figure("background_segmentation", "iou", "higher")
def mask_iou(scored: Scored) -> float:
    """Mean intersection over union of the person mask, over the samples that show a person."""
    import cv2

    values = []
    for time_s in scored.sample_times():
        truth = sample_at(scored.labelled("masks"), time_s, STEP_S)
        if truth is None or not truth["polygons"]:
            continue
        found = scored.at(time_s)
        if not found:
            values.append(0.0)
            continue
        height, width = found[0].data["mask"]["size"]
        runs = found[0].data["mask"]["counts"]
        mask = np.repeat(np.arange(len(runs)) % 2, runs).reshape(height, width).astype(bool)
        real = np.zeros((height, width), np.uint8)
        for polygon in truth["polygons"]:
            cv2.fillPoly(real, [np.round(np.array(polygon) * [width, height]).astype(np.int32)], 1)
        union = (mask | (real > 0)).sum()
        values.append((mask & (real > 0)).sum() / union if union else 1.0)
    if not values:
        raise NotLabelled("the ground truth labels no masks at the sampled times")
    return float(np.mean(values))
