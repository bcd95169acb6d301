"""Quality of cut_analysis: where cuts and fades are found."""

from __future__ import annotations

from typing import Any

from clipbench.analyzers.base import Segment
from clipbench.bench.quality import coverage
from clipbench.bench.quality.declaration import Scored, figure
from clipbench.bench.quality.matching import f1, match, match_times, overlap
from clipbench.bench.quality.segment_form import Form, duplicates, malformed


@figure("cut_analysis", "f1", "higher")
def cut_f1(scored: Scored) -> float:
    """F1 of the transitions: hard cuts within 0.1 s, fades that overlap the labelled one.

    1 where none is labelled and none is found: that a clip has no cut is as much to be right about as where
    they are. Fades count only if the truth labels them.
    """
    cuts, fades = scored.labelled("cuts"), scored.optional("fades")
    found_cuts = scored.within("cuts", scored.of("hard_cut"))
    found_fades = scored.within("fades", scored.of("fade")) if scored.has("fades") else []
    hits = match_times([s.start_s for s in found_cuts], [c["time_s"] for c in cuts], 0.1)
    hits += len(match(found_fades, fades, meet))
    return f1(hits, len(found_cuts) + len(found_fades), len(cuts) + len(fades))


def meet(fade: Segment, labelled: dict[str, Any]) -> float | None:
    """The cost of matching two fades: less the longer they overlap, None if they do not."""
    shared = overlap(fade.start_s, fade.end_s, labelled["start_s"], labelled["end_s"])
    return -shared if shared > 0 else None


#: What is known of a transition, and of a shot.
CUT_FORM = Form({"hard_cut": ("strength",), "fade": ("strength",), "shot": ("index",)}, counted=("shot",))
cut_coverage = coverage.of_time("cut_analysis", "cuts", "shot", "fade")
cut_malformed = malformed("cut_analysis", CUT_FORM)
cut_duplicates = duplicates("cut_analysis")
