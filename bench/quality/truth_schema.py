"""What a truth file may hold: clipbench's own keys, what each entry of them needs, and the keys of plugins.

docs/reference-clip.md describes the keys. A key of the user's own is one that a figure names in `reads`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from clipbench.bench.errors import nearest

#: Keys that say which clip a file is for, and where its labels are from.
ABOUT = ("schema", "clip", "provenance", "labelled")
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
#: What is labelled frame by frame; the other lists have things that begin and end.
TRACKS = ("objects", "poses", "faces", "masks")
#: Key → what it must have.
MAPPINGS: dict[str, tuple[str, ...]] = {
    "music": ("tempo_bpm", "key"),
    "pitch": ("start_s", "step_s", "hz"),
}
#: The other keys: text and a number.
VALUES: dict[str, type | tuple[type, ...]] = {"transcript": str, "lufs": (int, float)}
OWN = (*LISTS, *MAPPINGS, *VALUES)
#: The keys of which `labelled` may say when they are labelled; the entries of the others say it themselves.
TIMED = (
    *("cuts", "fades", "effects", "texts", "statements", "topics", "speech", "transcript"),
    *TRACKS,
)


def check(content: Mapping[str, Any], of_plugins: Collection[str]) -> None:
    """Raise ValueError, in one line, for a key that does not exist and for labels of the wrong shape.

    null stands for a key that is not labelled; an empty list or text is a label like any other.
    """
    known = {*ABOUT, *OWN, *of_plugins}
    for key, value in content.items():
        if key not in known:
            raise ValueError(f"it has no key {key}{nearest(key, known - set(ABOUT))}")
        if value is None or key in ABOUT:
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
    check_labelled(content, of_plugins)


def check_entry(where: str, entry: object, needed: Collection[str]) -> None:
    """Raise ValueError for an entry that lacks something, naming what it may have been called instead."""
    if not isinstance(entry, Mapping):
        raise ValueError(f"{where} must have the keys {', '.join(needed)}")
    for key in needed:
        if key not in entry:
            raise ValueError(f"{where} has no {key}; it has {', '.join(entry) or 'nothing'}")


def check_labelled(content: Mapping[str, Any], of_plugins: Collection[str]) -> None:
    """Raise ValueError where `labelled` does not say when something is labelled."""
    labelled = content.get("labelled")
    if labelled is None:
        return
    if not isinstance(labelled, Mapping):
        raise ValueError('labelled must be a mapping such as {"objects": [[0, 10]]}')
    known = {*TIMED, *of_plugins}
    for key, times in labelled.items():
        where = f"labelled.{key}"
        if key not in known:
            raise ValueError(f"{where}: no key whose times can be given{nearest(key, known)}")
        if content.get(key) is None:
            raise ValueError(f"{where}: the file has no {key}")
        if not isinstance(times, list) or not all(is_time(t, key in TRACKS) for t in times):
            moments = "moments and " if key in TRACKS else ""
            raise ValueError(f"{where} must be a list of {moments}stretches [start, end], in seconds")


def is_time(time: object, or_moment: bool) -> bool:
    """Whether this is a stretch [start, end], or, if that is possible, a moment."""
    if isinstance(time, list):
        return len(time) == 2 and all(is_time(t, True) for t in time) and time[0] < time[1]
    return or_moment and isinstance(time, int | float) and not isinstance(time, bool)
