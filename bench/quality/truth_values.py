"""What the values in a truth file must be, so that every figure can be computed from them.

A check says what a value must be, or None where it is that; `Value` names the value in the error.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

#: What a value must be, in words, where it is not that; "" where it is.
Check: TypeAlias = Callable[[Any], str]
#: The points of a body, as COCO numbers them.
KEYPOINTS = (
    *("nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder"),
    *("left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip"),
    *("left_knee", "right_knee", "left_ankle", "right_ankle"),
)
#: The first words of a key of music, and the second ones.
ROOTS = {*"ABCDEFG", *(f"{root}{sign}" for root in "ABCDEFG" for sign in ("#", "b"))}
MODES = ("major", "minor")
#: Coordinates are fractions of the picture; a thing may reach out of it by so many pictures.
OUTSIDE = 2.0
#: Seconds by which a label may go beyond the end of its clip: times are rounded.
TOLERANCE_S = 0.5


def is_number(value: object, low: float = -math.inf, high: float = math.inf) -> bool:
    """Whether a value is a finite number in this range; true and false are none."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value) and low <= value <= high
    except OverflowError:  # a whole number beyond any other
        return False


def number(low: float = -math.inf, high: float = math.inf, said: str = "a number") -> Check:
    """A finite number in this range."""
    return lambda value: "" if is_number(value, low, high) else said


def text(value: object) -> str:
    """Text that is not empty."""
    return "" if isinstance(value, str) and value.strip() else "text that is not empty"


def one_of(*words: str) -> Check:
    """One of these words."""
    return lambda value: "" if value in words else f"one of {', '.join(words)}"


def some(check: Check, least: int = 0, most: int | None = None, said: str = "a list") -> Check:
    """A list with at least `least` and at most `most` entries, each of which passes."""

    def checked(value: object) -> str:
        if not isinstance(value, list) or len(value) < least or (most is not None and len(value) > most):
            return said
        return said if any(check(each) for each in value) else ""

    return checked


def optional(check: Check) -> Check:
    """null, or what passes."""
    return lambda value: "" if value is None else check(value)


coordinate = number(-OUTSIDE, 1 + OUTSIDE)
point = some(coordinate, 2, 2, "[x, y], as fractions of the picture")
time = number(0.0, said="seconds from the beginning of the clip")
positive = number(1e-9, said="a number above 0")
fraction = number(0.0, 1.0, "a number from 0 to 1")
words = some(text, 1, said="a list of words that is not empty")


def box(value: object) -> str:
    """A box with an area."""
    said = "a box [x1, y1, x2, y2] with x1 < x2 and y1 < y2, as fractions of the picture"
    if not isinstance(value, list) or len(value) != 4 or any(coordinate(each) for each in value):
        return said
    return "" if value[0] < value[2] and value[1] < value[3] else said


def keypoints(value: object) -> str:
    """Points of a body, by name."""
    said = "points by the names of COCO, such as {nose: [x, y]}"
    if not isinstance(value, Mapping) or not value:
        return said
    return said if any(name not in KEYPOINTS or point(at) for name, at in value.items()) else ""


def key_of_music(value: object) -> str:
    """A key, such as "A minor"."""
    parts = value.split() if isinstance(value, str) else []
    fine = len(parts) == 2 and parts[0] in ROOTS and parts[1] in MODES
    return "" if fine else 'a key such as "A minor" or "F# major"'


#: Key → field of its entries → what it must be. A field that is not here may hold anything.
FIELDS: dict[str, dict[str, Check]] = {
    "shots": {"scene": text, "subjects": some(words, said="a list with a list of words for each subject")},
    "cuts": {"time_s": time},
    "fades": {},
    "camera": {"motion": text},
    "effects": {"effect": text},
    "degradations": {},
    "texts": {"text": text, "box": optional(box)},
    "statements": {"relation": one_of("agreement", "contradiction"), "about": text},
    "objects": {"label": text},
    "ignore": {"label": text},
    "poses": {},
    "faces": {
        "gender": optional(one_of("female", "male")),
        "age": optional(number(0, 130, "years from 0 to 130")),
    },
    "masks": {
        "time_s": time,
        "polygons": some(some(point, 3), said="a list of polygons, each of three points [x, y] or more"),
    },
    "colors": {"time_s": time},
    "words": {"word": text},
    "speech": {},
    "silence": {},
    "sounds": {"accepted": words},
    "topics": {"time_s": time},
    "music": {"tempo_bpm": positive, "key": key_of_music},
    "pitch": {
        "start_s": time,
        "step_s": positive,
        "hz": some(optional(positive), said="a list of frequencies above 0, and null where nobody speaks"),
    },
}
#: Key → where its entries have entries of their own → field of those → what it must be.
INNER: dict[str, tuple[str, dict[str, Check]]] = {
    "objects": ("samples", {"time_s": time, "box": box}),
    "ignore": ("samples", {"time_s": time, "box": box}),
    "poses": ("samples", {"time_s": time, "keypoints": keypoints}),
    "faces": ("samples", {"time_s": time, "box": box}),
    "colors": (
        "palette",
        {
            "lab": some(number(-200, 200), 3, 3, "[L, a, b]"),
            "share": fraction,
        },
    ),
}
#: Fields of the samples of a key that may be missing.
OPTIONAL_INNER: dict[str, dict[str, Check]] = {
    "faces": {
        "gaze": optional(text),
        "iris_left": optional(point),
        "iris_right": optional(point),
    },
}


def check_values(key: str, where: str, entry: Mapping[str, Any], duration_s: float | None) -> None:
    """Raise ValueError, naming the value and what it must be, for an entry that cannot be scored."""
    for field, check in FIELDS[key].items():
        if field in entry:
            refuse(f"{where}.{field}", entry[field], check)
    check_span(where, entry, duration_s)
    inner, fields = INNER.get(key, ("", {}))
    if not inner:
        return
    refuse(f"{where}.{inner}", entry.get(inner), some(lambda _: "", 1, said="a list that is not empty"))
    for number_, each in enumerate(entry[inner]):
        place = f"{where}.{inner}[{number_}]"
        if not isinstance(each, Mapping) or fields.keys() - each.keys():
            raise ValueError(f"{place} must have the keys {', '.join(fields)}")
        for field, check in {**fields, **OPTIONAL_INNER.get(key, {})}.items():
            if field in each:
                refuse(f"{place}.{field}", each[field], check)
        check_span(place, each, duration_s)


def check_span(where: str, entry: Mapping[str, Any], duration_s: float | None) -> None:
    """Raise ValueError for times that are none, in the wrong order, or beyond the end of the clip."""
    times = [name for name in ("start_s", "end_s", "time_s") if name in entry]
    for name in times:
        refuse(f"{where}.{name}", entry[name], time)
    if {"start_s", "end_s"} <= entry.keys() and entry["start_s"] >= entry["end_s"]:
        span = f"{entry['start_s']:g} … {entry['end_s']:g}"
        raise ValueError(f"{where} has no length ({span} s); end_s must be greater than start_s")
    last = max((float(entry[name]) for name in times), default=0.0)
    if duration_s is not None and last > duration_s + TOLERANCE_S:
        raise ValueError(f"{where} is at {last:g} s, and the clip ends at {duration_s:g} s; mend its times")


def refuse(where: str, value: object, check: Check) -> None:
    """Raise ValueError where a value is not what it must be."""
    if said := check(value):
        shown = repr(value)
        shown = shown if len(shown) <= 40 else f"{shown[:39]}…"
        raise ValueError(f"{where} is {shown}; it must be {said}")
