"""The clips that a configuration names, and the names under which their segments are written."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from clipbench.analyzers.base import Segment
from clipbench.bench.clips.clip_path import what_is
from clipbench.bench.errors import InputError
from clipbench.bench.file_names import readable
from clipbench.bench.measuring.record import Record
from clipbench.bench.runs.results import LostClip

#: The endings of files that may have pictures: those that FFmpeg's demuxers of videos go by.
VIDEO = (
    ".mp4", ".m4v", ".mov", ".qt", ".f4v", ".3gp", ".3g2", ".mj2",
    ".mkv", ".mk3d", ".webm", ".ogv", ".ogm", ".ogx", ".nut",
    ".avi", ".divx", ".amv", ".wmv", ".asf", ".wtv", ".flv", ".rm", ".rmvb", ".dv", ".mxf", ".gxf", ".ivf",
    ".mpg", ".mpeg", ".mpe", ".m1v", ".m2v", ".mpv", ".m2p", ".vob", ".mod",
    ".ts", ".mts", ".m2ts", ".m2t", ".tp", ".trp", ".tod",
    ".h264", ".264", ".avc", ".h265", ".265", ".hevc", ".obu", ".y4m", ".mjpg", ".mjpeg", ".gif", ".apng",
)  # fmt: skip
#: How many of the files that are left out are named.
NAMED = 8
#: Bytes that the name of a folder of segments may have; file systems allow 255.
FOLDER_BYTES = 200


@dataclass(frozen=True)
class FoundClips:
    """The clips that a path names, in order of name.

    `lost` are those that are not there: links that lead nowhere. `left_out` says in a line which other
    entries of a folder were left out, and why; "" for none.
    """

    clips: list[Path]
    lost: list[LostClip] = field(default_factory=list)
    left_out: str = ""


def find_clips(path: str) -> FoundClips:
    """The clips that a file, a folder or a pattern names.

    Of a folder, these are the files whose name ends like that of a video; of a pattern too, unless it has an
    ending of its own, as "*.dat" has. Hidden files are left out, which are often no videos: macOS writes a
    `._a.mp4` beside each `a.mp4`. Raises InputError for a pattern that cannot be read, and where there is no
    clip.
    """
    place = Path(path)
    if os.path.isdir(path):
        entries, hidden, endings = entries_of(place), False, set(VIDEO)
    elif not os.path.lexists(path) and any(c in path for c in "*?["):  # a name may have brackets, too
        entries, hidden = matches(path), place.name.startswith(".")
        endings = set() if place.suffix and not any(c in place.suffix for c in "*?[") else set(VIDEO)
    else:
        return FoundClips([place])
    clips: list[Path] = []
    lost: list[LostClip] = []
    others: dict[Path, str] = {}
    for entry in sorted(entries):
        kind = what_is(entry)
        if entry.name.startswith(".") and not hidden:
            others[entry] = "hidden"
        elif endings and entry.suffix.lower() not in endings:
            others[entry] = kind or "not named like a video"
        elif os.path.islink(entry) and not os.path.exists(entry):
            lost.append(LostClip(readable(entry), kind))
        elif kind:
            others[entry] = kind
        else:
            clips.append(entry)
    truths = {clip.with_suffix(".json") for clip in clips}
    others = {entry: why for entry, why in others.items() if entry not in truths}
    if not clips:
        there = [f"{Path(each.path).name} ({each.reason})" for each in lost] + described(others)
        raise InputError(f"clip.path: {path} holds no video{listing(there)}")
    left_out = f"{len(others)} left out of {readable(path)}{listing(described(others))}" if others else ""
    return FoundClips(clips, lost, left_out)


def entries_of(folder: Path) -> list[Path]:
    """What is in a folder. Raises InputError for one that cannot be read."""
    try:
        return list(folder.iterdir())
    except OSError as error:
        raise InputError(f"clip.path: {folder} cannot be read ({error.strerror})") from error


def matches(pattern: str) -> list[Path]:
    """What a pattern matches. Raises InputError for one that is none."""
    place = Path(pattern)
    try:
        return list(Path(place.anchor or ".").glob(str(place.relative_to(place.anchor))))
    except (OSError, ValueError) as error:
        raise InputError(f"clip.path: {pattern} is no pattern: {error}") from error


def described(entries: dict[Path, str]) -> list[str]:
    """Each entry with why it is no clip."""
    return [f"{readable(entry.name)} ({why})" for entry, why in entries.items()]


def listing(lines: list[str]) -> str:
    """The first of some lines, after a colon, and how many more there are."""
    more = f" and {len(lines) - NAMED} more" if len(lines) > NAMED else ""
    return f": {', '.join(lines[:NAMED])}{more}" if lines else ""


def segments_by_file(record: Record, clips: list[Path]) -> dict[str, Sequence[Segment]]:
    """The segments of the last pass over each clip, by the name of their file without its ending.

    That is the analyzer's name; where there are several clips, below a folder for each. A simulated run has
    none.
    """
    if record.plan.pretended is not None:
        return {}
    folders = folder_names(clips)
    found: dict[str, Sequence[Segment]] = {}
    for one in record.completed():
        prefix = f"{folders[one.clip.path]}/" if len(clips) > 1 else ""
        found |= {f"{prefix}{name}": o.segments for name, o in one.outcomes.items() if o.status == "ok"}
    return found


def folder_names(clips: Iterable[Path]) -> dict[str, str]:
    """Path of a clip → a folder name of its own, also for clips of one name from several folders."""
    folders: dict[str, str] = {}
    for clip in clips:
        name, numbers = usable(clip.name), itertools.count(2)
        choices = itertools.chain([usable(clip.stem), name], (f"{name}-{number}" for number in numbers))
        taken = set(folders.values())
        folders.setdefault(str(clip), next(choice for choice in choices if choice not in taken))
    return folders


def usable(name: str) -> str:
    """The name of a file as that of a folder: short enough, and none that leads elsewhere, as ".." does."""
    short = readable(name).encode()[:FOLDER_BYTES].decode(errors="ignore")
    return short if short.strip(".") else f"{short}_"
