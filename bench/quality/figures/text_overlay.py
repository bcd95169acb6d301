"""Quality of text_overlay: whether the texts are read correctly."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from clipbench.analyzers.base import Segment
from clipbench.bench.quality.declaration import Scored, figure
from clipbench.bench.quality.matching import match, overlap


@figure("text_overlay", "character_error_rate", "lower")
def character_error_rate(scored: Scored) -> float:
    """Edits per character of the labelled texts; a missed text is all deletions, a made-up one insertions.

    Where nothing is written, the number of characters read: 0 is right.
    """
    import jiwer

    truth, texts = scored.labelled("texts"), scored.within("texts", scored.segments)
    pairs = match(texts, truth, misread)
    found, read = {row for row, _ in pairs}, {column for _, column in pairs}
    edits: float = sum(
        jiwer.cer(truth[c]["text"], texts[r].label or " ") * len(truth[c]["text"]) for r, c in pairs
    )
    edits += sum(len(t["text"]) for c, t in enumerate(truth) if c not in read)
    edits += sum(len(s.label) for r, s in enumerate(texts) if r not in found)
    return edits / max(1, sum(len(t["text"]) for t in truth))


@figure("text_overlay", "false_texts", "lower")
def false_texts(scored: Scored) -> float:
    """Number of texts found where nothing like them is written.

    Like them is a text of the same time that has them as a part, or of whose characters at most half differ.
    """
    truth = [{**t, "text": t["text"].lower()} for t in scored.labelled("texts")]

    def written(s: Segment) -> bool:
        low = replace(s, label=s.label.lower())
        return any(
            edits <= 0.5 or low.label in t["text"] for t in truth if (edits := misread(low, t)) is not None
        )

    return sum(not written(s) for s in scored.within("texts", scored.segments))


def misread(found: Segment, labelled: dict[str, Any]) -> float | None:
    """Edits per character of a labelled text, or None if it was found at another time."""
    import jiwer

    if overlap(found.start_s, found.end_s, labelled["start_s"], labelled["end_s"]) <= 0:
        return None
    return float(jiwer.cer(labelled["text"], found.label or " "))
