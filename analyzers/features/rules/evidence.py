"""Statements about a clip, as segments that carry their evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from clipbench.analyzers.base import Segment

#: The segments of each analyzer, by its name.
Results = Mapping[str, Sequence[Segment]]


def statement(
    label: str,
    text: str,
    span: tuple[float, float],
    modalities: Sequence[str],
    evidence: Sequence[tuple[str, Segment]],
    confidence: float | None = None,
) -> Segment:
    """A segment that states `text` about `span`; `evidence` has segments with their analyzers' names."""
    data = {
        "statement": text,
        "modalities": list(modalities),
        "evidence": [
            {"analyzer": analyzer, "start_s": round(segment.start_s, 3), "label": segment.label}
            for analyzer, segment in evidence
        ],
    }
    rounded = None if confidence is None else round(confidence, 3)
    return Segment(round(span[0], 3), round(span[1], 3), label, rounded, data)


def weakest(*segments: Segment) -> float | None:
    """The least confidence of the segments that have one: evidence is as strong as its weakest part."""
    return min((s.confidence for s in segments if s.confidence is not None), default=None)


def clock(span: tuple[float, float]) -> str:
    """A span in words: "from 3.5 to 6 s"."""
    return f"from {span[0]:.1f} to {span[1]:.1f} s".replace(".0 ", " ")
