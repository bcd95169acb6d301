"""The messages between the process that measures and the one that decodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from clipbench.analyzers.base import FrameRequest
from clipbench.bench.clips.shared_clip import PieceLayout


@dataclass(frozen=True)
class Wanted:
    """What is to be decoded of a clip: frames as requested, and sound."""

    frames: frozenset[FrameRequest] = frozenset()
    audio: bool = False

    def __bool__(self) -> bool:
        return bool(self.frames) or self.audio


@dataclass(frozen=True)
class Open:
    """Decode a clip. Answered by Opened or Refused, and then by pieces until Finished or Refused.

    `path` is as the file system has it. `chunked` is wanted in chunks of about `chunk_s` seconds (None: a
    single one) from number `first` on, `whole` in one piece.
    """

    path: bytes
    sha256: str
    threads: int
    chunked: Wanted
    whole: Wanted
    chunk_s: float | None
    first: int


@dataclass(frozen=True)
class Room:
    """The answer to RoomWanted: the memory of this name."""

    memory_name: str


@dataclass(frozen=True)
class Stop:
    """Leave the clip. Answered by Finished."""


Command: TypeAlias = Open | Room | Stop


@dataclass(frozen=True)
class Opened:
    """The clip can be decoded: its facts, without frames, how many chunks there will be, and how large.

    `chunk_bytes` is the size of the largest chunk, `whole_bytes` that of the whole piece.
    """

    facts: PieceLayout
    chunks: int
    chunk_bytes: int
    whole_bytes: int


@dataclass(frozen=True)
class RoomWanted:
    """The chunk of this number needs so many bytes; -1 is the whole clip."""

    chunk: int
    size_bytes: int


@dataclass(frozen=True)
class Heard:
    """The sound of the chunk of this number is complete. It lies in the memory of the chunk."""

    layout: PieceLayout
    chunk: int


@dataclass(frozen=True)
class Decoded:
    """The chunk of this number is complete; -1 is the whole clip.

    The decoder was at it from `start_s` to `end_s`, on the clock of all processes.
    """

    layout: PieceLayout
    chunk: int
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Finished:
    """All pieces are complete, or the clip was left; `remarks` say what could not be decoded."""

    remarks: tuple[str, ...]


@dataclass(frozen=True)
class Refused:
    """The clip cannot be read, or not further: one line."""

    reason: str


Report: TypeAlias = Opened | RoomWanted | Heard | Decoded | Finished | Refused
