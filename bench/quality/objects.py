"""Quality of the analyzers that find things in frames: objects, people, faces, eyes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from clipbench.bench.quality.figures import NotLabelled, Scored, figure, iou, match, sample_at

#: The truth's boxes and points are labelled at 30 per second: a sample is never farther than this.
STEP_S = 0.05


def truth_at(tracks: list[Mapping[str, Any]], time_s: float) -> list[dict[str, Any]]:
    """The labelled objects, faces or poses that are there at `time_s`, each with its track's fields."""
    present = []
    for track in tracks:
        if (sample := sample_at(track["samples"], time_s, STEP_S)) is not None:
            present.append({**track, **sample})
    return present


def detection_counts(scored: Scored) -> tuple[list[float], int, int]:
    """IoUs of the true positives, and the numbers of detections and of labelled objects, over all samples.

    A true positive has the class of a labelled object and an IoU of at least 0.5 with it.

    A detection that lies on a box of the truth's `ignore` list counts neither way.
    """
    objects = scored.labelled("objects")
    hits: list[float] = []
    found = expected = 0
    for time_s in scored.sample_times():
        truths, boxes = truth_at(objects, time_s), scored.at(time_s)
        arguable = truth_at(scored.truth.get("ignore", []), time_s)
        right = lambda d, t: (  # noqa: E731
            1 - o if d.label == t["label"] and (o := iou(d.data["box"], t["box"])) >= 0.5 else None
        )
        pairs = match(boxes, truths, right)
        matched = {row for row, _ in pairs}
        spare = [b for row, b in enumerate(boxes) if row not in matched]
        spare = [
            b
            for b in spare
            if not any(a["label"] == b.label and iou(a["box"], b.data["box"]) >= 0.3 for a in arguable)
        ]
        hits += [iou(boxes[row].data["box"], truths[column]["box"]) for row, column in pairs]
        found, expected = found + len(pairs) + len(spare), expected + len(truths)
    return hits, found, expected


@figure("object_detection", "recall", "higher")
def detection_recall(scored: Scored) -> float:
    """Share of the labelled objects that were detected, at IoU 0.5."""
    hits, _, expected = detection_counts(scored)
    return len(hits) / expected


@figure("object_detection", "precision", "higher")
def detection_precision(scored: Scored) -> float:
    """Share of the detections that are labelled objects, at IoU 0.5."""
    hits, found, _ = detection_counts(scored)
    if not found:
        raise NotLabelled("nothing was detected")
    return len(hits) / found


@figure("object_detection", "mean_iou", "higher")
def detection_mean_iou(scored: Scored) -> float:
    """Mean IoU of the detections with the labelled objects that they were matched to."""
    hits, _, _ = detection_counts(scored)
    if not hits:
        raise NotLabelled("no labelled object was detected")
    return float(np.mean(hits))


def keypoint_errors(scored: Scored) -> list[float]:
    """Distance of every labelled keypoint from that of the best pose, in shoulder widths.

    Infinite for a keypoint that was not found. A person is scored where both shoulders are labelled.
    """
    poses, clip = scored.labelled("poses"), scored.truth["clip"]
    size = np.array([clip["width"], clip["height"]])
    errors: list[float] = []
    for time_s in scored.sample_times():
        people = scored.at(time_s)
        for truth in truth_at(poses, time_s):
            points = {name: np.array(p) * size for name, p in truth["keypoints"].items()}
            if not {"left_shoulder", "right_shoulder"} <= points.keys():
                continue
            width = np.linalg.norm(points["left_shoulder"] - points["right_shoulder"])
            each = [
                [
                    float(np.linalg.norm(np.array(p.data["keypoints"][name][:2]) * size - point) / width)
                    if name in p.data["keypoints"]
                    else np.inf
                    for name, point in points.items()
                ]
                for p in people
            ]
            errors += min(each, key=np.median, default=[np.inf] * len(points))
    if not errors:
        raise NotLabelled("no labelled pose has both shoulders")
    return errors


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


def face_pairs(scored: Scored) -> list[tuple[Any, dict[str, Any]]]:
    """Each labelled face at each sample with the segment found on it (IoU at least 0.3), or None."""
    faces, pairs = scored.labelled("faces"), []
    for time_s in scored.sample_times():
        truths, found = truth_at(faces, time_s), [s for s in scored.at(time_s) if "box" in s.data]
        on_it = lambda s, t: 1 - o if (o := iou(s.data["box"], t["box"])) >= 0.3 else None  # noqa: E731
        matched = {column: found[row] for row, column in match(found, truths, on_it)}
        pairs += [(matched.get(column), truth) for column, truth in enumerate(truths)]
    return pairs


@figure("age_estimation", "age_error", "lower", "years")
def age_error(scored: Scored) -> float:
    """Mean absolute error of the age, over the labelled faces that were found."""
    errors = [abs(s.data["age"] - t["age"]) for s, t in face_pairs(scored) if s is not None]
    if not errors:
        raise NotLabelled("no labelled face was found")
    return float(np.mean(errors))


@figure("age_estimation", "gender_accuracy", "higher")
def gender_accuracy(scored: Scored) -> float:
    """Share of the labelled faces that were found with the right gender."""
    return float(np.mean([s is not None and s.label == t["gender"] for s, t in face_pairs(scored)]))


@figure("eye_tracking", "iris_error", "lower")
def iris_error(scored: Scored) -> float:
    """Mean distance of the iris centres from the labelled ones, in distances between the eyes."""
    clip = scored.truth["clip"]
    size = np.array([clip["width"], clip["height"]])
    errors = []
    for segment, truth in face_pairs(scored):
        if segment is None or "iris" not in segment.data:
            continue
        real = np.array([truth["iris_left"], truth["iris_right"]]) * size
        seen = np.array([segment.data["iris"]["left"], segment.data["iris"]["right"]]) * size
        apart = np.linalg.norm(real[0] - real[1])
        errors.append(float(np.linalg.norm(real - seen, axis=1).mean() / apart))
    if not errors:
        raise NotLabelled("no labelled eye was found")
    return float(np.mean(errors))


@figure("eye_tracking", "gaze_accuracy", "higher")
def gaze_accuracy(scored: Scored) -> float:
    """Share of the labelled faces that were found with the right direction of gaze."""
    return float(np.mean([s is not None and s.label == t["gaze"] for s, t in face_pairs(scored)]))
