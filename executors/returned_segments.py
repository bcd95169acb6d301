"""What an analyzer returns and says of itself, checked and made plain: a mistake in it costs it alone.

Every error names the segment by its number, and the field.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from clipbench.analyzers.base import Segment

#: Seconds by which a segment may begin before the clip or end after it: a window of sound may, or a rounded
#: time.
TOLERANCE_S = 0.1
#: By how much a confidence may leave 0..1 before it is no rounding error; it is then set to the limit.
ROUNDING = 1e-6
#: Lists and dictionaries within each other; what is deeper holds itself.
DEPTH = 50


def checked(found: object, duration_s: float) -> list[Segment]:
    """The segments found in a clip of `duration_s`, with NumPy's numbers and arrays as those of JSON.

    Raises TypeError for what is not a list of segments or is not of the type of its field, and ValueError for
    what a field or JSON cannot hold: NaN and infinity, times outside the clip, text that is no Unicode.
    """
    if not isinstance(found, list):
        raise TypeError(f"analyze must return a list of Segment, not {type(found).__name__}")
    return [segment(each, f"segment {number}", duration_s) for number, each in enumerate(found)]


def segment(each: object, where: str, duration_s: float) -> Segment:
    """One segment, checked."""
    if not isinstance(each, Segment):
        raise TypeError(f"analyze must return a list of Segment; {where} is of type {type(each).__name__}")
    start_s, end_s = number(each.start_s, f"{where}: start_s"), number(each.end_s, f"{where}: end_s")
    if start_s < -TOLERANCE_S:
        raise ValueError(f"{where}: start_s is {start_s:g}, before the beginning of the clip")
    if end_s > duration_s + TOLERANCE_S:
        raise ValueError(f"{where}: end_s is {end_s:g}, but the clip ends at {duration_s:g} s")
    if start_s > end_s:
        raise ValueError(f"{where}: start_s is {start_s:g}, after its end_s {end_s:g}")
    label = text(each.label, f"{where}: label")
    sure = None if each.confidence is None else confidence(each.confidence, f"{where}: confidence")
    return Segment(start_s, end_s, label, sure, plain_dict(each.data, f"{where}: data"))


def number(value: object, where: str) -> float:
    """A finite number as a float; `where` names it in errors."""
    found = plain(value, where)
    if not isinstance(found, int | float) or isinstance(found, bool):
        raise TypeError(f"{where} is {found!r:.50}, which is not a number")
    return float(found)


def confidence(value: object, where: str) -> float:
    """A number in 0..1."""
    found = number(value, where)
    if not -ROUNDING <= found <= 1 + ROUNDING:
        raise ValueError(f"{where} is {found:g}, outside of 0 to 1")
    return min(max(found, 0.0), 1.0)


def text(value: object, where: str) -> str:
    """Text that can be written in UTF-8."""
    if not isinstance(value, str):
        raise TypeError(f"{where} is of type {type(value).__name__}, not text")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        half = f"half of a character, U+{ord(value[error.start]):04X}"
        raise ValueError(f"{where} has {half}, which UTF-8 cannot write") from None
    return str.__str__(value)


def writable(said: str) -> str:
    """`said` with halves of characters as escapes, so that UTF-8 can write it."""
    return said.encode("utf-8", "backslashreplace").decode()


def plain_dict(values: object, where: str, depth: int = 0) -> dict[str, Any]:
    """A dictionary with its values in the types of JSON."""
    if not isinstance(values, Mapping):
        raise TypeError(f"{where} is of type {type(values).__name__}, not a dictionary")
    found = {}
    for key, value in values.items():
        if not isinstance(key, str):
            raise TypeError(f"{where} has the key {key!r:.50}: keys of JSON are text")
        name = text(key, f"{where}: the key {key!r:.50}")
        found[name] = plain(value, f"{where}.{name}", depth + 1)
    return found


def plain(value: object, where: str, depth: int = 0) -> object:
    """`value` in the types of JSON; `where` names it in errors, which say where it is in a nested one."""
    if depth > DEPTH:
        raise ValueError(f"{where:.60}… is nested more than {DEPTH} deep, or holds itself")
    match value:
        case None | bool():
            return value
        case str():
            return text(value, where)
        case int():
            if value.bit_length() > 64:
                raise ValueError(f"{where} is an integer of {value.bit_length()} bits, and 64 are the most")
            return int(value)
        case float():  # a float64 of NumPy is one, too
            if not math.isfinite(value):
                raise ValueError(f"{where} is {value}; write None for what has no value")
            return float(value)
        case dict():
            return plain_dict(value, where, depth)
        case list() | tuple():
            return [plain(inner, f"{where}[{at}]", depth + 1) for at, inner in enumerate(value)]
    if hasattr(value, "tolist"):  # a number or an array of NumPy
        return plain(value.tolist(), where, depth + 1)
    raise TypeError(f"{where} is of type {type(value).__name__}, which JSON does not have")
