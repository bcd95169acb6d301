"""The steps in which an analyzer goes through a clip, and what comes of feeding it a chunk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

#: Chunks of a clip that may be in memory at once.
AHEAD = 4
#: Called with the start and the end of decoding each chunk, on the executor's clock, and its number.
OnDecoded = Callable[[float, float, int], None]


def nobody(start_s: float, end_s: float, chunk: int) -> None:
    """Nobody wants to know when a chunk was decoded."""


@dataclass(frozen=True)
class Feed:
    """Read a chunk. `state` is the pickled state after the chunk before; None before the first one."""

    chunk: int
    state: bytes | None


@dataclass(frozen=True)
class Finish:
    """Make segments of what was found in all chunks; `found` has that of each chunk, pickled.

    It may be a file: the worker reads what it needs.
    """

    found: Sequence[bytes]
    state: bytes | None


@dataclass(frozen=True)
class Whole:
    """Read the whole clip at once."""


Step: TypeAlias = Feed | Finish | Whole


def begins(step: Step) -> bool:
    """Whether it is an analyzer's first step on a clip."""
    return isinstance(step, Whole) or (isinstance(step, Feed) and step.state is None)


@dataclass(frozen=True)
class Fed:
    """What an analyzer found in a chunk, and its state afterwards, both pickled.

    `seconds` is how long it took, `retried` how a second try after a lack of memory differed from the first.
    """

    analyzer: str
    chunk: int
    found: bytes
    state: bytes
    seconds: float
    retried: str = ""


def chunk_name(number: int) -> str:
    """What the piece of a clip is called that is this chunk."""
    return f"chunk {number}"


def sound_name(number: int) -> str:
    """What the piece of a clip is called that is the sound of this chunk."""
    return f"sound {number}"


def chunk_edges(duration_s: float, chunk_s: float | None) -> list[float]:
    """Where chunks begin and end: multiples of `chunk_s`, but that the last is at least half as long."""
    count = max(1, round(duration_s / chunk_s)) if chunk_s else 1
    return [*(number * (chunk_s or 0.0) for number in range(count)), duration_s]
