"""Pictures and sounds with known content: frames that are as grey as their number says, corners, beeps."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import av
import numpy as np

WIDTH, HEIGHT = 64, 48
FPS = 30
#: Seconds of the usual file, and the number of its frames.
SECONDS = 4
COUNT = FPS * SECONDS
#: The usual beeps: 50 ms at half past every second.
BEEPS_S = (0.5, 1.5, 2.5, 3.5)


def luma(n: int, step: float = 1.6) -> int:
    """The luma of frame `n`: 16 is black, 235 white."""
    return int(16 + step * n)


def level(n: int, step: float = 1.6) -> int:
    """The grey level, 0 to 255, at which frame `n` is shown."""
    return round((luma(n, step) - 16) * 255 / 219)


def levels(numbers: Sequence[int], step: float = 1.6) -> list[float]:
    """The grey levels of several frames."""
    return [level(n, step) for n in numbers]


def planar(luma_plane: np.ndarray, cb: int = 128, cr: int = 128) -> Any:
    """A yuv420p frame of a luma plane `[H, W]` and one chroma for all of it."""
    height, width = luma_plane.shape
    chroma = (
        np.full((height // 2 * width // 2,), cb, np.uint8),
        np.full((height // 2 * width // 2,), cr, np.uint8),
    )
    stacked = np.concatenate([luma_plane.reshape(-1), *chroma]).reshape(height * 3 // 2, width)
    return av.VideoFrame.from_ndarray(stacked, format="yuv420p")


def numbered(
    count: int = COUNT,
    fps: Fraction | int = FPS,
    step: float = 1.6,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    first: int = 0,
) -> list[Any]:
    """Frames that say their number by their luma; `pts` counts from `first` in ticks of 1/fps."""
    frames = []
    for n in range(first, first + count):
        frame = planar(np.full(size[::-1], luma(n, step), np.uint8))
        frame.pts, frame.time_base = n, 1 / Fraction(fps)
        frames.append(frame)
    return frames


def painted(image: np.ndarray, count: int = 10, fps: int = 10, pixel_format: str = "rgb24") -> list[Any]:
    """`count` frames of one image `[H, W, 3]` (RGB) or `[H, W, 4]`."""
    frames = []
    for n in range(count):
        frame = av.VideoFrame.from_ndarray(image, format=pixel_format)
        frame.pts, frame.time_base = n, Fraction(1, fps)
        frames.append(frame)
    return frames


#: The colours of the four quarters of `corners`: top left, top right, bottom left, bottom right.
QUARTERS = ((40, 40, 40), (100, 100, 100), (160, 160, 160), (220, 220, 220))


def corners(width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """An image `[H, W, 3]` whose four quarters differ in grey, so that any turn or mirroring shows."""
    image = np.zeros((height, width, 3), np.uint8)
    for quarter, colour in enumerate(QUARTERS):
        row, column = divmod(quarter, 2)
        image[
            row * height // 2 : (row + 1) * height // 2, column * width // 2 : (column + 1) * width // 2
        ] = colour
    return image


def beeping(
    seconds: float = SECONDS, rate: int = 48_000, channels: int = 1, starts_s: float = 0.0
) -> np.ndarray:
    """Sound, float32 `[channels, samples]`: 50 ms of 1 kHz at half past every second, from `starts_s` on."""
    t = starts_s + np.arange(round(seconds * rate)) / rate
    on = (t >= 0.5) & ((t - 0.5) % 1 < 0.05)
    return np.repeat((0.8 * np.sin(2 * np.pi * 1000 * t) * on).astype(np.float32)[None], channels, axis=0)


def sound_frames(samples: np.ndarray, rate: int = 48_000, layout: str = "mono", first: int = 0) -> list[Any]:
    """Audio frames of 1024 samples of `samples` [channels, samples]; `pts` counts samples from `first`."""
    frames = []
    for at in range(0, samples.shape[1], 1024):
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples[:, at : at + 1024].T).reshape(1, -1), format="flt", layout=layout
        )
        frame.sample_rate, frame.pts, frame.time_base = rate, first + at, Fraction(1, rate)
        frames.append(frame)
    return frames
