"""Quality of qwen2_vl_temporal: whether descriptions name what is shown."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from clipbench.analyzers.base import Segment
from clipbench.bench.quality import coverage
from clipbench.bench.quality.declaration import NotLabelled, Scored, figure
from clipbench.bench.quality.matching import majority
from clipbench.bench.quality.segment_form import Form, duplicates, malformed
from clipbench.bench.quality.words import words_of


@figure("qwen2_vl_temporal", "subject_recall", "higher")
def subject_recall(scored: Scored) -> float:
    """Share of the labelled subjects that the description of their second names, by any of their words."""
    return share_named(scored, lambda segment: segment.label)


@figure("qwen2_vl_temporal", "listed_recall", "higher")
def listed_recall(scored: Scored) -> float:
    """Share of the labelled subjects that are in the list of subjects of their second."""
    return share_named(scored, lambda segment: " ".join(segment.data["subjects"]))


def share_named(scored: Scored, words: Callable[[Segment], str]) -> float:
    """Share of the labelled subjects that the `words` of their second name.

    Raises NotLabelled where the truth has none.
    """
    shots = scored.labelled("shots")
    pieces = [(s["start_s"], s["end_s"], str(i)) for i, s in enumerate(shots)]
    named = []
    for second in range(int(scored.duration_s)):
        if (index := majority(pieces, second, second + 1)) is None:
            continue
        # Amid the part of the second that the shot has: a sentence ends where its shot does.
        start_s, end_s, _ = pieces[int(index)]
        middle_s = (max(second, start_s) + min(second + 1, end_s)) / 2
        said = f" {words_of(' '.join(map(words, scored.at(middle_s))))} "
        for subject in shots[int(index)]["subjects"]:
            named.append(any(f" {words_of(word)} " in said for word in subject))
    if not named:
        raise NotLabelled("no labelled shot has a subject")
    return float(np.mean(named))


vlm_coverage = coverage.of_time("qwen2_vl_temporal", "shots")
vlm_malformed = malformed("qwen2_vl_temporal", Form({"*": ("subjects", "scene", "motion", "text")}))
vlm_duplicates = duplicates("qwen2_vl_temporal")
