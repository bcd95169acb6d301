"""Quality of object_detection: whether objects are detected, and where."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from clipbench.analyzers.base import Segment
from clipbench.bench.quality import coverage
from clipbench.bench.quality.declaration import NothingFound, NotLabelled, Scored, figure
from clipbench.bench.quality.labelled_tracks import track_times, truth_at
from clipbench.bench.quality.matching import iou, match
from clipbench.bench.quality.segment_form import Form, duplicates, has_box, malformed


@figure("object_detection", "recall", "higher")
def detection_recall(scored: Scored) -> float:
    """Share of the labelled objects that were detected, at IoU 0.5."""
    hits, _, expected = detection_counts(scored)
    if not expected:
        raise NotLabelled("the ground truth shows no object")
    return len(hits) / expected


@figure("object_detection", "precision", "higher")
def detection_precision(scored: Scored) -> float:
    """Share of the detections at labelled moments that are labelled objects, at IoU 0.5.

    0 where something is detected though nothing is there. It does not exist where nothing is detected.
    """
    hits, found, expected = detection_counts(scored)
    if not found:
        raise (NothingFound if expected else NotLabelled)("nothing was detected")
    return len(hits) / found


@figure("object_detection", "mean_iou", "higher")
def detection_mean_iou(scored: Scored) -> float:
    """Mean IoU of the detections with the labelled objects that they were matched to."""
    hits, _, expected = detection_counts(scored)
    if not hits:
        raise (NothingFound if expected else NotLabelled)("no labelled object was detected")
    return float(np.mean(hits))


@figure("object_detection", "false_persons", "lower")
def detection_false_persons(scored: Scored) -> float:
    """Share of the labelled moments without a person at which one is detected."""
    shown = [*scored.labelled("objects"), *scored.optional("ignore")]
    people = [track for track in shown if track["label"] == "person"]
    alarms = [
        any(s.label == "person" for s in scored.near(time_s))
        for time_s in track_times(scored, "objects", "ignore")
        if not truth_at(people, time_s)
    ]
    if not alarms:
        raise NotLabelled("the ground truth shows a person at every labelled moment")
    return float(np.mean(alarms))


def detection_counts(scored: Scored) -> tuple[list[float], int, int]:
    """IoUs of the true positives, and the numbers of detections and of labelled objects.

    They are counted over all labelled moments. A true positive has the class of a labelled object and an IoU
    of at least 0.5 with it. A detection on a box of the truth's `ignore` list is not counted.
    """
    hits: list[float] = []
    found = expected = 0
    for pairs, spare, truths in detections(scored):
        hits += [iou(detection.data["box"], labelled["box"]) for detection, labelled in pairs]
        found, expected = found + len(pairs) + len(spare), expected + len(truths)
    return hits, found, expected


def detections(
    scored: Scored,
) -> Iterator[tuple[list[tuple[Segment, dict[str, Any]]], list[Segment], list[dict[str, Any]]]]:
    """Of each labelled moment: true positives with their objects, false positives, and all its objects."""
    objects = scored.labelled("objects")
    for time_s in track_times(scored, "objects", "ignore"):
        truths, boxes = truth_at(objects, time_s), scored.near(time_s)
        arguable = truth_at(scored.optional("ignore"), time_s)
        pairs = match(boxes, truths, right)
        matched = {row for row, _ in pairs}
        spare = [b for row, b in enumerate(boxes) if row not in matched]
        spare = [
            b
            for b in spare
            if not any(a["label"] == b.label and iou(a["box"], b.data["box"]) >= 0.3 for a in arguable)
        ]
        yield [(boxes[row], truths[column]) for row, column in pairs], spare, truths


def right(detection: Segment, labelled: dict[str, Any]) -> float | None:
    """The cost of matching a detection to a labelled object; None if it is no true positive."""
    shared = iou(detection.data["box"], labelled["box"])
    return 1 - shared if detection.label == labelled["label"] and shared >= 0.5 else None


detection_coverage = coverage.of_frames("object_detection", "objects", "ignore")
detection_malformed = malformed("object_detection", Form({"*": ("box",)}, holds=has_box))
detection_duplicates = duplicates("object_detection")
