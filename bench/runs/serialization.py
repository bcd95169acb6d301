"""Dataclasses to JSON values and back, by the dataclasses' own annotations.

Hand-written because results need three things that no small library gives at once: fields that hold one of
several dataclasses (a series, or the reason why there is none), errors that name the key, and a check of
hundreds of thousands of samples without a call for each of them.
"""

from __future__ import annotations

import dataclasses
import functools
import types
from collections.abc import Callable
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")

#: Annotation → the types of the JSON values that it accepts: a whole number is also a float.
PLAIN: dict[Any, set[type]] = {
    str: {str},
    bool: {bool},
    int: {int},
    float: {int, float},
    type(None): {type(None)},
}


class WrongShape(ValueError):
    """A JSON value that is not of the type that its place asks for; the message names the key."""


def to_json(value: Any, text: Callable[[str], str] = str) -> Any:
    """`value` in dictionaries, lists and plain values; fields marked `optional` are left out where None.

    `text` is applied to all strings.
    """
    if isinstance(value, str):
        return text(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = ((f, getattr(value, f.name)) for f in dataclasses.fields(value))
        return {
            f.name: to_json(v, text) for f, v in fields if v is not None or not f.metadata.get("optional")
        }
    if isinstance(value, dict):
        return {to_json(key, text): to_json(inner, text) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(inner, text) for inner in value]
    return value


def from_json(kind: type[T], value: Any, key: str = "") -> T:
    """`value`, as JSON has it, as an object of the dataclass `kind`.

    Keys that `kind` does not have are ignored, and missing ones get their default. Raises WrongShape, which
    begins with the key in question; `key` is that of `value` itself.
    """
    built: T = build(kind, value, key)
    return built


def build(annotation: Any, value: Any, key: str) -> Any:
    """`value` as `annotation` asks for."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation is Any:
        return value
    if origin is Literal:
        if value in arguments:
            return value
    elif origin in (Union, types.UnionType):
        return build_union(arguments, value, key)
    elif dataclasses.is_dataclass(annotation) and isinstance(annotation, type):
        if isinstance(value, dict):
            return build_dataclass(annotation, value, key)
    elif origin is list:
        if isinstance(value, list):
            return build_list(arguments[0], value, key)
    elif origin is tuple:
        if isinstance(value, list):
            return tuple(build_list(arguments[0], value, key))
    elif origin is dict:
        if isinstance(value, dict):
            return {name: build(arguments[1], inner, f"{key}.{name}") for name, inner in value.items()}
    elif type(value) in PLAIN[annotation]:
        return value
    raise WrongShape(f"{key or 'it'} is {shown(value)}, not {described(annotation)}")


def build_dataclass(kind: type, value: dict[str, Any], key: str) -> Any:
    """An object of the dataclass `kind` from a dictionary."""
    if missing := required(kind) - value.keys():
        raise WrongShape(f"{key or 'it'} has no {sorted(missing)[0]}")
    prefix = f"{key}." if key else ""
    present = {name: a for name, a in field_types(kind).items() if name in value}
    return kind(**{name: build(a, value[name], prefix + name) for name, a in present.items()})


def build_list(annotation: Any, value: list[Any], key: str) -> list[Any]:
    """A list; of plain values it is `value` itself."""
    accepted = plain_types(annotation)
    if accepted is not None and accepted.issuperset(map(type, value)):
        return value
    return [build(annotation, inner, f"{key}[{number}]") for number, inner in enumerate(value)]


def build_union(arguments: tuple[Any, ...], value: Any, key: str) -> Any:
    """The first alternative that `value` may be: of dataclasses, the first whose required keys it has."""
    for annotation in arguments:
        if dataclasses.is_dataclass(annotation) and isinstance(annotation, type):
            fits = isinstance(value, dict) and has_keys(annotation, value)
        elif get_origin(annotation) in (list, dict):
            fits = isinstance(value, get_origin(annotation))
        else:
            fits = type(value) in PLAIN[annotation]
        if fits:
            return build(annotation, value, key)
    raise WrongShape(f"{key or 'it'} is {shown(value)}, not {' or '.join(map(described, arguments))}")


def has_keys(kind: type, value: dict[str, Any]) -> bool:
    """Whether `value` has all that `kind` requires, and accepted values of its literals ("mode": "save")."""
    literals = {name: get_args(a) for name, a in field_types(kind).items() if get_origin(a) is Literal}
    return required(kind) <= value.keys() and all(
        value.get(name) in accepted for name, accepted in literals.items()
    )


@functools.cache
def field_types(kind: type) -> dict[str, Any]:
    """Field → its type."""
    hints = get_type_hints(kind)
    return {f.name: hints[f.name] for f in dataclasses.fields(kind)}


@functools.cache
def required(kind: type) -> frozenset[str]:
    """The fields of a dataclass that have no default."""
    missing = dataclasses.MISSING
    fields = dataclasses.fields(kind)
    return frozenset(f.name for f in fields if f.default is missing and f.default_factory is missing)


@functools.cache
def plain_types(annotation: Any) -> frozenset[type] | None:
    """The types of the plain values that `annotation` accepts; None where it accepts others."""
    each = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)
    if not all(one in PLAIN for one in each):
        return None
    return frozenset().union(*(PLAIN[one] for one in each))


def shown(value: Any) -> str:
    """A JSON value, short enough for a line."""
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


def described(annotation: Any) -> str:
    """A type in an error."""
    return (
        annotation.__name__ if isinstance(annotation, type) and not get_args(annotation) else str(annotation)
    )
