"""Quality of scene_segmentation: where scenes are found to begin."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from clipbench.bench.quality import coverage
from clipbench.bench.quality.declaration import NothingFound, NotLabelled, Scored, figure
from clipbench.bench.quality.matching import f1, match_times
from clipbench.bench.quality.segment_form import Form, duplicates, malformed


@figure("scene_segmentation", "f1", "higher")
def scene_f1(scored: Scored) -> float:
    """F1 of the scene boundaries, within 0.5 s; 1 where the clip is one scene and none is found to begin."""
    found, expected = boundaries(scored)
    return f1(match_times(found, expected, 0.5), len(found), len(expected))


@figure("scene_segmentation", "time_error", "lower", "s")
def scene_time_error(scored: Scored) -> float:
    """Mean distance of each labelled boundary from the nearest one found."""
    found, expected = boundaries(scored)
    if not expected:
        raise NotLabelled("the ground truth has one scene only")
    if not found:
        raise NothingFound("no boundary was found")
    return float(np.mean([min(abs(f - e) for f in found) for e in expected]))


def boundaries(scored: Scored) -> tuple[list[float], list[float]]:
    """Where scenes were found to begin, and where they begin."""
    expected = [b["start_s"] for a, b in pairwise(scored.labelled("shots")) if a["scene"] != b["scene"]]
    return [s.start_s for s in scored.of("scene") if s.start_s > 0], expected


scene_coverage = coverage.of_time("scene_segmentation", "shots", "scene")
scene_malformed = malformed("scene_segmentation", Form({"scene": ("index", "distance")}, counted=("scene",)))
scene_duplicates = duplicates("scene_segmentation")
