"""Quality of age_estimation: whether age and gender are right."""

from __future__ import annotations

import numpy as np

from clipbench.bench.quality.declaration import NotLabelled, Scored, figure
from clipbench.bench.quality.labelled_faces import face_pairs, false_faces


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


@figure("age_estimation", "false_faces", "lower")
def age_false_faces(scored: Scored) -> float:
    """Share of the labelled moments without a face at which one is found."""
    return false_faces(scored)
