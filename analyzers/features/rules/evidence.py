"""Statements about a clip with their evidence, and the index of what is shown when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from clipbench.analyzers.base import Segment
from clipbench.analyzers.features.text.lexicon import thing_of

Results = Mapping[str, Sequence[Segment]]


def statement(
    label: str,
    text: str,
    span: tuple[float, float],
    modalities: Sequence[str],
    evidence: Sequence[tuple[str, Segment]],
    confidence: float | None = None,
) -> Segment:
    """A segment that says `text` of `span`; `evidence` are segments with the names of their analyzers."""
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
    """The least confidence of the segments that have one: a chain of evidence is no stronger."""
    return min((s.confidence for s in segments if s.confidence is not None), default=None)


def overlapping(segments: Sequence[Segment], start_s: float, end_s: float) -> list[Segment]:
    """The segments that hold at some time in `[start_s, end_s)`."""
    return [s for s in segments if s.start_s < end_s and s.end_s > start_s]


def covered_s(segments: Sequence[Segment], start_s: float, end_s: float) -> float:
    """For how many seconds of `[start_s, end_s)` at least one of the segments holds."""
    total, reached = 0.0, start_s
    for segment in sorted(segments, key=lambda s: s.start_s):
        begin, stop = max(segment.start_s, reached), min(segment.end_s, end_s)
        if stop > begin:
            total += stop - begin
            reached = stop
    return total


def clock(span: tuple[float, float]) -> str:
    """A span as a reader wants it: "from 3.5 to 6 s"."""
    return f"from {span[0]:.1f} to {span[1]:.1f} s".replace(".0 ", " ")


class Sighting(NamedTuple):
    """A thing seen: what the lexicon calls it, and the detection or description that shows it."""

    thing: str
    analyzer: str
    segment: Segment


class Shown:
    """What is shown, by the detector and, where they name a subject, the descriptions."""

    def __init__(self, results: Results, min_confidence: float) -> None:
        self._min = min_confidence
        self._all = [
            Sighting(thing_of(s.label), "object_detection", s) for s in results.get("object_detection", ())
        ]
        for segment in results.get("qwen2_vl_temporal", ()):
            for subject in segment.data.get("subjects", ()):
                self._all.append(Sighting(thing_of(subject), "qwen2_vl_temporal", segment))

    def faintly(self, start_s: float, end_s: float) -> set[str]:
        """Everything that may be shown in the span, with whatever confidence."""
        return {s.thing for s in self._all if s.segment.start_s < end_s and s.segment.end_s > start_s}

    def surely(self, start_s: float, end_s: float, share: float) -> dict[str, Sighting]:
        """What is shown, with confidence, for at least `share` of the span: each thing's best sighting."""
        seen: dict[str, list[Sighting]] = {}
        for sighting in self._all:
            segment = sighting.segment
            sure = segment.confidence is None or segment.confidence >= self._min
            if sure and segment.start_s < end_s and segment.end_s > start_s:
                seen.setdefault(sighting.thing, []).append(sighting)
        return {
            thing: max(sightings, key=lambda s: s.segment.confidence or 0)
            for thing, sightings in seen.items()
            if covered_s([s.segment for s in sightings], start_s, end_s) >= share * (end_s - start_s) - 1e-6
        }
