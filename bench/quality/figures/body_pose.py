"""Quality of body_pose: how close the keypoints are."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import Any

import numpy as np

from clipbench.analyzers.base import Segment
from clipbench.bench.quality.declaration import NotLabelled, Scored, figure
from clipbench.bench.quality.labelled_tracks import track_times, truth_at


@figure("body_pose", "pck", "higher")
def pose_pck(scored: Scored) -> float:
    """Share of the labelled keypoints found within 0.1 shoulder widths (PCK)."""
    return float(np.mean(np.array(keypoint_errors(scored)) <= 0.1))


@figure("body_pose", "keypoint_error", "lower")
def pose_keypoint_error(scored: Scored) -> float:
    """Median distance of the keypoints found from the labelled ones, in shoulder widths."""
    found = [error for error in keypoint_errors(scored) if np.isfinite(error)]
    if not found:
        raise NotLabelled("no labelled keypoint was found")
    return float(np.median(found))


@figure("body_pose", "false_persons", "lower")
def pose_false_persons(scored: Scored) -> float:
    """Share of the labelled moments without a pose at which one is found."""
    poses = scored.labelled("poses")
    alarms = [
        bool(scored.near(time_s)) for time_s in track_times(scored, "poses") if not truth_at(poses, time_s)
    ]
    if not alarms:
        raise NotLabelled("the ground truth shows a pose at every labelled moment")
    return float(np.mean(alarms))


def keypoint_errors(scored: Scored) -> list[float]:
    """Distance of every labelled keypoint from that of the best pose, in shoulder widths.

    Infinite for a keypoint that was not found. Only people with both shoulders labelled are scored.
    """
    poses, size = scored.labelled("poses"), scored.frame_size()
    errors: list[float] = []
    for time_s in track_times(scored, "poses"):
        people = scored.near(time_s)
        for truth in truth_at(poses, time_s):
            if has_shoulders(truth):
                each = [errors_of(person, truth, size) for person in people]
                errors += min(each, key=median, default=[np.inf] * len(truth["keypoints"]))
    if not errors:
        raise NotLabelled("no labelled pose has both shoulders")
    return errors


def has_shoulders(pose: Mapping[str, Any]) -> bool:
    """Whether a labelled pose has the two keypoints that distances are measured by."""
    return {"left_shoulder", "right_shoulder"}.issubset(pose["keypoints"])


def errors_of(found: Segment, pose: Mapping[str, Any], size: np.ndarray) -> list[float]:
    """Distance of each keypoint of a labelled pose from that found, in shoulder widths; `size` in pixels."""
    points = {name: np.array(p) * size for name, p in pose["keypoints"].items()}
    width = np.linalg.norm(points["left_shoulder"] - points["right_shoulder"])
    return [
        float(np.linalg.norm(np.array(found.data["keypoints"][name][:2]) * size - point) / width)
        if name in found.data["keypoints"]
        else np.inf
        for name, point in points.items()
    ]
