"""A decoded clip in shared memory: its layout, the handle that opens it elsewhere, and the view of it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from multiprocessing.shared_memory import SharedMemory
from typing import TypeAlias, TypeVar

import numpy as np

from clipbench.analyzers.base import FrameRequest, Frames, NothingToAnalyze
from clipbench.bench.clips.clip_info import ClipInfo
from clipbench.bench.clips.shared_memory import AttachedMemory, attach

T = TypeVar("T")

#: Frames of each size start at a multiple of this many bytes.
ALIGNMENT_BYTES = 64


@dataclass(frozen=True)
class FrameBlock:
    """Where the frames of one size lie: `shape` is [frames, height, width, 3], uint8.

    `indices` says which of the clip's frames they are, in ascending order.
    """

    offset: int
    shape: tuple[int, int, int, int]
    indices: np.ndarray


@dataclass(frozen=True)
class AudioBlock:
    """Where the sound lies: `length` samples, float32."""

    offset: int
    length: int


@dataclass(frozen=True)
class ClipLayout:
    """What is in a decoded clip's memory and where.

    `times_s` has the time of every frame of the clip, `requests` the indices of the frames that each request
    gets, `frames` the block of each size.
    """

    info: ClipInfo
    times_s: np.ndarray
    requests: Mapping[FrameRequest, np.ndarray]
    frames: Mapping[int, FrameBlock]
    audio: AudioBlock | None
    size_bytes: int


@dataclass(frozen=True)
class SharedClipHandle:
    """Opens the clip in another process of this machine. It is small and can be pickled."""

    layout: ClipLayout
    memory_name: str

    def open(self) -> SharedClip:
        """The clip, without copying anything."""
        return SharedClip(self.layout, attach(self.memory_name))


@dataclass(frozen=True)
class ExportedClip:
    """A clip as data, for machines that do not share memory: the content of a SharedClip as one array."""

    layout: ClipLayout
    buf: np.ndarray

    def open(self) -> SharedClip:
        """The clip over the array, without copying anything."""
        return SharedClip(self.layout, self)

    def close(self) -> None:
        """Nothing to release: the array frees itself."""


#: Where a clip's frames and sound are: here as the owner or attached, or in an array.
ClipMemory: TypeAlias = SharedMemory | AttachedMemory | ExportedClip


class SharedClip:
    """A clip view over shared memory. See `ClipView` in analyzers/base.py and `Clip` in executors/base.py."""

    def __init__(
        self,
        layout: ClipLayout,
        memory: ClipMemory,
        decoding: Future[None] | None = None,
    ) -> None:
        """`decoding` is the work that still writes frames, if there is any."""
        self._layout, self._memory, self._decoding = layout, memory, decoding
        self._memo: dict[Hashable, object] = {}
        self.info = info = layout.info
        self.duration_s, self.fps, self.has_audio = info.duration_s, info.fps, info.has_audio
        self.width, self.height = info.width, info.height

    def share(self) -> SharedClipHandle:
        """What another process of this machine needs to open this clip."""
        assert not isinstance(self._memory, ExportedClip), "an exported clip cannot be shared"
        return SharedClipHandle(self._layout, self._memory.name)

    def export(self) -> ExportedClip:
        """The decoded clip as data that can be pickled."""
        return ExportedClip(self._layout, np.ndarray((self._layout.size_bytes,), np.uint8, self._memory.buf))

    def decoded(self) -> bool:
        """Whether all frames are decoded. Raises InputError if the file turned out to be truncated."""
        if self._decoding is None or not self._decoding.done():
            return self._decoding is None
        self._decoding.result()
        return True

    def close(self) -> None:
        """Drop what was derived from the clip, and the mapping of its memory, which its owner frees."""
        self._memo.clear()
        with contextlib.suppress(BufferError):  # someone still holds an array of it: freed together with that
            self._memory.close()

    def frames(self, fps: float, size: int) -> Frames:
        """The frames of one request, read-only. Raises KeyError if no analyzer's `needs()` named it."""
        if self._decoding is not None:
            self._decoding.result()
        wanted = self._layout.requests.get(FrameRequest(fps, size))
        if wanted is None:
            raise KeyError(f"frames at fps={fps}, size={size} were not asked for: name them in needs()")
        block = self._layout.frames[size]
        images = np.ndarray(block.shape, np.uint8, self._memory.buf, block.offset)
        images.flags.writeable = False
        rows = np.searchsorted(block.indices, wanted)
        steps = np.diff(rows)
        if len(steps) and steps[0] > 0 and (steps == steps[0]).all():
            picked = images[rows[0] : rows[-1] + 1 : steps[0]]  # a view: no copy
        else:
            picked = images[rows]
        return Frames(self._layout.times_s[wanted], picked)

    def audio(self) -> np.ndarray:
        """The sound, `[N]` float32 at 16 kHz, read-only. Raises NothingToAnalyze if the clip has none."""
        block = self._layout.audio
        if block is None:
            raise NothingToAnalyze("the clip has no audio track")
        samples = np.ndarray((block.length,), np.float32, self._memory.buf, block.offset)
        samples.flags.writeable = False
        return samples

    def memo(self, key: Hashable, compute: Callable[[], T]) -> T:
        """`compute()`, called once per key for this view of the clip."""
        if key not in self._memo:
            self._memo[key] = compute()
        return self._memo[key]  # type: ignore[return-value]  # a key always has the same type of value


def lay_out(
    info: ClipInfo,
    times_s: np.ndarray,
    requests: Mapping[FrameRequest, np.ndarray],
    audio_samples: int | None,
) -> ClipLayout:
    """The layout of a clip: one block per frame size, then `audio_samples` samples of sound."""
    offset = 0
    frames = {}
    for size in sorted({request.size for request in requests}):
        indices = np.unique(np.concatenate([rows for r, rows in requests.items() if r.size == size]))
        width, height = scaled(info.width, info.height, size)
        shape = (len(indices), height, width, 3)
        frames[size] = FrameBlock(offset, shape, indices)
        offset += -(-int(np.prod(shape)) // ALIGNMENT_BYTES) * ALIGNMENT_BYTES
    audio = AudioBlock(offset, audio_samples) if audio_samples is not None else None
    size_bytes = max(ALIGNMENT_BYTES, offset + 4 * (audio_samples or 0))
    return ClipLayout(info, times_s, requests, frames, audio, size_bytes)


def scaled(width: int, height: int, size: int) -> tuple[int, int]:
    """Width and height with the longer side at most `size`; unchanged if `size` is 0."""
    scale = min(1.0, size / max(width, height)) if size else 1.0
    return max(1, round(width * scale)), max(1, round(height * scale))
