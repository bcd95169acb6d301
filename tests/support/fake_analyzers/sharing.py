"""Fakes that share a nap, which whoever comes first takes for all, and others for measuring costs with."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence

from clipbench.analyzers.base import Chunk, ChunkedAnalyzer, ClipFacts, FrameRequest, Needs, Segment

NAP_S = 0.02


class Napper(ChunkedAnalyzer[int, int]):
    """Counts its chunks."""

    name = "napper"

    def needs(self) -> Needs:
        return Needs(frames=(FrameRequest(5.0, 32),))

    def begin(self, clip: ClipFacts) -> int:
        return 0

    def feed(self, chunk: Chunk, state: int) -> tuple[int, int]:
        chunk.memo(("nap", 1), lambda: time.sleep(NAP_S))
        return state, state + 1

    def finish(
        self, clip: ClipFacts, found: Sequence[int], state: int, upstream: Mapping[str, list[Segment]]
    ) -> list[Segment]:
        return [Segment(0.0, clip.duration_s, f"{len(found)} chunks")]


class NapperToo(Napper):
    name = "napper_too"


class Collector(Napper):
    """Naps for what it has collected, when the clip is over."""

    name = "collector"

    def feed(self, chunk: Chunk, state: int) -> tuple[int, int]:
        if chunk.end_s >= chunk.duration_s:
            time.sleep(10 * NAP_S)
        return state, state + 1


class Dying(Napper):
    name = "dying"

    def feed(self, chunk: Chunk, state: int) -> tuple[int, int]:
        os._exit(5)
