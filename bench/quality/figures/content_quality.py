"""Quality of content_quality: whether degraded seconds get lower scores."""

from __future__ import annotations

from clipbench.bench.quality import coverage
from clipbench.bench.quality.declaration import NothingFound, NotLabelled, Scored, figure
from clipbench.bench.quality.matching import overlap
from clipbench.bench.quality.segment_form import Form, duplicates, malformed


@figure("content_quality", "degradation_auc", "higher")
def degradation_auc(scored: Scored) -> float:
    """Area under the ROC curve: does the score fall in the seconds that were degraded on purpose?"""
    from sklearn.metrics import roc_auc_score

    bad = scored.labelled("degradations")
    seconds = scored.of("video")
    if not bad:
        raise NotLabelled("the ground truth has no second that was degraded")
    planted = [
        sum(overlap(s.start_s, s.end_s, d["start_s"], d["end_s"]) for d in bad) >= 0.5 * (s.end_s - s.start_s)
        for s in seconds
    ]
    if len(set(planted)) < 2:
        raise NothingFound("all seconds that were rated are degraded alike")
    return float(roc_auc_score(planted, [1 - s.data["score"] for s in seconds]))


#: What is known of a second of video, and of a stretch of speech.
CONTENT_FORM = Form(
    {
        "video": ("sharpness", "noise", "exposure", "brisque", "score"),
        "speech": ("mos_overall", "mos_signal", "mos_background"),
    }
)
content_coverage = coverage.of_time("content_quality", "shots", "video")
content_malformed = malformed("content_quality", CONTENT_FORM)
content_duplicates = duplicates("content_quality")
