"""Labelled tracks: what the ground truth shows of objects, faces and poses at a moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

#: Tracks are labelled 30 times per second: a sample is never farther away than this.
STEP_S = 0.05


def sample_at(samples: Sequence[Mapping[str, Any]], time_s: float, step_s: float) -> Mapping[str, Any] | None:
    """The sample nearest to `time_s`, or None if it is more than `step_s` away."""
    best = min(samples, key=lambda s: abs(s["time_s"] - time_s), default=None)
    return best if best is not None and abs(best["time_s"] - time_s) <= step_s else None


def truth_at(tracks: Sequence[Mapping[str, Any]], time_s: float) -> list[dict[str, Any]]:
    """The labelled objects, faces or poses present at `time_s`, each with the fields of its track."""
    present = []
    for track in tracks:
        if (sample := sample_at(track["samples"], time_s, STEP_S)) is not None:
            present.append({**track, **sample})
    return present
