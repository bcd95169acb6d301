"""Quality of eye_tracking: whether irises and gaze are right."""

from __future__ import annotations

import numpy as np

from clipbench.bench.quality import coverage
from clipbench.bench.quality.declaration import NothingFound, Scored, figure
from clipbench.bench.quality.labelled_faces import balanced_accuracy, face_pairs, face_recall, false_faces
from clipbench.bench.quality.segment_form import Form, duplicates, malformed


@figure("eye_tracking", "iris_error", "lower")
def iris_error(scored: Scored) -> float:
    """Mean distance of the iris centres from the labelled ones, in distances between the eyes."""
    size = scored.frame_size()
    errors = []
    for segment, truth in face_pairs(scored):
        if segment is None or "iris" not in segment.data:
            continue
        real = np.array([truth["iris_left"], truth["iris_right"]]) * size
        seen = np.array([segment.data["iris"]["left"], segment.data["iris"]["right"]]) * size
        apart = np.linalg.norm(real[0] - real[1])
        errors.append(float(np.linalg.norm(real - seen, axis=1).mean() / apart))
    if not errors:
        raise NothingFound("no labelled eye was found")
    return float(np.mean(errors))


@figure("eye_tracking", "gaze_accuracy", "higher")
def gaze_accuracy(scored: Scored) -> float:
    """Share of the labelled faces that were found with the right direction of gaze."""
    return float(np.mean([s is not None and s.label == t["gaze"] for s, t in face_pairs(scored)]))


@figure("eye_tracking", "false_faces", "lower")
def eye_false_faces(scored: Scored) -> float:
    """Share of the labelled moments without a face at which one is found."""
    return false_faces(scored)


@figure("eye_tracking", "gaze_balanced_accuracy", "higher")
def gaze_balanced_accuracy(scored: Scored) -> float:
    """The same for each direction, and the mean of them: who always says "center" is right in one."""
    return balanced_accuracy(scored, "gaze")


@figure("eye_tracking", "face_recall", "higher")
def eye_face_recall(scored: Scored) -> float:
    """Share of the labelled faces that were found, at IoU 0.3."""
    return face_recall(scored)


eye_coverage = coverage.of_frames("eye_tracking", "faces")
eye_malformed = malformed(
    "eye_tracking", Form({"blink": ("openness", "face"), "*": ("gaze", "openness", "iris", "box")})
)
eye_duplicates = duplicates("eye_tracking")
