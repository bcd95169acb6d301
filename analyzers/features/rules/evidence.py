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


def weakest(*confidences: float | None) -> float | None:
    """The least of the confidences that there are: evidence is as strong as its weakest part."""
    return min((one for one in confidences if one is not None), default=None)


def clock(span: tuple[float, float]) -> str:
    """A span in words: "from 3.5 to 6 s"."""
    return f"from {span[0]:.1f} to {span[1]:.1f} s".replace(".0 ", " ")


def is_sure(segment: Segment, least: float) -> bool:
    """Whether a finding counts: its confidence is at least so high, or its method has none."""
    return segment.confidence is None or segment.confidence >= least
