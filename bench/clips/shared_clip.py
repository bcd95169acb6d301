"""A piece of a decoded clip in shared memory: its layout, the handle that opens it elsewhere, its view."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from multiprocessing.shared_memory import SharedMemory
from typing import TypeAlias, TypeVar

import numpy as np

from clipbench.analyzers.base import FrameRequest, Frames, Levels, NothingToAnalyze
from clipbench.bench.clips.clip_info import ClipInfo
from clipbench.bench.clips.shared_memory import AttachedMemory, attach

T = TypeVar("T")

#: Frames of each size start at a multiple of this many bytes.
ALIGNMENT_BYTES = 64
#: What the piece is called that has a whole clip, and the one that has nothing but its facts.
WHOLE, FACTS = "whole", "facts"


@dataclass(frozen=True)
class FrameBlock:
    """Where the frames of one size lie: `shape` is [frames, height, width, 3], uint8."""

    offset: int
    shape: tuple[int, int, int, int]


@dataclass(frozen=True)
class Sampled:
    """The frames of one request: when each is shown [T], and its row in the block of its size [T]."""

    times_s: np.ndarray
    rows: np.ndarray


@dataclass(frozen=True)
class AudioBlock:
    """Where the sound lies: `length` samples, float32."""

    offset: int
    length: int


@dataclass(frozen=True)
class PieceLayout:
    """What is in the memory of a piece of a clip and where: it begins at `start_s` and ends at `end_s`.

    `requests` has the frames that each request gets, `blocks` where the frames of each size lie, `levels` how
    loud the sound is: 12 bytes for each tenth of a second.
    """

    info: ClipInfo
    name: str
    start_s: float
    end_s: float
    requests: Mapping[FrameRequest, Sampled]
    blocks: Mapping[int, FrameBlock]
    audio: AudioBlock | None
    size_bytes: int
    levels: Levels | None = None


@dataclass(frozen=True)
class SharedClipHandle:
    """Opens the piece in another process of this machine. It is small and can be pickled."""

    layout: PieceLayout
    memory_name: str

    def open(self) -> SharedClip:
        """The piece, without copying anything."""
        return SharedClip(self.layout, attach(self.memory_name))


@dataclass(frozen=True)
class ExportedClip:
    """A piece as data, for machines that do not share memory: the content of a SharedClip as one array."""

    layout: PieceLayout
    buf: np.ndarray

    def open(self) -> SharedClip:
        """The piece over the array, without copying anything."""
        return SharedClip(self.layout, self)

    def close(self) -> None:
        """Nothing to release: the array frees itself."""


#: Where frames and sound are: here as the owner or attached, or in an array.
ClipMemory: TypeAlias = SharedMemory | AttachedMemory | ExportedClip


class SharedClip:
    """A view of a piece of a clip. See `Chunk` in analyzers/base.py, and `Piece` in executors/base.py."""

    def __init__(self, layout: PieceLayout, memory: ClipMemory) -> None:
        self._layout, self._memory = layout, memory
        self._memo: dict[Hashable, object] = {}
        self.info = info = layout.info
        self.name, self.span_s = layout.name, layout.end_s - layout.start_s
        self.start_s, self.end_s = layout.start_s, layout.end_s
        self.duration_s, self.fps, self.has_audio = info.duration_s, info.fps, info.has_audio
        self.width, self.height = info.width, info.height

    def share(self) -> SharedClipHandle | ExportedClip:
        """What another process of this machine needs to open this piece."""
        if isinstance(self._memory, ExportedClip):
            return self._memory
        return SharedClipHandle(self._layout, self._memory.name)

    def export(self) -> ExportedClip:
        """The piece as data that can be pickled."""
        return ExportedClip(self._layout, np.ndarray((self._layout.size_bytes,), np.uint8, self._memory.buf))

    def going_on(self, duration_s: float) -> SharedClip:
        """The same piece as if its clip went on until `duration_s`."""
        layout = replace(self._layout, info=replace(self.info, duration_s=duration_s))
        memory = self._memory
        return SharedClip(
            layout, replace(memory, layout=layout) if isinstance(memory, ExportedClip) else memory
        )

    def close(self) -> None:
        """Drop what was derived from the piece, and the mapping of its memory, which its owner frees."""
        self.drop()
        with contextlib.suppress(BufferError):  # someone still holds an array of it: freed together with that
            self._memory.close()

    def drop(self) -> None:
        """Drop what was derived from the piece."""
        self._memo.clear()

    def frames(self, fps: float, size: int) -> Frames:
        """The frames of one request, read-only. Raises KeyError if no analyzer's `needs()` named it."""
        sampled = self._layout.requests.get(FrameRequest(fps, size))
        if sampled is None:
            raise KeyError(f"frames at fps={fps}, size={size} were not asked for: name them in needs()")
        block = self._layout.blocks[size]
        images = np.ndarray(block.shape, np.uint8, self._memory.buf, block.offset)
        images.flags.writeable = False
        rows = sampled.rows
        steps = np.diff(rows)
        if len(steps) and steps[0] > 0 and (steps == steps[0]).all():
            picked = images[rows[0] : rows[-1] + 1 : steps[0]]  # a view: no copy
        else:
            picked = images[rows]
        return Frames(sampled.times_s, picked)

    def audio(self) -> np.ndarray:
        """The sound, `[N]` float32 at 16 kHz, read-only. Raises NothingToAnalyze if the clip has none."""
        block = self._layout.audio
        if block is None:
            raise NothingToAnalyze("the clip has no audio track")
        samples = np.ndarray((block.length,), np.float32, self._memory.buf, block.offset)
        samples.flags.writeable = False
        return samples

    def levels(self) -> Levels:
        """How loud the sound is. Raises NothingToAnalyze if the clip has none."""
        if self._layout.levels is None:
            raise NothingToAnalyze("the clip has no audio track")
        return self._layout.levels

    def memo(self, key: Hashable, compute: Callable[[], T]) -> T:
        """`compute()`, called once per key for this view of the clip."""
        if key not in self._memo:
            self._memo[key] = compute()
        return self._memo[key]  # type: ignore[return-value]  # a key always has the same type of value


def facts_alone(info: ClipInfo) -> SharedClip:
    """The piece that has nothing but the facts of a clip."""
    layout = PieceLayout(info, FACTS, 0.0, info.duration_s, {}, {}, None, 0)
    return ExportedClip(layout, np.zeros(0, np.uint8)).open()


def lay_out(layout: PieceLayout, rows_by_size: Mapping[int, int], audio_samples: int | None) -> PieceLayout:
    """`layout` with a block of so many frames for each size, then `audio_samples` samples of sound."""
    offset, blocks = 0, {}
    for size, rows in sorted(rows_by_size.items()):
        width, height = scaled(layout.info.width, layout.info.height, size)
        shape = (rows, height, width, 3)
        blocks[size] = FrameBlock(offset, shape)
        offset += -(-int(np.prod(shape)) // ALIGNMENT_BYTES) * ALIGNMENT_BYTES
    audio = AudioBlock(offset, audio_samples) if audio_samples is not None else None
    size_bytes = max(ALIGNMENT_BYTES, offset + 4 * (audio_samples or 0))
    return replace(layout, blocks=blocks, audio=audio, size_bytes=size_bytes)


def scaled(width: int, height: int, size: int) -> tuple[int, int]:
    """Width and height with the longer side at most `size`; unchanged if `size` is 0."""
    scale = min(1.0, size / max(width, height)) if size else 1.0
    return max(1, round(width * scale)), max(1, round(height * scale))
