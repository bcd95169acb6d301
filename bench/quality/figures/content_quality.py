"""Quality of content_quality: whether degraded seconds get lower scores."""

from __future__ import annotations

from clipbench.bench.quality.declaration import NotLabelled, Scored, figure
from clipbench.bench.quality.matching import overlap


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
