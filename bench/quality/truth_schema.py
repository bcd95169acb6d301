"""What a truth file may hold: clipbench's own keys, what each entry of them needs, and the keys of plugins.

docs/reference-clip.md describes the keys. A key of the user's own is one that a figure names in `reads`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from clipbench.bench.errors import nearest
from clipbench.bench.quality.truth_values import check_values, is_number

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
VALUES = ("transcript", "lufs")
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
    duration_s = check_clip(content)
    for key, value in content.items():
        if key not in known:
            raise ValueError(f"it has no key {key}{nearest(key, known - set(ABOUT))}")
        if value is None or key in ABOUT:
            continue
        if key in LISTS:
            if not isinstance(value, list):
                raise ValueError(f"{key} must be a list")
            for number, entry in enumerate(value):
                check_values(
                    key, f"{key}[{number}]", entry_of(f"{key}[{number}]", entry, LISTS[key]), duration_s
                )
        elif key in MAPPINGS:
            check_values(key, key, entry_of(key, value, MAPPINGS[key]), duration_s)
        elif key == "transcript" and not isinstance(value, str):
            raise ValueError(f"{key} must be text")
        elif key == "lufs" and not is_number(value):
            raise ValueError(f"{key} must be a number")
    check_labelled(content, of_plugins)


def check_clip(content: Mapping[str, Any]) -> float | None:
    """How long the file says that its clip is, if it does. Raises ValueError for what no clip can be."""
    clip = content.get("clip")
    if not isinstance(clip, Mapping):
        return None
    for name in ("width", "height", "duration_s"):
        value = clip.get(name)
        if value is not None and not is_number(value, 1e-9):
            raise ValueError(f"clip.{name} is {value!r:.40}; it must be a number above 0")
    duration_s: float | None = clip.get("duration_s")
    return duration_s


def entry_of(where: str, entry: object, needed: Collection[str]) -> Mapping[str, Any]:
    """An entry; raises ValueError where it lacks something, naming what it may have been called instead."""
    if not isinstance(entry, Mapping):
        raise ValueError(f"{where} must have the keys {', '.join(needed)}")
    for key in needed:
        if key not in entry:
            raise ValueError(f"{where} has no {key}; it has {', '.join(map(str, entry)) or 'nothing'}")
    return entry


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
    return or_moment and is_number(time, 0.0)
