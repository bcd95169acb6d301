"""Quality of temporal_flow: whether changes of topic and the pace are right."""

from __future__ import annotations

import numpy as np

from clipbench.bench.quality import coverage
from clipbench.bench.quality.declaration import NothingFound, NotLabelled, Scored, figure
from clipbench.bench.quality.matching import f1, match_times
from clipbench.bench.quality.segment_form import Form, duplicates, malformed


@figure("temporal_flow", "topic_f1", "higher")
def topic_f1(scored: Scored) -> float:
    """F1 of the changes of topic, within 1 s; 1 where none is labelled and none is found."""
    truth = [t["time_s"] for t in scored.labelled("topics")]
    found = [s.start_s for s in scored.within("topics", scored.of("topic_change"))]
    return f1(match_times(found, truth, 1.0), len(found), len(truth))


@figure("temporal_flow", "pace_error", "lower")
def pace_error(scored: Scored) -> float:
    """Relative error of the cuts per minute, fades included, over the clip.

    Not measured where the clip has none: an error relative to nothing is none, and cut_analysis.f1 is told.
    """
    real = 60 * len([*scored.labelled("cuts"), *scored.optional("fades")]) / scored.duration_s
    if not real:
        raise NotLabelled("the ground truth has no cuts for a pace")
    phases = [p for p in scored.of("phase") if p.data.get("cuts_per_minute") is not None]
    if not phases:
        raise NothingFound("no phase has a number of cuts")
    seconds = np.array([p.end_s - p.start_s for p in phases])
    found = float(np.dot([p.data["cuts_per_minute"] for p in phases], seconds) / seconds.sum())
    return abs(found - real) / real


#: What is known of a phase, a change of topic, and the clip.
FLOW_FORM = Form(
    {
        "phase": ("index", "pace", "cuts_per_minute", "words_per_minute", "motion"),
        "topic_change": ("similarity", "before", "after"),
        "summary": ("pace", "phases"),
    },
    counted=("phase",),
)
flow_coverage = coverage.of_time("temporal_flow", "cuts", "phase")
flow_malformed = malformed("temporal_flow", FLOW_FORM)
flow_duplicates = duplicates("temporal_flow")
