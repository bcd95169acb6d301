"""What every analyzer's segments must be, whatever it looks for: well formed, and each of them once.

docs/segments.md says what an analyzer's data contain. `Form` says the same for a program, and two figures
that each analyzer has say how far that is kept; neither needs a label of the truth.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clipbench.analyzers.base import Segment, Settings
from clipbench.bench.quality.declaration import Figure, Scored, figure
from clipbench.bench.quality.matching import iou, overlap

#: How far times in a segment's data may lie out of it, in seconds, since they are rounded and smoothed.
EDGE_S = 0.25
#: Segments repeat one another if they share nine tenths of their time and of their box. A detector that
#: suppresses doubles leaves none that share so much, and windows of a second share three quarters.
SAME = 0.9
#: Two moments are the same if they are at most this far apart: a frame of a film.
SAME_MOMENT_S = 0.04


@dataclass(frozen=True)
class Form:
    """What the data of an analyzer's segments must have: by label, or under "*" for the other labels.

    Of the labels in `counted`, `index` counts up from 0 in the order of time. `holds` is what else must be
    true of a segment, by the analyzer's settings.
    """

    data: Mapping[str, Collection[str]]
    counted: Collection[str] = ()
    holds: Callable[[Segment, Settings], bool] = lambda segment, settings: True


def malformed(analyzer: str, form: Form) -> Figure:
    """The figure that says how many of the segments of `analyzer` are not of its `form`."""

    def count(scored: Scored) -> float:
        """Number of segments whose data or times are not as docs/segments.md says."""
        return count_malformed(scored, form)

    return figure(analyzer, "malformed", "lower")(count)


def duplicates(analyzer: str) -> Figure:
    """The figure that says how many segments of `analyzer` are there more than once."""

    def count(scored: Scored) -> float:
        """Number of segments that repeat another one: the same label, time, and box or data."""
        return count_repeated(scored.segments)

    return figure(analyzer, "duplicates", "lower")(count)


def count_malformed(scored: Scored, form: Form) -> int:
    """How many of the segments are not of this form."""
    segments = scored.segments
    places = {
        id(s): place
        for label in form.counted
        for place, s in enumerate(sorted((s for s in segments if s.label == label), key=start))
    }
    return sum(
        not (is_formed(s, form, places.get(id(s)), scored.duration_s) and form.holds(s, scored.settings))
        for s in segments
    )


def start(segment: Segment) -> float:
    return segment.start_s


def is_formed(segment: Segment, form: Form, place: int | None, duration_s: float) -> bool:
    """Whether a segment, the one with this `place` among those that are counted, is of the form."""
    needed = form.data.get(segment.label, form.data.get("*"))
    if needed is None or not set(needed).issubset(segment.data):
        return False
    if place is not None and segment.data["index"] != place:
        return False
    if not -EDGE_S <= segment.start_s <= segment.end_s <= duration_s + EDGE_S:
        return False
    low, high = segment.start_s - EDGE_S, segment.end_s + EDGE_S
    return all(low <= t <= high for t in times_in(segment.data))


def times_in(data: Mapping[str, Any]) -> Iterator[float]:
    """The times in a segment's own data; evidence is of other segments, and may be of another time."""
    for key, value in data.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict) and key != "evidence":
                yield from (one[edge] for edge in ("start_s", "end_s") if one.get(edge) is not None)


def count_repeated(segments: Sequence[Segment]) -> int:
    """How many of the segments repeat an earlier one."""
    kept: dict[str, list[Segment]] = {}
    repeated = 0
    for s in sorted(segments, key=start):
        # What ended before this one began cannot be the same.
        others = kept.setdefault(s.label, [])
        others[:] = [o for o in others if o.end_s >= s.start_s - SAME_MOMENT_S]
        if any(is_same(s, o) for o in others):
            repeated += 1
        else:
            others.append(s)
    return repeated


def is_same(a: Segment, b: Segment) -> bool:
    """Whether two segments of one label say the same of the same time."""
    shared = overlap(a.start_s, a.end_s, b.start_s, b.end_s)
    whole = max(a.end_s, b.end_s) - min(a.start_s, b.start_s)
    if shared < SAME * whole and whole > SAME_MOMENT_S:
        return False
    one, other = a.data.get("box"), b.data.get("box")
    return iou(one, other) >= SAME if one and other else a.data == b.data


def has_box(segment: Segment, settings: Settings | None = None) -> bool:
    """Whether a segment's box has an area, and four numbers for it."""
    box = segment.data["box"]
    return len(box) == 4 and box[0] < box[2] and box[1] < box[3]
