"""Damage at random, from a seed: small sound clips of several containers, and what happens to their bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tools.odd_files.patterns import numbered
from tools.odd_files.writing import X264, Encoded, beeps, write

FINE = {"qmin": 1, "qmax": 1, "gop_size": 12}


def clips(folder: Path) -> dict[str, Path]:
    """One second of the usual frames and beeps in each container that is damaged, by file name."""
    h264, mpeg4 = (
        Encoded(numbered(30), options=X264 | {"g": "10"}),
        Encoded(numbered(30), "mpeg4", {}, None, FINE),
    )
    vp8 = Encoded(numbered(30), "libvpx", {"crf": "4", "b": "2M", "deadline": "realtime", "g": "10"})
    mjpeg = Encoded(numbered(30), "mjpeg", {}, "yuvj420p", FINE)
    aac, index_first = beeps(seconds=1), {"movflags": "faststart"}
    write(folder / "index_last.mp4", h264, aac)
    write(folder / "index_first.mp4", h264, aac, options=index_first)
    write(folder / "clip.mkv", h264, beeps("ac3", 1))
    write(folder / "clip.ts", h264, aac)
    write(folder / "clip.avi", mpeg4, beeps("pcm_s16le", 1))
    write(folder / "clip.webm", vp8, beeps("libopus", 1))
    write(folder / "clip.mov", mjpeg, beeps("pcm_s16le", 1))
    return {path.name: path for path in sorted(folder.iterdir())}


Damage = Callable[[bytearray, np.random.Generator], bytearray]


def flipped(data: bytearray, rng: np.random.Generator, most: int) -> bytearray:
    """One to `most` bits turned over."""
    for at in rng.integers(0, len(data), rng.integers(1, most + 1)):
        data[at] ^= 1 << int(rng.integers(8))
    return data


def few_bits(data: bytearray, rng: np.random.Generator) -> bytearray:
    """One to three bits turned over anywhere."""
    return flipped(data, rng, 3)


def many_bits(data: bytearray, rng: np.random.Generator) -> bytearray:
    """Up to a hundred bits turned over anywhere."""
    return flipped(data, rng, 100)


def in_the_index(data: bytearray, rng: np.random.Generator) -> bytearray:
    """Up to ten bits turned over in the first or last two kilobytes, where headers and indices are."""
    size = min(2048, len(data) // 2)
    if rng.integers(2):
        return flipped(data[:size], rng, 10) + data[size:]
    return data[:-size] + flipped(data[-size:], rng, 10)


def stretch(data: bytearray, rng: np.random.Generator) -> tuple[int, int]:
    """A stretch of up to a quarter of the file."""
    start = int(rng.integers(len(data)))
    return start, min(len(data), start + int(rng.integers(1, len(data) // 4)))


def cut_off(data: bytearray, rng: np.random.Generator) -> bytearray:
    """The end is missing."""
    return data[: int(rng.integers(len(data)))]


def zeroed(data: bytearray, rng: np.random.Generator) -> bytearray:
    """A stretch of zeros."""
    start, stop = stretch(data, rng)
    return data[:start] + bytes(stop - start) + data[stop:]


def left_out(data: bytearray, rng: np.random.Generator) -> bytearray:
    """A stretch is missing."""
    start, stop = stretch(data, rng)
    return data[:start] + data[stop:]


def doubled(data: bytearray, rng: np.random.Generator) -> bytearray:
    """A stretch stands there twice."""
    start, stop = stretch(data, rng)
    return data[:stop] + data[start:]


def swapped(data: bytearray, rng: np.random.Generator) -> bytearray:
    """Two stretches that follow each other have changed places."""
    start, stop = stretch(data, rng)
    middle = (start + stop) // 2
    return data[:start] + data[middle:stop] + data[start:middle] + data[stop:]


#: Each kind of damage; a third of the files has few bits turned over.
DAMAGES: tuple[Damage, ...] = (
    few_bits,
    cut_off,
    many_bits,
    few_bits,
    in_the_index,
    zeroed,
    few_bits,
    left_out,
    doubled,
    few_bits,
    swapped,
)


@dataclass(frozen=True)
class Damaged:
    """A damaged file: of which clip, and by what."""

    path: Path
    clip: str
    damage: str


def damaged(folder: Path, count: int, seed: int) -> Iterator[Damaged]:
    """`count` damaged files in `folder`, the same for the same seed; each is removed after use."""
    parts = folder / "sound"
    parts.mkdir()
    whole = {name: path.read_bytes() for name, path in clips(parts).items()}
    names = sorted(whole)
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        name, damage = names[number % len(names)], DAMAGES[number % len(DAMAGES)]
        path = folder / f"{number}_{damage.__name__}_{name}"
        path.write_bytes(damage(bytearray(whole[name]), rng))
        yield Damaged(path, name, damage.__name__)
        path.unlink()
