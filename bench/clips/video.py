"""A clip's pictures, decoded one after the other, each with its time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from clipbench.bench.clips.clock import FrameTimes
from clipbench.bench.clips.holes import Holes

#: Pictures with more pixels are decoded by several threads. That costs more CPU seconds in all, and below
#: this a single thread is many times faster than any analyzer.
PIXELS_OF_ONE_THREAD = 1920 * 1088


class Video:
    """Decodes the packets of the picture. What cannot be decoded is left out and counted."""

    def __init__(
        self,
        stream: Any,
        next_packet: Callable[[], Any | None],
        threads: int,
        step: int,
        announced: np.ndarray,
    ) -> None:
        """`next_packet` gives the packets of `stream`; `step` is the usual distance of pictures in ticks.

        `announced` are the times in ticks at which, by the packets, there are pictures that somebody wants.
        """
        self._packets_lost = 0
        self._next_packet = next_packet
        self._decoder = stream.codec_context
        self._holes = Holes(self._decoder.codec.canonical_name, announced)
        big = self._decoder.width * self._decoder.height > PIXELS_OF_ONE_THREAD
        self._decoder.thread_type = "AUTO" if big else "SLICE"
        self._decoder.thread_count = max(1, threads)
        self._step = step

    @property
    def frames_lost(self) -> int:
        """How many pictures could not be decoded so far, whether or not the decoder said so."""
        return max(self._packets_lost, self._holes.count())

    def frames(self) -> Iterator[tuple[int, Any]]:
        """Each frame with its time in ticks, in order of time.

        A frame whose time is later than that of the frame behind it has a wrong one: it is shown in between.
        """
        held: tuple[int, Any] | None = None
        last: int | None = None
        for ticks, frame in self._timed():
            if held is not None:
                last = in_order(last, held[0], ticks, self._step)
                yield last, held[1]
            held = ticks, frame
        if held is not None:
            yield in_order(last, held[0], None, self._step), held[1]

    def _timed(self) -> Iterator[tuple[int, Any]]:
        times = FrameTimes(self._step)
        while True:
            packet = self._next_packet()
            for frame in self._decode(packet):
                self._holes.came(frame)
                yield times.of(frame), frame
            if packet is None:
                self._holes.ended()
                return

    def _decode(self, packet: Any | None) -> list[Any]:
        """The frames that a packet completes; of None those that the decoder still holds."""
        import av

        try:
            return list(self._decoder.decode(packet))
        except (av.error.FFmpegError, ValueError):
            self._packets_lost += packet is not None
            return []


def in_order(last: int | None, ticks: int, following: int | None, step: int) -> int:
    """The time of a frame, not before the `last` one, and not after the `following` one where that can be."""
    if following is not None and following < ticks:
        ticks = min(following, ticks if last is None else last + step)
    return ticks if last is None else max(last, ticks)
