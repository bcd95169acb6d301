"""Quality of cross_analyzer_intelligence: whether agreements and contradictions are right."""

from __future__ import annotations

from typing import Any

from clipbench.analyzers.base import Segment
from clipbench.bench.quality.declaration import NotLabelled, Scored, figure
from clipbench.bench.quality.matching import f1, match, overlap
from clipbench.bench.quality.segment_form import Form, duplicates, malformed
from clipbench.bench.quality.words import words_of


@figure("cross_analyzer_intelligence", "statement_f1", "higher")
def statement_f1(scored: Scored) -> float:
    """F1 of agreements and contradictions: right relation, overlapping in time, naming what it is about.

    1 where none is labelled and none is found.
    """
    truth, (found, pairs) = scored.labelled("statements"), statement_pairs(scored)
    return f1(len(pairs), len(found), len(truth))


@figure("cross_analyzer_intelligence", "time_recall", "higher")
def statement_time_recall(scored: Scored) -> float:
    """Share of the time of the labelled agreements and contradictions in which the right one stands."""
    truth, (found, pairs) = scored.labelled("statements"), statement_pairs(scored)
    if not truth:
        raise NotLabelled("the ground truth has no statements")
    stands = sum(
        overlap(found[row].start_s, found[row].end_s, truth[column]["start_s"], truth[column]["end_s"])
        for row, column in pairs
    )
    return stands / sum(float(t["end_s"] - t["start_s"]) for t in truth)


def statement_pairs(scored: Scored) -> tuple[list[Segment], list[tuple[int, int]]]:
    """The agreements and contradictions found, and which of them are which labelled one, by their numbers."""
    truth = scored.labelled("statements")
    found = scored.within("statements", scored.of("agreement", "contradiction"))

    def same(segment: Segment, statement: dict[str, Any]) -> float | None:
        about = f" {words_of(statement['about'])} "
        named = any(f" {word} " in f" {words_of(segment.data['statement'])} " for word in about.split())
        meets = overlap(segment.start_s, segment.end_s, statement["start_s"], statement["end_s"])
        return -meets if segment.label == statement["relation"] and named and meets > 0 else None

    return found, match(found, truth, same)


#: What a statement says, and what it rests on.
STATEMENT_DATA = ("statement", "modalities", "evidence")
statement_malformed = malformed(
    "cross_analyzer_intelligence",
    Form(dict.fromkeys(("agreement", "contradiction", "insight"), STATEMENT_DATA)),
)
statement_duplicates = duplicates("cross_analyzer_intelligence")
