"""Clips made of arrays, for tests of single analyzers."""

from __future__ import annotations

import numpy as np

from clipbench.analyzers.base import Frames, Levels, NothingToAnalyze
from clipbench.bench.clips.loudness import Meter, cells_until
from clipbench.executors.chunks import TemporaryJournal


class ArrayClip:
    """A clip of one chunk, over frames (uint8 [T, H, W, 3] RGB at `fps`) and 16 kHz mono audio in arrays."""

    def __init__(self, frames=None, fps: float = 30.0, audio=None, duration_s: float | None = None):
        if frames is None:
            frames = np.zeros((max(1, round((duration_s or len(audio) / 16000) * fps)), 36, 64, 3), np.uint8)
        self._frames, self._audio, self._memo = np.asarray(frames), audio, {}
        self.fps, self.has_audio = fps, audio is not None
        self.height, self.width = self._frames.shape[1:3]
        self.duration_s = duration_s or len(self._frames) / fps
        self.name, self.start_s, self.end_s = "whole", 0.0, self.duration_s
        self.span_s, self.chunks, self.journal = self.duration_s, 1, TemporaryJournal()

    def frames(self, fps: float, size: int) -> Frames:
        import cv2

        step = max(fps, 0.01)
        if fps >= self.fps:
            index = np.arange(len(self._frames))
        else:
            index = np.minimum(
                (np.arange(0, self.duration_s - 1e-9, 1 / step) * self.fps + 1e-6).astype(int),
                len(self._frames) - 1,
            )
        scale = min(1.0, size / max(self.width, self.height)) if size else 1.0
        images = self._frames[index]
        if scale < 1:
            shape = (round(self.width * scale), round(self.height * scale))
            images = np.stack([cv2.resize(image, shape, interpolation=cv2.INTER_AREA) for image in images])
        return Frames(index / self.fps, images)

    def audio(self) -> np.ndarray:
        if self._audio is None:
            raise NothingToAnalyze("the clip has no audio track")
        return self._audio

    def levels(self) -> Levels:
        return levels_of(self.audio(), self.duration_s)

    def share(self):
        return self

    def export(self):
        return self

    def open(self):
        return self

    def chunk(self, number, needs):
        return self

    def whole(self, needs):
        return self

    def release(self, until):
        pass

    def wait(self, timeout_s):
        pass

    def close(self):
        self._memo = {}

    def memo(self, key, compute):
        if key not in self._memo:
            self._memo[key] = compute()
        return self._memo[key]


def levels_of(sound: np.ndarray, duration_s: float, rate: int = 16_000) -> Levels:
    """How loud a mono sound is."""
    meter = Meter(duration_s)
    meter.begin(0.0, rate, np.ones(1))
    meter.add(sound[None])
    meter.end()
    return meter.take(cells_until(duration_s, last=True))
