"""Quality of camera_analysis: whether the camera's motion is recognised."""

from __future__ import annotations

from typing import Any

import numpy as np

from clipbench.bench.quality.declaration import NothingFound, NotLabelled, Scored, figure
from clipbench.bench.quality.matching import majority, overlap
from clipbench.bench.quality.segment_form import Form, duplicates, malformed


@figure("camera_analysis", "accuracy", "higher")
def camera_accuracy(scored: Scored) -> float:
    """Share of the seconds whose camera motion is right (the motion that lasts longest in each)."""
    truth = [(c["start_s"], c["end_s"], c["motion"]) for c in motions(scored)]
    found = [(s.start_s, s.end_s, s.label) for s in scored.segments]
    seconds = range(int(scored.duration_s))
    expected = [(t, m) for t in seconds if (m := majority(truth, t, t + 1)) is not None]
    if not expected:
        raise NotLabelled("no whole second is labelled")
    return float(np.mean([majority(found, t, t + 1) == motion for t, motion in expected]))


@figure("camera_analysis", "time_accuracy", "higher")
def camera_time_accuracy(scored: Scored) -> float:
    """Share of the labelled time in which the camera motion is right."""
    truth = motions(scored)
    right = sum(
        overlap(s.start_s, s.end_s, t["start_s"], t["end_s"])
        for s in scored.segments
        for t in truth
        if s.label == t["motion"]
    )
    return right / sum(float(t["end_s"] - t["start_s"]) for t in truth)


@figure("camera_analysis", "motion_on_tripod", "lower")
def motion_on_tripod(scored: Scored) -> float:
    """Share of the time in which the camera stands still that is called a motion, weighted by confidence."""
    still = [t for t in motions(scored) if t["motion"] == "static"]
    seconds = sum(float(t["end_s"] - t["start_s"]) for t in still)
    if not seconds:
        raise NotLabelled("the camera never stands still")
    called = sum(
        overlap(s.start_s, s.end_s, t["start_s"], t["end_s"]) * (1 if s.confidence is None else s.confidence)
        for s in scored.segments
        for t in still
        if s.label != "static"
    )
    return called / seconds


@figure("camera_analysis", "speed_error", "lower", "1/s")
def speed_error(scored: Scored) -> float:
    """Mean distance of the picture's speed from the labelled one, in frame widths and heights per second.

    Over the time in which both are known, since accuracy tells of the rest; the speed of a shake is not
    compared, since it has none on the average.
    """
    known = [t for t in motions(scored) if "dx_per_s" in t and "dy_per_s" in t and t["motion"] != "shake"]
    if not known:
        raise NotLabelled("the ground truth labels no speed of the camera")
    far = [
        (shared, np.hypot(s.data["dx_per_s"] - t["dx_per_s"], s.data["dy_per_s"] - t["dy_per_s"]))
        for s in scored.segments
        for t in known
        if (shared := overlap(s.start_s, s.end_s, t["start_s"], t["end_s"])) > 0
    ]
    if not far:
        raise NothingFound("no motion was found where the speed is labelled")
    return float(np.average([error for _, error in far], weights=[seconds for seconds, _ in far]))


def motions(scored: Scored) -> list[dict[str, Any]]:
    """The labelled motions of the camera; an empty list says that it stands still all the time."""
    return scored.labelled("camera") or [{"start_s": 0.0, "end_s": scored.duration_s, "motion": "static"}]


#: How the picture moves.
CAMERA_DATA = ("dx_per_s", "dy_per_s", "scale_per_s", "roll_deg_per_s")
camera_malformed = malformed("camera_analysis", Form({"*": CAMERA_DATA}))
camera_duplicates = duplicates("camera_analysis")
