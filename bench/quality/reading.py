"""Quality of the analyzers that read and conclude."""

from __future__ import annotations

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
from clipbench.bench.quality.sound import words_of


@figure("text_overlay", "character_error_rate", "lower")
def character_error_rate(scored: Scored) -> float:
    """Edits per character of the labelled texts; a missed text is all deletions, a made-up one insertions."""
    import jiwer

    truth = scored.labelled("texts")
    near = lambda s, t: (  # noqa: E731
        jiwer.cer(t["text"], s.label or " ")
        if overlap(s.start_s, s.end_s, t["start_s"], t["end_s"]) > 0
        else None
    )
    pairs = match(scored.segments, truth, near)
    found, read = {row for row, _ in pairs}, {column for _, column in pairs}
    edits = sum(
        jiwer.cer(truth[c]["text"], scored.segments[r].label or " ") * len(truth[c]["text"]) for r, c in pairs
    )
    edits += sum(len(t["text"]) for c, t in enumerate(truth) if c not in read)
    edits += sum(len(s.label) for r, s in enumerate(scored.segments) if r not in found)
    return edits / sum(len(t["text"]) for t in truth)


@figure("qwen2_vl_temporal", "subject_recall", "higher")
def subject_recall(scored: Scored) -> float:
    """Share of the labelled subjects that the description of their second names, by any of their words."""
    shots = scored.labelled("shots")
    pieces = [(s["start_s"], s["end_s"], str(i)) for i, s in enumerate(shots)]
    named = []
    for second in range(int(scored.duration_s)):
        if (index := majority(pieces, second, second + 1)) is None:
            continue
        said = f" {words_of(' '.join(s.label for s in scored.at(second + 0.5)))} "
        for subject in shots[int(index)]["subjects"]:
            named.append(any(f" {words_of(word)} " in said for word in subject))
    return float(np.mean(named))


@figure("temporal_flow", "topic_f1", "higher")
def topic_f1(scored: Scored) -> float:
    """F1 of the changes of topic, within 1 s."""
    truth = [t["time_s"] for t in scored.labelled("topics")]
    found = [s.start_s for s in scored.of("topic_change")]
    return f1(match_times(found, truth, 1.0), len(found), len(truth))


@figure("temporal_flow", "pace_error", "lower")
def pace_error(scored: Scored) -> float:
    """Relative error of the cuts per minute, fades included, over the clip."""
    real = 60 * len([*scored.labelled("cuts"), *scored.truth.get("fades", [])]) / scored.duration_s
    phases = [p for p in scored.of("phase") if p.data.get("cuts_per_minute") is not None]
    if not phases:
        raise NotLabelled("no phase has a number of cuts")
    seconds = np.array([p.end_s - p.start_s for p in phases])
    found = float(np.dot([p.data["cuts_per_minute"] for p in phases], seconds) / seconds.sum())
    return abs(found - real) / real


@figure("cross_analyzer_intelligence", "statement_f1", "higher")
def statement_f1(scored: Scored) -> float:
    """F1 of agreements and contradictions: right relation, overlapping in time, naming what it is about."""
    truth = scored.labelled("statements")
    found = scored.of("agreement", "contradiction")

    def same(segment, statement):
        about = f" {words_of(statement['about'])} "
        named = any(f" {word} " in f" {words_of(segment.data['statement'])} " for word in about.split())
        meets = overlap(segment.start_s, segment.end_s, statement["start_s"], statement["end_s"])
        return -meets if segment.label == statement["relation"] and named and meets > 0 else None

    return f1(len(match(found, truth, same)), len(found), len(truth))
