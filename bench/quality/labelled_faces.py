"""Labelled faces, and the segments that were found on them."""

from __future__ import annotations

from typing import Any

from clipbench.analyzers.base import Segment
from clipbench.bench.quality.declaration import NotLabelled, Scored
from clipbench.bench.quality.labelled_tracks import track_times, truth_at
from clipbench.bench.quality.matching import iou, match


def face_pairs(scored: Scored) -> list[tuple[Segment | None, dict[str, Any]]]:
    """Each labelled face at each labelled moment, with the segment found on it (IoU at least 0.3) or None.

    Raises NotLabelled where no face is there to be found.
    """
    pairs: list[tuple[Segment | None, dict[str, Any]]] = []
    for time_s in track_times(scored, "faces"):
        truths = truth_at(scored.labelled("faces"), time_s)
        found = [s for s in scored.near(time_s) if "box" in s.data]
        matched = {column: found[row] for row, column in match(found, truths, on_face)}
        pairs += [(matched.get(column), truth) for column, truth in enumerate(truths)]
    if not pairs:
        raise NotLabelled("the ground truth shows no face at the labelled moments")
    return pairs


def face_recall(scored: Scored) -> float:
    """Share of the labelled faces that were found."""
    pairs = face_pairs(scored)
    return sum(segment is not None for segment, _ in pairs) / len(pairs)


def balanced_accuracy(scored: Scored, key: str) -> float:
    """Share of the labelled faces that were found and called what the truth has under `key`, by its values.

    It is the mean over the values of the truth, so that a frequent one does not outweigh the others.
    """
    right: dict[str, list[bool]] = {}
    for segment, truth in face_pairs(scored):
        right.setdefault(truth[key], []).append(segment is not None and segment.label == truth[key])
    return sum(sum(each) / len(each) for each in right.values()) / len(right)


def false_faces(scored: Scored) -> float:
    """Share of the labelled moments without a face at which one was found.

    Raises NotLabelled where the truth has a face at every labelled moment.
    """
    faces = scored.labelled("faces")
    alarms = [
        any("box" in s.data for s in scored.near(time_s))
        for time_s in track_times(scored, "faces")
        if not truth_at(faces, time_s)
    ]
    if not alarms:
        raise NotLabelled("the ground truth shows a face at every labelled moment")
    return sum(alarms) / len(alarms)


def on_face(segment: Segment, face: dict[str, Any]) -> float | None:
    """The cost of matching a segment to a labelled face; None if their boxes overlap too little."""
    overlap = iou(segment.data["box"], face["box"])
    return 1 - overlap if overlap >= 0.3 else None
