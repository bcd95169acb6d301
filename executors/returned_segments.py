"""What an analyzer returned, checked and made plain, so that a mistake in it costs that analyzer alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from clipbench.analyzers.base import Segment


def checked(found: object) -> list[Segment]:
    """The segments that `analyze` returned, with JSON values in `data` and NumPy's numbers as plain ones.

    Raises TypeError for what is not a list of segments or cannot be JSON, ValueError for NaN and infinity.
    """
    if not isinstance(found, list):
        raise TypeError(f"analyze must return a list of Segment, not {type(found).__name__}")
    return [segment(each, f"segment {number}") for number, each in enumerate(found)]


def segment(each: object, where: str) -> Segment:
    """One segment, checked."""
    if not isinstance(each, Segment):
        raise TypeError(f"analyze must return a list of Segment; it has {type(each).__name__} in it")
    confidence = None if each.confidence is None else number(each.confidence, f"{where}: confidence")
    start_s, end_s = number(each.start_s, f"{where}: start_s"), number(each.end_s, f"{where}: end_s")
    data = plain_dict(each.data, f"{where}: data")
    return replace(each, start_s=start_s, end_s=end_s, confidence=confidence, data=data)


def plain_dict(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """A dictionary with its values in the types of JSON."""
    return {str(key): plain(value, f"{where}.{key}") for key, value in values.items()}


def number(value: object, where: str) -> float:
    """A finite number; `where` names it in errors."""
    found = plain(value, where)
    if not isinstance(found, int | float):
        raise TypeError(f"{where} is {found!r}, which is not a number")
    return found


def plain(value: object, where: str) -> object:
    """`value` in the types of JSON; `where` names it in errors."""
    match value:
        case None | bool() | str():
            return value
        case int() | float():  # a float64 of NumPy is a float, too
            if not math.isfinite(value):
                raise ValueError(f"{where} is {value}; write None for what has no value")
            return int(value) if isinstance(value, int) else float(value)
        case dict():
            return plain_dict(value, where)
        case list() | tuple():
            return [plain(inner, f"{where}[{at}]") for at, inner in enumerate(value)]
    if hasattr(value, "tolist"):  # a number or an array of NumPy
        return plain(value.tolist(), where)
    raise TypeError(f"{where} is a {type(value).__name__}, which JSON does not have")
