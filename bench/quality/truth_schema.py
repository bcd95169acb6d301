"""What a truth file may hold: clipbench's own keys, what each entry of them needs, and the keys of plugins.

docs/reference-clip.md describes the keys. A key of the user's own is one that a figure names in `reads`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from clipbench.bench.errors import nearest

#: Keys that say which clip a file is for, and where its labels are from.
ABOUT = ("schema", "clip", "provenance")
TIMES = ("start_s", "end_s")
#: Key → what each of its entries must have.
LISTS: dict[str, tuple[str, ...]] = {
    "shots": (*TIMES, "scene", "subjects"),
    "cuts": ("time_s",),
    "fades": TIMES,
    "camera": (*TIMES, "motion"),
    "effects": (*TIMES, "effect"),
    "degradations": TIMES,
    "texts": (*TIMES, "text"),
    "statements": (*TIMES, "relation", "about"),
    "objects": ("label", "samples"),
    "ignore": ("label", "samples"),
    "poses": ("samples",),
    "faces": ("samples",),
    "masks": ("time_s", "polygons"),
    "colors": ("time_s", "palette"),
    "words": (*TIMES, "word"),
    "speech": TIMES,
    "silence": TIMES,
    "sounds": (*TIMES, "accepted"),
    "topics": ("time_s",),
}
#: Key → what it must have.
MAPPINGS: dict[str, tuple[str, ...]] = {
    "music": ("tempo_bpm", "key"),
    "pitch": ("start_s", "step_s", "hz"),
}
#: The other keys: text and a number.
VALUES: dict[str, type | tuple[type, ...]] = {"transcript": str, "lufs": (int, float)}
OWN = (*LISTS, *MAPPINGS, *VALUES)


def check(content: Mapping[str, Any], of_plugins: Collection[str]) -> None:
    """Raise ValueError, in one line, for a key that does not exist and for labels of the wrong shape.

    An empty value stands for a key that is not labelled.
    """
    known = {*ABOUT, *OWN, *of_plugins}
    for key, value in content.items():
        if key not in known:
            raise ValueError(f"it has no key {key}{nearest(key, known - set(ABOUT))}")
        if not value or key in ABOUT:
            continue
        if key in LISTS:
            if not isinstance(value, list):
                raise ValueError(f"{key} must be a list")
            for number, entry in enumerate(value):
                check_entry(f"{key}[{number}]", entry, LISTS[key])
        elif key in MAPPINGS:
            check_entry(key, value, MAPPINGS[key])
        elif key in VALUES and not isinstance(value, VALUES[key]):
            raise ValueError(f"{key} must be {'text' if VALUES[key] is str else 'a number'}")


def check_entry(where: str, entry: object, needed: Collection[str]) -> None:
    """Raise ValueError for an entry that lacks something, naming what it may have been called instead."""
    if not isinstance(entry, Mapping):
        raise ValueError(f"{where} must have the keys {', '.join(needed)}")
    for key in needed:
        if key not in entry:
            raise ValueError(f"{where} has no {key}; it has {', '.join(entry) or 'nothing'}")


def empty(key: str) -> Any:
    """The value of a key of which nothing is labelled yet."""
    return [] if key in LISTS else None
