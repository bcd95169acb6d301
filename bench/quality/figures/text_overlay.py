"""Quality of text_overlay: whether the texts are read correctly."""

from __future__ import annotations

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

    def near(s: Segment, t: dict[str, Any]) -> float | None:
        together = overlap(s.start_s, s.end_s, t["start_s"], t["end_s"]) > 0
        return float(jiwer.cer(t["text"], s.label or " ")) if together else None

    pairs = match(texts, truth, near)
    found, read = {row for row, _ in pairs}, {column for _, column in pairs}
    edits: float = sum(
        jiwer.cer(truth[c]["text"], texts[r].label or " ") * len(truth[c]["text"]) for r, c in pairs
    )
    edits += sum(len(t["text"]) for c, t in enumerate(truth) if c not in read)
    edits += sum(len(s.label) for r, s in enumerate(texts) if r not in found)
    return edits / max(1, sum(len(t["text"]) for t in truth))
