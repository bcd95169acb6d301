"""What analyzers found at one moment of a clip, as marks to draw over the frame of that moment.

Places are in percent of the frame, from its top left corner. Segments come from files that a plugin may have
filled: what has no usable place is left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from clipbench.analyzers.base import Segment
from clipbench.reports.formatting import one_line, shortened

#: The longest label that is drawn, and the most marks of a kind in one frame.
MOST_LETTERS, MOST_MARKS = 40, 60
#: Keypoints that are joined by a line, by COCO's names.
LIMBS = (
    ("left_shoulder", "right_shoulder"), ("left_hip", "right_hip"),
    *((f"{side}_{a}", f"{side}_{b}") for side in ("left", "right") for a, b in (
        ("shoulder", "elbow"), ("elbow", "wrist"), ("shoulder", "hip"), ("hip", "knee"), ("knee", "ankle"),
    )),
)  # fmt: skip
#: Keypoints with a lower score count as unseen, as body_pose has it by default.
LEAST_SCORE = 0.3
#: A label stands inside a box that begins above this, and ends at its right edge from here on, in percent.
TOP, RIGHT = 7.0, 62.0
#: And stands above the lower edge of the frame where a box reaches further down than this.
BOTTOM = 93.0


@dataclass(frozen=True)
class Box:
    """A rectangle and its label, in percent of the frame."""

    x: float
    y: float
    width: float
    height: float
    label: str

    @property
    def at_right(self) -> bool:
        """Whether the label ends at the right edge, since it would not fit from the left one on."""
        return self.x > RIGHT

    @property
    def inside(self) -> bool:
        """Whether a label has no room above the box."""
        return self.y < TOP

    @property
    def to_bottom(self) -> bool:
        """Whether a label has no room below the box."""
        return self.y + self.height > BOTTOM


@dataclass(frozen=True)
class Mask:
    """Where people are: an SVG path over `width` times `height` cells, which cover `share` of the frame."""

    width: int
    height: int
    path: str
    share: float


@dataclass(frozen=True)
class Pose:
    """A person's keypoints (x, y) and limbs (x1, y1, x2, y2), in percent of the frame."""

    label: str
    points: list[tuple[float, float]]
    limbs: list[tuple[float, float, float, float]]


@dataclass(frozen=True)
class Marks:
    """All that is drawn over a frame. `eyes` are centres of irises, `left_out` counts what is not drawn."""

    objects: list[Box] = field(default_factory=list)
    texts: list[Box] = field(default_factory=list)
    faces: list[Box] = field(default_factory=list)
    eyes: list[tuple[float, float]] = field(default_factory=list)
    poses: list[Pose] = field(default_factory=list)
    mask: Mask | None = None
    left_out: int = 0

    def described(self) -> str:
        """What is drawn, in words, for whoever does not see it."""
        parts = [
            *said("objects", [one.label for one in self.objects]),
            *([f"people cover {100 * self.mask.share:.0f} % of the picture"] if self.mask else []),
            *said("text", [f"“{one.label}”" for one in self.texts]),
            *said("faces", [one.label for one in self.faces]),
            *said("poses", [one.label for one in self.poses]),
        ]
        return "; ".join(parts) or "nothing was found"


def said(what: str, labels: Sequence[str]) -> list[str]:
    """ "objects: a, b", or nothing."""
    return [f"{what}: {', '.join(labels)}"] if labels else []


def at_time(found: Mapping[str, Sequence[Segment]], time_s: float) -> Marks:
    """What is to be drawn of what was found, by analyzer, at a time in seconds."""
    there = {name: [s for s in segments if holds(s, time_s)] for name, segments in found.items()}
    boxes = {
        "objects": [box_of(s, with_share(s)) for s in there.get("object_detection", [])],
        "texts": [box_of(s, s.label) for s in there.get("text_overlay", [])],
        "faces": [box_of(s, with_age(s)) for s in there.get("age_estimation", [])]
        or [box_of(s, s.label) for s in there.get("eye_tracking", []) if s.label != "blink"],
    }
    drawn = {kind: [box for box in some if box is not None] for kind, some in boxes.items()}
    poses = [pose_of(s) for s in there.get("body_pose", [])]
    masks = [mask_of(s) for s in there.get("background_segmentation", [])]
    return Marks(
        **{kind: some[:MOST_MARKS] for kind, some in drawn.items()},
        eyes=[eye for s in there.get("eye_tracking", []) for eye in eyes_of(s)][: 2 * MOST_MARKS],
        poses=[pose for pose in poses if pose.points][:MOST_MARKS],
        mask=next((mask for mask in masks if mask is not None), None),
        left_out=sum(max(0, number - MOST_MARKS) for number in [len(poses), *map(len, drawn.values())]),
    )


