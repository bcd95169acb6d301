"""Labelled tracks: what the ground truth shows of objects, faces, poses and masks at a moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from clipbench.bench.quality.declaration import Scored
from clipbench.bench.quality.labelled_times import half_step


def track_times(scored: Scored, key: str, also: str | None = None) -> list[float]:
    """The moments at which tracks are compared with what was found; `also` are tracks that count neither way.

    Raises NotLabelled if the truth has no such key.
    """
    tracks = [*scored.labelled(key), *(scored.optional(also) if also else [])]
    return scored.times(key, (s["time_s"] for track in tracks for s in track["samples"]))


def sample_at(samples: Sequence[Mapping[str, Any]], time_s: float) -> Mapping[str, Any] | None:
    """The sample at `time_s`, or None: one that is at most half the distance of two samples away."""
    best = min(samples, key=lambda s: abs(s["time_s"] - time_s), default=None)
    if best is None:
        return None
    return best if abs(best["time_s"] - time_s) <= half_step([s["time_s"] for s in samples]) else None


def truth_at(tracks: Sequence[Mapping[str, Any]], time_s: float) -> list[dict[str, Any]]:
    """The labelled objects, faces or poses present at `time_s`, each with the fields of its track."""
    present = []
    for track in tracks:
        if (sample := sample_at(track["samples"], time_s)) is not None:
            present.append({**track, **sample})
    return present
