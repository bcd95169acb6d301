"""Quality of qwen2_vl_temporal: whether descriptions name what is shown."""

from __future__ import annotations

import numpy as np

from clipbench.bench.quality.declaration import NotLabelled, Scored, figure
from clipbench.bench.quality.matching import majority
from clipbench.bench.quality.words import words_of


@figure("qwen2_vl_temporal", "subject_recall", "higher")
def subject_recall(scored: Scored) -> float:
    """Share of the labelled subjects that the description of their second names, by any of their words."""
    shots = scored.labelled("shots")
    pieces = [(s["start_s"], s["end_s"], str(i)) for i, s in enumerate(shots)]
    named = []
    for second in range(int(scored.duration_s)):
        if (index := majority(pieces, second, second + 1)) is None:
            continue
        # Amid the part of the second that the shot has: a sentence ends where its shot does.
        start_s, end_s, _ = pieces[int(index)]
        middle_s = (max(second, start_s) + min(second + 1, end_s)) / 2
        said = f" {words_of(' '.join(s.label for s in scored.at(middle_s)))} "
        for subject in shots[int(index)]["subjects"]:
            named.append(any(f" {words_of(word)} " in said for word in subject))
    if not named:
        raise NotLabelled("no labelled shot has a subject")
    return float(np.mean(named))
