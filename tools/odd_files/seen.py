"""What is seen and heard of a file, and where that differs from what is right for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from tools.odd_files.declaration import Colour, Refused, Shown

#: Samples a second of the sound that is listened to.
RATE = 16_000
TIME_TOLERANCE_S = 0.003
LEVEL_TOLERANCE = 2.0
BEEP_TOLERANCE_S = 0.02
#: What is told of a file in which pictures are missing; of no other may it be told.
LOST_PICTURES = "pictures? could not be decoded"


@dataclass(frozen=True)
class Seen:
    """What a player makes of a file, in the fields of Shown. `refused` is its line where it plays nothing."""

    times_s: Sequence[float] = ()
    levels: Sequence[float] = ()
    colours: dict[tuple[float, float], Colour] = field(default_factory=dict)
    beeps_s: Sequence[float] | None = None
    size: tuple[int, int] | None = None
    duration_s: float | None = None
    told: Sequence[str] | None = None
    refused: str | None = None


def level_of(image: np.ndarray) -> float:
    """The grey level of the top left quarter of an image `[H, W, 3]`, as many even rows as odd ones."""
    height, width = image.shape[:2]
    rows, columns = max(1, height // 4 * 2), max(1, width // 2)
    return float(image[:rows, :columns, 1].mean())


def colours_at(image: np.ndarray, places: Iterable[tuple[float, float]]) -> dict[tuple[float, float], Colour]:
    """The pixels of an image `[H, W, 3]` at shares of its width and height."""
    height, width = image.shape[:2]
    found = {}
    for x, y in places:
        red, green, blue = (int(value) for value in image[int(y * height), int(x * width)])
        found[x, y] = (red, green, blue)
    return found


def beeps_of(samples: np.ndarray) -> list[float]:
    """The times in seconds at which beeps start in sound `[samples]` at 16 kHz."""
    on = np.flatnonzero(np.abs(samples) > 0.2)
    starts = on[np.flatnonzero(np.diff(on, prepend=-RATE) > RATE // 5)] if len(on) else on
    return [float(at) / RATE for at in starts]


def differences(right: Shown | Refused, seen: Seen) -> list[str]:
    """Each thing in which `seen` is not right, in a few words."""
    if isinstance(right, Refused):
        if seen.refused is None:
            return [f"plays {len(seen.times_s)} frames"]
        matches = re.search(right.line, seen.refused)
        return [] if matches else [f"refused without {right.line!r}: {seen.refused}"]
    if seen.refused is not None:
        return [f"refused: {seen.refused}"]
    return [*of_pictures(right, seen), *of_sound(right, seen), *of_facts(right, seen)]


def of_pictures(right: Shown, seen: Seen) -> Iterator[str]:
    """What is wrong with the times and pictures."""
    if len(right.times_s) != len(seen.times_s):
        yield f"{len(seen.times_s)} frames, right are {len(right.times_s)}"
        return
    off = np.abs(np.subtract(right.times_s, seen.times_s))
    if off.max() > TIME_TOLERANCE_S:
        yield f"{(off > TIME_TOLERANCE_S).sum()} times are off, by {off.max():.3f} s at most"
    if right.levels is not None:
        off = np.abs(np.subtract(right.levels, seen.levels))
        if off.max() > LEVEL_TOLERANCE:
            first = int(np.argmax(off > LEVEL_TOLERANCE))
            yield (
                f"{(off > LEVEL_TOLERANCE).sum()} levels are off, by {off.max():.0f} at most; "
                f"frame {first} has {seen.levels[first]:.0f} instead of {right.levels[first]:.0f}"
            )
    for place, colour in (right.colours or {}).items():
        found = seen.colours[place]
        if np.abs(np.subtract(colour, found)).max() > LEVEL_TOLERANCE:
            yield f"{found} instead of {colour} at {place[0]:.2f}, {place[1]:.2f}"


def of_sound(right: Shown, seen: Seen) -> Iterator[str]:
    """What is wrong with the sound."""
    if not right.beeps_s and not seen.beeps_s:
        return  # sound that is never heard is as good as none
    if (right.beeps_s is None) != (seen.beeps_s is None):
        yield "has sound" if right.beeps_s is None else "has no sound"
    elif right.beeps_s is not None and seen.beeps_s is not None:
        same = len(right.beeps_s) == len(seen.beeps_s) and all(
            abs(a - b) <= BEEP_TOLERANCE_S for a, b in zip(right.beeps_s, seen.beeps_s, strict=True)
        )
        if not same:
            yield f"beeps at {listed(seen.beeps_s)} instead of {listed(right.beeps_s)} s"


def of_facts(right: Shown, seen: Seen) -> Iterator[str]:
    """What is wrong with size, duration and warnings, as far as they are known."""
    if right.size is not None and seen.size != right.size:
        yield f"{seen.size} pixels instead of {right.size}"
    if None not in (right.duration_s, seen.duration_s) and abs(right.duration_s - seen.duration_s) > 0.05:
        yield f"lasts {seen.duration_s:.3f} instead of {right.duration_s:.3f} s"
    told = "; ".join(seen.told or ())
    if seen.told is not None and right.warning is not None and not re.search(right.warning, told):
        yield f"no warning of {right.warning!r}: {told}"
    if re.search(LOST_PICTURES, told) and "could not be decoded" not in (right.warning or ""):
        yield f"no picture is lost: {told}"


def listed(times_s: Sequence[float]) -> str:
    """A few times, short."""
    return "[" + ", ".join(f"{t:.2f}" for t in times_s) + "]"
