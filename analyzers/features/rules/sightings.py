"""Which things are shown when, by the detector, by faces and by descriptions.

Analyzers do not always agree about who is there. Whoever is sure counts: a face is a person's, also where the
detector missed the body, and that a person is absent is only said where none of them has seen anybody.
"""

from __future__ import annotations

from typing import NamedTuple

from clipbench.analyzers.base import Segment
from clipbench.analyzers.features.rules.evidence import Results
from clipbench.analyzers.features.text.lexicon import thing_of
from clipbench.analyzers.features.time_spans import Lookup, covered_s


class Sighting(NamedTuple):
    """A thing that is shown: what the lexicon calls it, which segment says so, and how surely."""

    thing: str
    analyzer: str
    segment: Segment
    confidence: float | None


class Sightings:
    """Everything that is shown: what the detector finds, whose faces, and the subjects of descriptions."""

    def __init__(self, results: Results, min_confidence: float) -> None:
        self._min = min_confidence
        self._all = [
            Sighting(thing_of(s.label), "object_detection", s, s.confidence)
            for s in results.get("object_detection", ())
        ]
        # The confidence of such a segment is that of the sex.
        self._all += [
            Sighting("person", "age_estimation", s, s.data.get("face_confidence", s.confidence))
            for s in results.get("age_estimation", ())
        ]
        for segment in results.get("qwen2_vl_temporal", ()):
            for subject in segment.data.get("subjects", ()):
                sighting = Sighting(thing_of(subject), "qwen2_vl_temporal", segment, segment.confidence)
                self._all.append(sighting)
        self._by_time = Lookup(self._all, [(s.segment.start_s, s.segment.end_s) for s in self._all])

    def faintly(self, start_s: float, end_s: float) -> set[str]:
        """All things that may be shown in the span, at any confidence."""
        return {sighting.thing for sighting in self._by_time.overlapping(start_s, end_s)}

    def surely(self, start_s: float, end_s: float, share: float) -> dict[str, Sighting]:
        """The best sighting of each thing that is shown with confidence for at least `share` of the span."""
        seen: dict[str, list[Sighting]] = {}
        for sighting in self._by_time.overlapping(start_s, end_s):
            if sighting.confidence is None or sighting.confidence >= self._min:
                seen.setdefault(sighting.thing, []).append(sighting)
        return {
            thing: max(sightings, key=lambda s: s.confidence or 0)
            for thing, sightings in seen.items()
            if covered_s([s.segment for s in sightings], start_s, end_s) >= share * (end_s - start_s) - 1e-6
        }


def anybody(results: Results) -> list[Segment]:
    """Every sign of a person, however faint: bodies, faces, outlines and subjects of descriptions."""
    found = [s for s in results.get("object_detection", ()) if s.label == "person"]
    for analyzer in ("age_estimation", "eye_tracking", "body_pose"):
        found += results.get(analyzer, ())
    found += [s for s in results.get("background_segmentation", ()) if s.label == "person"]
    found += [
        s
        for s in results.get("qwen2_vl_temporal", ())
        if "person" in map(thing_of, s.data.get("subjects", ()))
    ]
    return found
