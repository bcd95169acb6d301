"""Quality of visual_effects: whether effects are found, and when."""

from __future__ import annotations

from typing import Any

import numpy as np

from clipbench.analyzers.base import Segment
from clipbench.bench.quality.declaration import NothingFound, NotLabelled, Scored, figure
from clipbench.bench.quality.matching import f1, match, overlap, temporal_iou
from clipbench.bench.quality.segment_form import Form, duplicates, malformed


@figure("visual_effects", "f1", "higher")
def effects_f1(scored: Scored) -> float:
    """F1 of the effects: right kind, and overlapping within 0.15 s.

    1 where none is labelled and none is found: most footage is plain, and to say so is right.
    """
    found = scored.within("effects", scored.segments)
    return f1(len(effect_pairs(scored)), len(found), len(scored.labelled("effects")))


@figure("visual_effects", "false_effects", "lower")
def false_effects(scored: Scored) -> float:
    """Number of effects found where the footage has none of their kind."""
    return len(scored.within("effects", scored.segments)) - len(effect_pairs(scored))


@figure("visual_effects", "temporal_iou", "higher")
def effects_temporal_iou(scored: Scored) -> float:
    """Mean intersection over union, in time, of the effects found with the labelled ones."""
    if not scored.labelled("effects"):
        raise NotLabelled("the ground truth has no effect")
    values = [temporal_iou(s, t) for s, t in effect_pairs(scored)]
    if not values:
        raise NothingFound("no labelled effect was found")
    return float(np.mean(values))


def effect_pairs(scored: Scored) -> list[tuple[Segment, dict[str, Any]]]:
    """Effects found, each with its labelled one: of the same kind, and overlapping when widened by 0.15 s."""
    truth, found = scored.labelled("effects"), scored.within("effects", scored.segments)

    def near(s: Segment, t: dict[str, Any]) -> float | None:
        shared = overlap(s.start_s - 0.15, s.end_s + 0.15, t["start_s"], t["end_s"])
        return -shared if s.label == t["effect"] and shared > 0 else None

    return [(found[row], truth[column]) for row, column in match(found, truth, near)]


effects_malformed = malformed("visual_effects", Form({"*": ("strength",)}))
effects_duplicates = duplicates("visual_effects")
