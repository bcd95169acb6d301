"""Ways to corrupt what an analyzer found, so that a study can ask whether its figures notice.

Each function takes the segments of one analyzer and gives the corrupted ones, or raises NotApplicable where
that would change nothing. Order and confidences are kept; what is random comes from a seed.
"""

from __future__ import annotations

import dataclasses
import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from clipbench.analyzers.base import Segment

#: How far times are moved, in seconds.
SHIFT_S = 3.0
#: How many copies of each segment there are when they are tripled.
COPIES = 3


class NotApplicable(Exception):
    """The corruption would leave the segments as they are; the message says why."""


def emptied(segments: Sequence[Segment], duration_s: float, seed: int) -> list[Segment]:
    """Nothing was found."""
    return []


def data_gone(segments: Sequence[Segment], duration_s: float, seed: int) -> list[Segment]:
    """Times and labels are left, without their data."""
    if not any(s.data for s in segments):
        raise NotApplicable("no segment has data")
    return [dataclasses.replace(s, data={}) for s in segments]


def one_label(segments: Sequence[Segment], duration_s: float, seed: int) -> list[Segment]:
    """Every segment has the label that most of them have."""
    counts = Counter(s.label for s in segments)
    if len(counts) < 2:
        raise NotApplicable("it gives one label only")
    label = counts.most_common(1)[0][0]
    return [dataclasses.replace(s, label=label) for s in segments]


def shifted(segments: Sequence[Segment], duration_s: float, seed: int) -> list[Segment]:
    """All times are later, those in the data as well; what would begin after the end is gone."""
    return [
        dataclasses.replace(s, start_s=s.start_s + SHIFT_S, end_s=s.end_s + SHIFT_S, data=later(s.data))
        for s in segments
        if s.start_s + SHIFT_S < duration_s
    ]


def later(value: Any) -> Any:
    """A copy of JSON data with every `start_s` and `end_s` in it moved."""
    if isinstance(value, dict):
        return {
            key: old + SHIFT_S if key in ("start_s", "end_s") and old is not None else later(old)
            for key, old in value.items()
        }
    return [later(one) for one in value] if isinstance(value, list) else value


def shifted_outside(segments: Sequence[Segment], duration_s: float, seed: int) -> list[Segment]:
    """The segments' own times are later, and those in their data are not."""
    return [
        dataclasses.replace(s, start_s=s.start_s + SHIFT_S, end_s=s.end_s + SHIFT_S)
        for s in segments
        if s.start_s + SHIFT_S < duration_s
    ]


def first_half(segments: Sequence[Segment], duration_s: float, seed: int) -> list[Segment]:
    """Only what begins in the first half of the clip."""
    kept = [s for s in segments if s.start_s < duration_s / 2]
    if len(kept) == len(segments):
        raise NotApplicable("all of it begins in the first half")
    return kept


def tripled(segments: Sequence[Segment], duration_s: float, seed: int) -> list[Segment]:
    """Each segment three times."""
    return [s for s in segments for _ in range(COPIES)]


def one_only(segments: Sequence[Segment], duration_s: float, seed: int) -> list[Segment]:
    """Only the first segment."""
    if len(segments) < 2:
        raise NotApplicable("it gives one segment only")
    return list(segments[:1])


def data_shuffled(segments: Sequence[Segment], duration_s: float, seed: int) -> list[Segment]:
    """The data of other segments."""
    data = mixed([s.data for s in segments], seed, "it gives the same data everywhere")
    return [dataclasses.replace(s, data=other) for s, other in zip(segments, data, strict=True)]


def labels_shuffled(segments: Sequence[Segment], duration_s: float, seed: int) -> list[Segment]:
    """The labels of other segments."""
    labels = mixed([s.label for s in segments], seed, "it gives one label only")
    return [dataclasses.replace(s, label=other) for s, other in zip(segments, labels, strict=True)]


def mixed(values: Sequence[Any], seed: int, otherwise: str) -> list[Any]:
    """The values in another order; raises NotApplicable where all are equal."""
    if all(value == values[0] for value in values):
        raise NotApplicable(otherwise)
    rng, found = random.Random(seed), list(values)
    while found == list(values):
        rng.shuffle(found)
    return found


#: What each corruption is called → what does it.
CORRUPTIONS: dict[str, Callable[[Sequence[Segment], float, int], list[Segment]]] = {
    "emptied": emptied,
    "data gone": data_gone,
    "one label": one_label,
    "shifted": shifted,
    "shifted outside": shifted_outside,
    "first half": first_half,
    "tripled": tripled,
    "one only": one_only,
    "data shuffled": data_shuffled,
    "labels shuffled": labels_shuffled,
}
