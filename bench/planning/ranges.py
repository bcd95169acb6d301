"""The ranges that fields of the configuration declare, and where a value that is out of one was written."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from clipbench.bench.errors import InputError
from clipbench.bench.locations import CONF

#: Parts of the configuration that are checked where they are used: only what a run needs of them counts.
LATER = ("models", "executor", "grouping")
#: More characters than this of a number tell nobody anything.
DIGITS = 40


def check(config: Any) -> None:
    """Raise InputError for the first value that is outside of the range that its field declares.

    `config` is the whole configuration. The message names the file of conf/ where the value is from there.
    """
    for f in dataclasses.fields(config):
        value = getattr(config, f.name)
        if f.name in LATER:
            continue
        if dataclasses.is_dataclass(value):
            check_part(value, f.name)
        elif limits := beyond(f, value):
            raise InputError(f"{f.name}={shown(value)} is out of range: it must be {limits}")


def check_part(part: Any, group: str) -> None:
    """Raise InputError as `check` does, for one part of the configuration, such as `machine`."""
    for key, f, value in leaves(part):
        if limits := beyond(f, value):
            place = place_of(group, getattr(part, "name", None), key, value)
            raise InputError(f"{place} is out of range: it must be {limits}")


def leaves(part: Any, prefix: str = "") -> Iterator[tuple[str, dataclasses.Field[Any], Any]]:
    """Each field below a dataclass that is none itself: its dotted key, the field, and the value."""
    for f in dataclasses.fields(part):
        value = getattr(part, f.name)
        if dataclasses.is_dataclass(value):
            yield from leaves(value, f"{prefix}{f.name}.")
        else:
            yield f"{prefix}{f.name}", f, value


def out_of_range(settings: Any, prefix: str) -> str | None:
    """The first setting outside of the range its field declares, as a line for the user, or None."""
    for f in dataclasses.fields(settings):
        value = getattr(settings, f.name)
        if limits := beyond(f, value):
            return f"{prefix}.{f.name}={shown(value)} is out of range: it must be {limits}"
    return None


def beyond(f: dataclasses.Field[Any], value: Any) -> str:
    """What a value would have to be that is outside of the range of its field; "" for one that is in it."""
    low, high = f.metadata.get("low"), f.metadata.get("high")
    if not isinstance(value, int | float) or isinstance(value, bool):
        return ""
    if (low is None or value >= low) and (high is None or value <= high):  # neither is true of nan
        return ""
    if high is None:
        limits = f"at least {plain(low)}"
    elif low is None:
        limits = f"at most {plain(high)}"
    else:
        limits = f"{plain(low)} to {plain(high)}"
    return f"{limits} ({f.metadata['help']})"


def shown(value: float) -> str:
    """A number as the user wrote it, or nearly: -1 for -1.0, and of a long one the beginning."""
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= DIGITS else f"{text[:DIGITS]}…"


def plain(value: Any) -> str:
    """A number without an exponent: 0.000001, 1000000."""
    return f"{Decimal(repr(value)):f}".removesuffix(".0")


def place_of(group: str, name: str | None, key: str, value: Any) -> str:
    """A value with the place where it was written: "conf/machine/mine.yaml: cores=-1", or "machine.cores=-1".

    It is from the file of conf/`group`/ that has this `name`, if the file says the same; else it was typed.
    """
    said = f"{key}={shown(value) if isinstance(value, int | float) else value}"
    path = file_of(group, name, key, value)
    return f"{path}: {said}" if path else f"{group}.{said}"


def file_of(group: str, name: str | None, key: str, value: Any) -> str:
    """The file of conf/`group`/, of that `name`, in which `key` has this value; "" where none has."""
    for folder in (Path.cwd() / "conf" / group, CONF / group):
        for path in sorted(folder.glob("*.yaml")):
            found = content(path)
            if isinstance(found, dict) and found.get("name") == name and same(below(found, key), value):
                return f"conf/{group}/{path.name}"
    return ""


def content(path: Path) -> Any:
    """What a YAML file has; None where it cannot be read."""
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return None


def below(found: Any, key: str) -> Any:
    """The value at a dotted key; None where there is none."""
    for part in key.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def same(written: Any, value: Any) -> bool:
    """Whether a file has this value. YAML 1.1 takes 1e-9 and nan for words, and Hydra for numbers."""
    if written is None or isinstance(written, bool) or isinstance(value, bool | str):
        return bool(written == value)
    try:
        number = float(written)
    except (TypeError, ValueError, OverflowError):
        return False
    return number == value or (math.isnan(number) and math.isnan(value))
