"""Quality of body_pose: how close the keypoints are."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import Any

import numpy as np

from clipbench.analyzers.base import Segment, Settings
from clipbench.bench.quality import coverage
from clipbench.bench.quality.declaration import NothingFound, NotLabelled, Scored, figure
from clipbench.bench.quality.labelled_tracks import track_times, truth_at
from clipbench.bench.quality.matching import match
from clipbench.bench.quality.segment_form import Form, duplicates, has_box, malformed

#: How far people who label a keypoint are from one another, relative to the person's size: COCO's, by part.
SIGMAS = {
    "nose": 0.026,
    "eye": 0.025,
    "ear": 0.035,
    "shoulder": 0.079,
    "elbow": 0.072,
    "wrist": 0.062,
    "hip": 0.107,
    "knee": 0.087,
    "ankle": 0.089,
}
#: How much of its box a person fills.
AREA_OF_BOX = 0.53


@figure("body_pose", "pck", "higher")
def pose_pck(scored: Scored) -> float:
    """Share of the labelled keypoints found within 0.1 shoulder widths (PCK)."""
    return float(np.mean(np.array(keypoint_errors(scored)) <= 0.1))


@figure("body_pose", "keypoint_error", "lower")
def pose_keypoint_error(scored: Scored) -> float:
    """Median distance of the keypoints found from the labelled ones, in shoulder widths."""
    found = [error for error in keypoint_errors(scored) if np.isfinite(error)]
    if not found:
        raise NothingFound("no labelled keypoint was found")
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


@figure("body_pose", "oks_recall", "higher")
def pose_oks_recall(scored: Scored) -> float:
    """Share of the labelled people with a pose of object keypoint similarity 0.5 or more (COCO's measure)."""
    pairs = people_found(scored)
    return sum(found is not None for found, _ in pairs) / len(pairs)


def people_found(scored: Scored) -> list[tuple[Segment | None, dict[str, Any]]]:
    """Each labelled person at each labelled moment, with the pose found there (OKS at least 0.5) or None.

    Raises NotLabelled where nobody has two labelled keypoints.
    """
    size, pairs = scored.frame_size(), list[tuple[Segment | None, dict[str, Any]]]()

    def far(found: Segment, person: dict[str, Any]) -> float | None:
        similar = oks(found, person, size)
        return 1 - similar if similar >= 0.5 else None

    for time_s in track_times(scored, "poses"):
        boxes = {o.get("id"): o["box"] for o in truth_at(scored.optional("objects"), time_s)}
        people = [{"box": boxes.get(p.get("id")), **p} for p in truth_at(scored.labelled("poses"), time_s)]
        people = [p for p in people if area(p, size) > 0]
        poses = scored.near(time_s)
        matched = {column: poses[row] for row, column in match(poses, people, far)}
        pairs += [(matched.get(column), person) for column, person in enumerate(people)]
    if not pairs:
        raise NotLabelled("no labelled pose has keypoints to measure it by")
    return pairs


def oks(found: Segment, person: Mapping[str, Any], size: np.ndarray) -> float:
    """Object keypoint similarity of a pose and a labelled person, 0..1; `size` in pixels."""
    similar = [
        np.exp(
            -np.square((np.array(found.data["keypoints"][name][:2]) - point) * size).sum()
            / (2 * area(person, size) * (2 * SIGMAS[name.rpartition("_")[2]]) ** 2)
        )
        if name in found.data["keypoints"]
        else 0.0
        for name, point in person["keypoints"].items()
    ]
    return float(np.mean(similar))


def area(person: Mapping[str, Any], size: np.ndarray) -> float:
    """The area of a labelled person in pixels, by which COCO measures how far off a keypoint is.

    It is 0.53 of the person's box, as in CrowdPose, where the truth has an object of the same `id`; else the
    box around the keypoints, which is less where few of them are shown.
    """
    if box := person.get("box"):
        return float(AREA_OF_BOX * np.prod((np.array(box[2:]) - box[:2]) * size))
    points = np.array(list(person["keypoints"].values())) * size
    return float(np.ptp(points, axis=0).prod()) if len(points) else 0.0


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


def is_named_by_keypoints(pose: Segment, settings: Settings) -> bool:
    """Whether a pose has a box, and a posture that its keypoints allow: a body is one that has shoulders."""
    least, points = vars(settings)["min_keypoint"], pose.data["keypoints"]

    def seen(part: str) -> bool:
        sides = [points.get(f"{side}_{part}") for side in ("left", "right")]
        return any(point is not None and point[2] >= least for point in sides)

    without_body = pose.label in ("face_only", "lower_body")
    whole = pose.label in ("standing", "sitting", "lying")
    fits = without_body != seen("shoulder") and (not whole or (seen("hip") and seen("knee")))
    return has_box(pose) and fits


pose_coverage = coverage.of_frames("body_pose", "poses")
pose_malformed = malformed("body_pose", Form({"*": ("box", "keypoints")}, holds=is_named_by_keypoints))
pose_duplicates = duplicates("body_pose")