def holds(segment: Segment, time_s: float) -> bool:
    """Whether a segment is about this time; those of a sampled frame begin with it, rounded."""
    return segment.start_s <= time_s + 1e-3 and segment.end_s > time_s + 1e-3


def with_share(segment: Segment) -> str:
    """A label with its confidence: "person 92 %"."""
    sure = "" if segment.confidence is None else f" {100 * segment.confidence:.0f} %"
    return f"{segment.label}{sure}"


def with_age(segment: Segment) -> str:
    """A face's label with its age: "female, 31"."""
    age = numbers([segment.data.get("age")])
    return f"{segment.label}, {age[0]:.0f}" if age else segment.label


def box_of(segment: Segment, label: str) -> Box | None:
    """The box of a segment, None where it has none that could be drawn."""
    corners = numbers(segment.data.get("box"))
    if corners is None or len(corners) != 4:
        return None
    x1, y1, x2, y2 = (min(max(100 * value, 0.0), 100.0) for value in corners)
    if x2 <= x1 or y2 <= y1:
        return None
    short = shortened(one_line(label), MOST_LETTERS)
    return Box(round(x1, 2), round(y1, 2), round(x2 - x1, 2), round(y2 - y1, 2), short)


def eyes_of(segment: Segment) -> list[tuple[float, float]]:
    """The centres of the irises of a face."""
    iris = segment.data.get("iris")
    places = [numbers(place) for place in iris.values()] if isinstance(iris, dict) else []
    return [percent(place) for place in places if place is not None and len(place) == 2]


def pose_of(segment: Segment) -> Pose:
    """The keypoints of a person that were seen."""
    named = segment.data.get("keypoints")
    places = {name: numbers(place) for name, place in named.items()} if isinstance(named, dict) else {}
    seen = {
        name: percent(place)
        for name, place in places.items()
        if place is not None and len(place) == 3 and place[2] >= LEAST_SCORE
    }
    limbs = [(*seen[a], *seen[b]) for a, b in LIMBS if a in seen and b in seen]
    label = shortened(one_line(segment.label.replace("_", " ")), MOST_LETTERS)
    return Pose(label, list(seen.values()), limbs)


def mask_of(segment: Segment) -> Mask | None:
    """The mask of the people in a frame; None where there are none, or no mask."""
    mask = segment.data.get("mask")
    if not isinstance(mask, dict):
        return None
    size, counts = numbers(mask.get("size")), numbers(mask.get("counts"))
    if not size or not counts or len(size) != 2 or min(size) < 1 or min(counts) < 0:
        return None
    height, width = (int(side) for side in size)
    ends = [0]
    for count in counts:
        ends.append(ends[-1] + int(count))
    if ends[-1] != height * width:
        return None
    runs = [span for number, span in enumerate(pairwise(ends)) if number % 2 and span[1] > span[0]]
    covered = sum(stop - start for start, stop in runs)
    return Mask(width, height, path_of(runs, width), covered / (height * width)) if covered else None


def path_of(runs: Iterable[tuple[int, int]], width: int) -> str:
    """Runs of cells, in the order of rows, as an SVG path: a rectangle for what is alike in rows below."""
    rows: dict[tuple[int, int], list[int]] = {}
    for start, stop in runs:
        while start < stop:
            row, column = divmod(start, width)
            end = min(stop, (row + 1) * width)
            rows.setdefault((column, end - row * width), []).append(row)
            start = end
    parts = []
    for (left, right), found in rows.items():
        top = found[0]
        for row, following in pairwise([*found, -1]):
            if following != row + 1:
                parts.append(f"M{left} {top}H{right}V{row + 1}H{left}z")
                top = following
    return "".join(parts)


def percent(place: Sequence[float]) -> tuple[float, float]:
    """A place in fractions of the frame, in percent."""
    return round(100 * place[0], 2), round(100 * place[1], 2)


def numbers(value: Any) -> list[float] | None:
    """A list of finite numbers; None for anything else."""
    if not isinstance(value, list) or not all(
        isinstance(one, int | float) and math.isfinite(one) for one in value
    ):
        return None
    return value
