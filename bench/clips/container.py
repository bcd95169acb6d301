"""A video file's packets, read in one pass: when each frame is shown, and the sound.

PyAV reads the times from the packets without decoding them, so variable frame rates are handled correctly.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from clipbench.bench.errors import InputError

#: Samples per second of the sound that analyzers get.
AUDIO_RATE = 16_000
#: A clip of which less than this share of the frames can be decoded is refused as truncated.
READABLE_SHARE = 0.98


class Container(NamedTuple):
    """What is read from the packets: the time of each frame shown, and mono sound at 16 kHz, if any.

    `times_s` is `[frames]`, ascending from 0; `audio` is float32 `[samples]`.
    """

    times_s: np.ndarray
    duration_s: float
    fps: float
    audio: np.ndarray | None


def read_container(path: Path) -> Container:
    """The frame times and the sound of the clip at `path`. Raises InputError, in one line, for a bad file."""
    import av

    if not path.exists():
        raise InputError(f"clip.path: there is no file {path}")
    if path.is_dir():
        raise InputError(f"clip.path: {path} is a folder; name a video file in it")
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise InputError(f"clip.path: {path} has no video stream")
            return read_streams(container, path)
    except (av.error.FFmpegError, OSError) as error:
        raise InputError(f"clip.path: {path} cannot be read as video ({error.strerror})") from error


def read_streams(container: Any, path: Path) -> Container:
    """The frame times and the sound of an open PyAV container."""
    video = container.streams.video[0]
    audio = next(iter(container.streams.audio), None)
    pts: list[int] = []
    sound = Sound()
    for packet in container.demux([s for s in (video, audio) if s is not None]):
        if packet.stream is not video:
            for frame in packet.decode():
                sound.add(frame)
        elif packet.pts is not None and not packet.is_discard:
            pts.append(packet.pts)
    if not pts:
        raise InputError(f"clip.path: {path} has no video frames")
    times = np.sort(np.array(pts, np.float64)) * float(video.time_base)
    origin = float(times[0])
    times -= origin
    rate = float(video.average_rate or video.guessed_rate or 0)
    step = float(np.median(np.diff(times))) if len(times) > 1 else 1 / (rate or 25.0)
    duration = float(times[-1] + step)
    refuse_truncated(video, len(times), path)
    return Container(times, duration, len(times) / duration, sound.aligned(origin, duration))


class Sound:
    """Collects decoded audio frames and resamples them to mono, 16 kHz, float32."""

    def __init__(self) -> None:
        import av

        self._resampler = av.AudioResampler(format="flt", layout="mono", rate=AUDIO_RATE)
        self._pieces: list[np.ndarray] = []
        self._starts_s: float | None = None

    def add(self, frame: Any) -> None:
        """Add one PyAV audio frame."""
        if self._starts_s is None and frame.pts is not None:
            self._starts_s = float(frame.pts * frame.time_base)
        self._resample(frame)

    def _resample(self, frame: Any) -> None:
        self._pieces += [piece.to_ndarray()[0] for piece in self._resampler.resample(frame)]

    def aligned(self, origin_s: float, duration_s: float) -> np.ndarray | None:
        """All samples, beginning with the first video frame at `origin_s`; None if there are none."""
        if not self._pieces:
            return None
        self._resample(None)  # what the resampler still holds
        return align(np.concatenate(self._pieces), (self._starts_s or 0.0) - origin_s, duration_s)


def refuse_truncated(video: Any, frames: int, path: Path) -> None:
    """Raise InputError if the container promises clearly more frames than the file has."""
    if frames < READABLE_SHARE * (video.frames or 0):
        raise InputError(f"clip.path: {path} is truncated: it has {frames} of {video.frames} frames")


def align(samples: np.ndarray, starts_s: float, duration_s: float) -> np.ndarray:
    """`samples` padded or cut so that they begin with the first frame and do not outlast the last one."""
    offset = round(starts_s * AUDIO_RATE)
    if offset > 0:
        samples = np.concatenate([np.zeros(offset, np.float32), samples])
    elif offset < 0:
        samples = samples[-offset:]
    return samples[: round(duration_s * AUDIO_RATE)].astype(np.float32)
