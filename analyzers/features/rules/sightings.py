"""Which things are shown when, by the detector and by descriptions."""

from __future__ import annotations

from typing import NamedTuple

from clipbench.analyzers.base import Segment
from clipbench.analyzers.features.rules.evidence import Results
from clipbench.analyzers.features.text.lexicon import thing_of
from clipbench.analyzers.features.time_spans import covered_s


class Sighting(NamedTuple):
    """A thing that is shown: what the lexicon calls it, and the detection or description that says so."""

    thing: str
    analyzer: str
    segment: Segment


class Sightings:
    """Everything that is shown: what the detector finds, and the subjects that descriptions name."""

    def __init__(self, results: Results, min_confidence: float) -> None:
        self._min = min_confidence
        self._all = [
            Sighting(thing_of(s.label), "object_detection", s) for s in results.get("object_detection", ())
        ]
        for segment in results.get("qwen2_vl_temporal", ()):
            for subject in segment.data.get("subjects", ()):
                self._all.append(Sighting(thing_of(subject), "qwen2_vl_temporal", segment))

    def faintly(self, start_s: float, end_s: float) -> set[str]:
        """All things that may be shown in the span, at any confidence."""
        return {s.thing for s in self._all if s.segment.start_s < end_s and s.segment.end_s > start_s}

    def surely(self, start_s: float, end_s: float, share: float) -> dict[str, Sighting]:
        """The best sighting of each thing that is shown with confidence for at least `share` of the span."""
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
