"""Quality of age_estimation: whether age and gender are right."""

from __future__ import annotations

import numpy as np

from clipbench.bench.quality import coverage
from clipbench.bench.quality.declaration import NothingFound, Scored, figure
from clipbench.bench.quality.labelled_faces import face_pairs, face_recall, false_faces
from clipbench.bench.quality.segment_form import Form, duplicates, has_box, malformed


@figure("age_estimation", "age_error", "lower", "years")
def age_error(scored: Scored) -> float:
    """Mean absolute error of the age, over the labelled faces that were found."""
    errors = [abs(s.data["age"] - t["age"]) for s, t in face_pairs(scored) if s is not None]
    if not errors:
        raise NothingFound("no labelled face was found")
    return float(np.mean(errors))


@figure("age_estimation", "gender_accuracy", "higher")
def gender_accuracy(scored: Scored) -> float:
    """Share of the labelled faces that were found with the right gender."""
    return float(np.mean([s is not None and s.label == t["gender"] for s, t in face_pairs(scored)]))


@figure("age_estimation", "false_faces", "lower")
def age_false_faces(scored: Scored) -> float:
    """Share of the labelled moments without a face at which one is found."""
    return false_faces(scored)


@figure("age_estimation", "face_recall", "higher")
def age_face_recall(scored: Scored) -> float:
    """Share of the labelled faces that were found, at IoU 0.3."""
    return face_recall(scored)


age_coverage = coverage.of_frames("age_estimation", "faces")
age_malformed = malformed("age_estimation", Form({"*": ("age", "box", "face_confidence")}, holds=has_box))
age_duplicates = duplicates("age_estimation")
