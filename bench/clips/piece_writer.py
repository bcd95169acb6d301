"""Writing the frames and the sound of one piece of a clip into its memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from multiprocessing.shared_memory import SharedMemory
from typing import Protocol

import numpy as np

from clipbench.analyzers.base import FrameRequest, Levels
from clipbench.bench.clips.clip_info import ClipInfo
from clipbench.bench.clips.shared_clip import PieceLayout, Sampled, lay_out
from clipbench.bench.clips.shared_memory import AttachedMemory

#: Room for so many frames more of each size than the packets of a file announce.
SPARE_ROWS = 4


class Picture(Protocol):
    """A decoded frame, which is scaled and converted when it is asked for."""

    def rgb(self, height: int, width: int, out: np.ndarray) -> None:
        """Write it into `out`, uint8 `[height, width, 3]` RGB."""


class PieceWriter:
    """A piece of a clip while it is decoded.

    `rows_by_size` says for how many frames of each size there will be room, `samples` how much sound there
    will be, if any. Nothing can be put before `memory` is given.
    """

    def __init__(
        self,
        info: ClipInfo,
        name: str,
        span_s: tuple[float, float],
        rows_by_size: Mapping[int, int],
        samples: int | None,
    ) -> None:
        layout = PieceLayout(info, name, *span_s, {}, {}, None, 0)
        self.layout = lay_out(layout, rows_by_size, samples)
        self.start_s, self.end_s = span_s
        self.missed = 0
        self._times: dict[FrameRequest, list[float]] = defaultdict(list)
        self._rows: dict[FrameRequest, list[int]] = defaultdict(list)
        self._row_of: dict[int, dict[int, int]] = {size: {} for size in rows_by_size}
        self._heard = 0
        self._levels: list[Levels] = []
        self._sound: np.ndarray | None = None

    def use(self, memory: SharedMemory | AttachedMemory) -> None:
        """Write into this memory, which has `layout.size_bytes` bytes."""
        self._images = {
            size: np.ndarray(block.shape, np.uint8, memory.buf, block.offset)
            for size, block in self.layout.blocks.items()
        }
        if (audio := self.layout.audio) is not None:
            self._sound = np.ndarray((audio.length,), np.float32, memory.buf, audio.offset)

    def put(self, request: FrameRequest, time_s: float, number: int, picture: Picture) -> None:
        """Give a request the clip's frame `number` with this time.

        Where a file has more frames than it announced and the room is used up, the last one stays on screen.
        """
        row_of, images = self._row_of[request.size], self._images[request.size]
        row = row_of.get(number)
        if row is None:
            row = len(row_of)
            if row < len(images):
                row_of[number] = row
                height, width = images.shape[1:3]
                picture.rgb(height, width, images[row])
            else:
                self.missed += 1
                row = len(images) - 1
        self._times[request].append(time_s)
        self._rows[request].append(row)

    def hear(self, samples: np.ndarray, levels: Levels) -> None:
        """Add sound, float32 at 16 kHz, and how loud it is."""
        assert self._sound is not None
        room = len(self._sound) - self._heard
        self._sound[self._heard : self._heard + len(samples)] = samples[:room]
        self._heard += min(room, len(samples))
        self._levels.append(levels)

    def heard(self, name: str) -> PieceLayout:
        """The layout of the sound alone, as a piece of this name, once all of it was added."""
        self._complete_sound()
        return replace(self.layout, name=name, blocks={})

    def _complete_sound(self) -> None:
        """What was not heard is silence."""
        if self._sound is not None:
            self._sound[self._heard :] = 0
            self._sound = None  # the memory can be let go of
            levels = Levels(*map(np.concatenate, zip(*self._levels, strict=True))) if self._levels else None
            self.layout = replace(self.layout, levels=levels)

    def finished(self, requests: Iterable[FrameRequest]) -> PieceLayout:
        """The layout of what was written, once all is; nothing is written any more."""
        self._complete_sound()
        sampled = {
            request: Sampled(np.array(self._times[request], np.float64), np.array(self._rows[request], int))
            for request in requests
        }
        self._images.clear()
        return replace(self.layout, requests=sampled)
