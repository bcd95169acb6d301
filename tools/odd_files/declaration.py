"""What an odd file is: how it is written, and what is right for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tools.odd_files import patterns
from tools.odd_files.writing import Workshop

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Shown:
    """What a player shows of a file.

    `times_s` are the frames' times from the first one, `levels` their grey levels (0 to 255). `colours` are
    RGB values of the first frame, at places given as shares of its width and height. `beeps_s` are the times
    of the beeps on the picture's clock, None where the file has no sound. `size` is (width, height) after
    rotation. `duration_s` is the longer of picture and sound. `warning` is a part of what the result has to
    say of the file.
    """

    times_s: Sequence[float]
    levels: Sequence[float] | None = None
    colours: dict[tuple[float, float], Colour] | None = None
    beeps_s: Sequence[float] | None = None
    size: tuple[int, int] | None = None
    duration_s: float | None = None
    warning: str | None = None


@dataclass(frozen=True)
class Refused:
    """A file that is no clip: a part of the line that says so, and why that is right."""

    line: str
    why: str


@dataclass(frozen=True)
class OddFile:
    """A file, what it is in a few words, who writes it, and what is right for it.

    Where the ffmpeg command rightly or wrongly does something else, `ffmpeg_differs` says why.
    """

    name: str
    what: str
    write: Callable[[Path, Workshop], object]
    right: Shown | Refused
    ffmpeg_differs: str | None = None


ODD_FILES: dict[str, OddFile] = {}


def odd_file(
    name: str, what: str, right: Shown | Refused, ffmpeg_differs: str | None = None
) -> Callable[[Callable[[Path, Workshop], object]], Callable[[Path, Workshop], object]]:
    """Declares the function below it as the writer of the file `name`."""

    def declare(write: Callable[[Path, Workshop], object]) -> Callable[[Path, Workshop], object]:
        if name in ODD_FILES:
            raise ValueError(f"two odd files are named {name}")
        ODD_FILES[name] = OddFile(name, what, write, right, ffmpeg_differs)
        return write

    return declare


def usual(numbers: Sequence[int] = range(patterns.COUNT), **changes: Any) -> Shown:
    """What is right where the usual frames `numbers` are shown one after the other at the usual rate."""
    right = Shown(
        times_s=[n / patterns.FPS for n in range(len(numbers))],
        levels=patterns.levels(numbers),
        beeps_s=patterns.BEEPS_S,
        size=(patterns.WIDTH, patterns.HEIGHT),
        duration_s=len(numbers) / patterns.FPS,
    )
    return replace(right, **changes)
