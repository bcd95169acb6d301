"""Quality of the analyzers of the footage itself: cuts, motion, effects, scenes, colours, defects."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from clipbench.bench.quality.figures import (
    NotLabelled,
    Scored,
    f1,
    figure,
    majority,
    match,
    match_times,
    overlap,
)


@figure("cut_analysis", "f1", "higher")
def cut_f1(scored: Scored) -> float:
    """F1 of the transitions: hard cuts within 0.1 s, fades that overlap the labelled one."""
    cuts, fades = scored.labelled("cuts"), scored.truth.get("fades", [])
    found_cuts, found_fades = scored.of("hard_cut"), scored.of("fade")
    meets = lambda s, t: (  # noqa: E731
        -o if (o := overlap(s.start_s, s.end_s, t["start_s"], t["end_s"])) > 0 else None
    )
    hits = match_times([s.start_s for s in found_cuts], [c["time_s"] for c in cuts], 0.1)
    hits += len(match(found_fades, fades, meets))
    return f1(hits, len(found_cuts) + len(found_fades), len(cuts) + len(fades))


@figure("camera_analysis", "accuracy", "higher")
def camera_accuracy(scored: Scored) -> float:
    """Share of the seconds whose camera motion is right (the motion that holds longest in each)."""
    truth = [(c["start_s"], c["end_s"], c["motion"]) for c in scored.labelled("camera")]
    found = [(s.start_s, s.end_s, s.label) for s in scored.segments]
    seconds = np.arange(np.floor(scored.duration_s))
    expected = [(t, m) for t in seconds if (m := majority(truth, t, t + 1)) is not None]
    return float(np.mean([majority(found, t, t + 1) == motion for t, motion in expected]))


@figure("camera_analysis", "time_accuracy", "higher")
def camera_time_accuracy(scored: Scored) -> float:
    """Share of the labelled time in which the camera motion is right."""
    truth = scored.labelled("camera")
    right = sum(
        overlap(s.start_s, s.end_s, t["start_s"], t["end_s"])
        for s in scored.segments
        for t in truth
        if s.label == t["motion"]
    )
    return right / sum(t["end_s"] - t["start_s"] for t in truth)


def effect_pairs(scored: Scored) -> list[tuple[Any, dict[str, Any]]]:
    """Effects found and labelled, matched one to one: same kind, overlapping when widened by 0.15 s."""
    truth = scored.labelled("effects")
    near = lambda s, t: (  # noqa: E731
        -o
        if s.label == t["effect"]
        and (o := overlap(s.start_s - 0.15, s.end_s + 0.15, t["start_s"], t["end_s"])) > 0
        else None
    )
    return [(scored.segments[row], truth[column]) for row, column in match(scored.segments, truth, near)]


@figure("visual_effects", "f1", "higher")
def effects_f1(scored: Scored) -> float:
    """F1 of the effects: right kind, and overlapping within 0.15 s."""
    return f1(len(effect_pairs(scored)), len(scored.segments), len(scored.labelled("effects")))


@figure("visual_effects", "temporal_iou", "higher")
def effects_temporal_iou(scored: Scored) -> float:
    """Mean intersection over union, in time, of the effects found with the labelled ones."""
    values = []
    for s, t in effect_pairs(scored):
        both = overlap(s.start_s, s.end_s, t["start_s"], t["end_s"])
        values.append(both / ((s.end_s - s.start_s) + (t["end_s"] - t["start_s"]) - both))
    if not values:
        raise NotLabelled("no labelled effect was found")
    return float(np.mean(values))


def boundaries(scored: Scored) -> tuple[list[float], list[float]]:
    """Where scenes were found to begin, and where they begin."""
    expected = [b["start_s"] for a, b in pairwise(scored.labelled("shots")) if a["scene"] != b["scene"]]
    return [s.start_s for s in scored.of("scene") if s.start_s > 0], expected


@figure("scene_segmentation", "f1", "higher")
def scene_f1(scored: Scored) -> float:
    """F1 of the scene boundaries, within 0.5 s."""
    found, expected = boundaries(scored)
    return f1(match_times(found, expected, 0.5), len(found), len(expected))


@figure("scene_segmentation", "time_error", "lower", "s")
def scene_time_error(scored: Scored) -> float:
    """Mean distance of each labelled boundary from the nearest one found."""
    found, expected = boundaries(scored)
    if not found or not expected:
        raise NotLabelled("there is no boundary to compare")
    return float(np.mean([min(abs(f - e) for f in found) for e in expected]))


@figure("color_analysis", "palette_error", "lower", "ΔE")
def palette_error(scored: Scored) -> float:
    """Mean CIE76 distance from each labelled palette colour to the nearest found, weighted by share."""
    errors = []
    for truth in scored.labelled("colors"):
        if not (found := scored.at(truth["time_s"])):
            continue
        labs = np.array([c["lab"] for c in found[0].data["palette"]])
        shares = np.array([c["share"] for c in truth["palette"]])
        far = [np.linalg.norm(labs - np.array(c["lab"]), axis=1).min() for c in truth["palette"]]
        errors.append(float(np.dot(far, shares) / shares.sum()))
    if not errors:
        raise NotLabelled("no colours were found at the labelled times")
    return float(np.mean(errors))


@figure("content_quality", "degradation_auc", "higher")
def degradation_auc(scored: Scored) -> float:
    """Area under the ROC curve: does the score fall in the seconds that were degraded on purpose?"""
    from sklearn.metrics import roc_auc_score

    bad = scored.labelled("degradations")
    seconds = scored.of("video")
    planted = [
        sum(overlap(s.start_s, s.end_s, d["start_s"], d["end_s"]) for d in bad) >= 0.5 * (s.end_s - s.start_s)
        for s in seconds
    ]
    if len(set(planted)) < 2:
        raise NotLabelled("all seconds are degraded alike")
    return float(roc_auc_score(planted, [1 - s.data["score"] for s in seconds]))
