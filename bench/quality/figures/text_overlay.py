"""Quality of text_overlay: whether the texts are read correctly."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from clipbench.analyzers.base import Segment
from clipbench.bench.quality.declaration import NothingFound, NotLabelled, Scored, figure
from clipbench.bench.quality.matching import iou, match, overlap, temporal_iou
from clipbench.bench.quality.segment_form import Form, duplicates, has_box, malformed


@figure("text_overlay", "character_error_rate", "lower")
def character_error_rate(scored: Scored) -> float:
    """Edits per character of the labelled texts; a missed text is all deletions, a made-up one insertions.

    Where nothing is written, the number of characters read: 0 is right.
    """
    import jiwer

    truth, texts, pairs = text_pairs(scored)
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


@figure("text_overlay", "box_iou", "higher")
def text_box_iou(scored: Scored) -> float:
    """Mean intersection over union of the boxes of the texts that were found with the labelled ones."""
    truth, texts, pairs = text_pairs(scored)
    if not any("box" in t for t in truth):
        raise NotLabelled("the ground truth has no text with a box")
    values = [iou(texts[r].data["box"], truth[c]["box"]) for r, c in pairs if "box" in truth[c]]
    if not values:
        raise NothingFound("no labelled text was found")
    return float(np.mean(values))


@figure("text_overlay", "temporal_iou", "higher")
def text_temporal_iou(scored: Scored) -> float:
    """Mean intersection over union, in time, of the texts that were found with the labelled ones."""
    truth, texts, pairs = text_pairs(scored)
    if not truth:
        raise NotLabelled("the ground truth has no text")
    if not pairs:
        raise NothingFound("no labelled text was found")
    return float(np.mean([temporal_iou(texts[row], truth[column]) for row, column in pairs]))


def text_pairs(scored: Scored) -> tuple[list[dict[str, Any]], list[Segment], list[tuple[int, int]]]:
    """The labelled texts, those that were found, and which is which, by (found, labelled) numbers."""
    truth, texts = scored.labelled("texts"), scored.within("texts", scored.segments)
    return truth, texts, match(texts, truth, misread)


def misread(found: Segment, labelled: dict[str, Any]) -> float | None:
    """Edits per character of a labelled text, or None if it was found at another time."""
    import jiwer

    if overlap(found.start_s, found.end_s, labelled["start_s"], labelled["end_s"]) <= 0:
        return None
    return float(jiwer.cer(labelled["text"], found.label or " "))


text_malformed = malformed("text_overlay", Form({"*": ("box",)}, holds=has_box))
text_duplicates = duplicates("text_overlay")
