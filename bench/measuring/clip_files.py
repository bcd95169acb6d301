"""The clips that a configuration names, and the names under which their segments are written."""

from __future__ import annotations

from pathlib import Path

from clipbench.analyzers.base import Segment
from clipbench.bench.errors import InputError
from clipbench.bench.measuring.record import Record

VIDEO = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".mpg", ".ts")


def find_clips(path: str) -> list[Path]:
    """The clips that a file, a folder or a pattern names, in order of name.

    Raises InputError for a folder without a video, and for a pattern that matches nothing.
    """
    place = Path(path)
    if place.is_file():  # also one with brackets in its name
        return [place]
    if place.is_dir():
        found = [p for p in place.iterdir() if p.suffix.lower() in VIDEO]
    elif any(c in path for c in "*?["):
        root = Path(place.anchor or ".")
        found = list(root.glob(str(place.relative_to(place.anchor)) if place.anchor else path))
    else:
        return [place]
    if not found:
        raise InputError(f"clip.path: {path} holds no video ({', '.join(VIDEO)})")
    return sorted(found)


def segments_by_file(record: Record, clips: list[Path]) -> dict[str, list[Segment]]:
    """The segments of the last pass over each clip, by the name of their file without its ending.

    That is the analyzer's name; where there are several clips, below a folder for each.
    """
    folders = folder_names(clips)
    found: dict[str, list[Segment]] = {}
    for one in record.completed():
        prefix = f"{folders[one.clip.path]}/" if len(clips) > 1 else ""
        found |= {f"{prefix}{name}": o.segments for name, o in one.outcomes.items() if o.status == "ok"}
    return found


def folder_names(clips: list[Path]) -> dict[str, str]:
    """Path of a clip → a folder name of its own, also for clips of one name from several folders."""
    folders: dict[str, str] = {}
    for clip in map(str, clips):
        name = Path(clip).stem
        name = name if name not in folders.values() else Path(clip).name
        folders.setdefault(clip, name if name not in folders.values() else f"{name}-{len(folders) + 1}")
    return folders
