"""What one pass over a file's packets gives: when each frame is shown, and the sound.

PyAV reads the times from the packets without decoding them, so that variable frame rates are right.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from clipbench.bench.errors import InputError

AUDIO_RATE = 16_000
#: A clip of which less than this share of the frames can be decoded is refused as truncated.
READABLE_SHARE = 0.98


class Container(NamedTuple):
    """What one pass over the packets gives: times of the frames shown, and mono audio at 16 kHz."""

    times_s: np.ndarray
    duration_s: float
    fps: float
    audio: np.ndarray | None


def read_container(path: Path) -> Container:
    """Times of all frames and the audio of the clip at `path`; raises InputError in one line."""
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
    """One pass over the packets of an open container."""
    import av

    video = container.streams.video[0]
    audio = next(iter(container.streams.audio), None)
    resampler = av.AudioResampler(format="flt", layout="mono", rate=AUDIO_RATE) if audio else None
    pts: list[int] = []
    sound: list[np.ndarray] = []
    sound_start_s = None
    for packet in container.demux([s for s in (video, audio) if s is not None]):
        if packet.stream is video:
            if packet.pts is not None and not packet.is_discard:
                pts.append(packet.pts)
            continue
        for frame in packet.decode():
            if sound_start_s is None and frame.pts is not None:
                sound_start_s = float(frame.pts * frame.time_base)
            sound += [piece.to_ndarray()[0] for piece in resampler.resample(frame)]
    if not pts:
        raise InputError(f"clip.path: {path} has no video frames")
    if sound:
        sound += [piece.to_ndarray()[0] for piece in resampler.resample(None)]
    times = np.sort(np.array(pts, np.float64)) * float(video.time_base)
    origin = times[0]
    times -= origin
    rate = float(video.average_rate or video.guessed_rate or 0)
    step = float(np.median(np.diff(times))) if len(times) > 1 else 1 / (rate or 25.0)
    duration = float(times[-1] + step)
    refuse_truncated(video, len(times), path)
    samples = None
    if sound:
        samples = align(np.concatenate(sound), (sound_start_s or 0.0) - origin, duration)
    return Container(times, duration, len(times) / duration, samples)


def refuse_truncated(video: Any, frames: int, path: Path) -> None:
    """Raise InputError where the container promises clearly more frames than the file has."""
    if frames < READABLE_SHARE * (video.frames or 0):
        raise InputError(f"clip.path: {path} is truncated: it has {frames} of {video.frames} frames")


def align(samples: np.ndarray, starts_s: float, duration_s: float) -> np.ndarray:
    """`samples` so that the first is at the first frame, and none comes after the last frame."""
    offset = round(starts_s * AUDIO_RATE)
    if offset > 0:
        samples = np.concatenate([np.zeros(offset, np.float32), samples])
    elif offset < 0:
        samples = samples[-offset:]
    return samples[: round(duration_s * AUDIO_RATE)].astype(np.float32)
