"""A clip of a test cut into chunks, and an analyzer fed with them."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping
from itertools import pairwise

import numpy as np

from clipbench.analyzers.base import Chunk, ChunkedAnalyzer, ClipView, Frames, Levels, Segment
from clipbench.bench.clips.loudness import cells_until

RATE = 16_000


class Slice:
    """A chunk that is cut out of a clip view."""

    def __init__(self, clip: ClipView, start_s: float, end_s: float):
        self.clip, self.start_s, self.end_s = clip, start_s, end_s
        self.duration_s, self.width, self.height = clip.duration_s, clip.width, clip.height
        self.fps, self.has_audio = clip.fps, clip.has_audio
        self._memo: dict = {}

    def frames(self, fps: float, size: int) -> Frames:
        times, images = self.clip.frames(fps, size)
        inside = (times >= self.start_s - 1e-9) & (times < self.end_s - 1e-9)
        return Frames(times[inside], images[inside])

    def audio(self) -> np.ndarray:
        return self.clip.audio()[round(self.start_s * RATE) : round(self.end_s * RATE)]

    def levels(self) -> Levels:
        first = cells_until(self.start_s, last=False)
        end = cells_until(self.end_s, last=self.end_s >= self.duration_s)
        return Levels(*(cells[first:end] for cells in self.clip.levels()))

    def memo(self, key, compute):
        if key not in self._memo:
            self._memo[key] = compute()
        return self._memo[key]


def slices(clip: ClipView, *cuts_s: float) -> Iterator[Chunk]:
    """The clip in chunks that end at these times."""
    inner = [cut for cut in cuts_s if 0 < cut < clip.duration_s]
    for start, end in pairwise([0.0, *inner, clip.duration_s]):
        yield Slice(clip, start, end)


def every(clip: ClipView, seconds: float) -> list[float]:
    """The times at which chunks of so many seconds end."""
    return [float(at) for at in np.arange(seconds, clip.duration_s - 1e-9, seconds)]


def fed(
    analyzer: ChunkedAnalyzer, clip: ClipView, upstream: Mapping[str, list[Segment]], *cuts_s: float
) -> list[Segment]:
    """What an analyzer finds in a clip that comes in chunks; state and findings are pickled on the way."""
    state, found = analyzer.begin(clip), []
    for chunk in slices(clip, *cuts_s):
        one, state = pickle.loads(pickle.dumps(analyzer.feed(chunk, state)))
        found.append(one)
    return analyzer.finish(clip, found, state, upstream)
