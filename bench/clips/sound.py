"""The sound of a clip on the clock of its pictures: mono, 16 kHz, with silence where there is none."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

#: Samples per second of the sound that analyzers get.
AUDIO_RATE = 16_000
#: Where a packet of sound is this many seconds off the end of the one before, there is a gap or an overlap.
#: Containers round times to a millisecond or so; a lost packet is 20 ms and more.
GAP_S = 0.015
#: Layouts that swresample mixes down as it should; of others, the mean of all channels is taken.
MIXED = ("mono", "stereo", "2.1", "3.0", "4.0", "quad", "5.0", "5.1", "5.1(side)")
#: PyAV 18 writes beyond its buffers when it names the layout of more channels, unless the name is short, as
#: those of compressed (planar) sound are; and it reads beyond them in planar sound of eight channels.
NAMED = 6


class Sound:
    """Decodes packets of sound and keeps the samples until they are asked for.

    `time_base` is that of the packets, `origin_s` the time that is 0 on the pictures' clock.
    """

    def __init__(self, codec: Any, origin_s: float) -> None:
        self.codec, self.origin_s = codec, origin_s
        self.lost_packets = 0
        self._given = 0
        self._pieces: list[tuple[int, np.ndarray]] = []
        self._run: Run | None = None

    def add(self, packet: Any) -> None:
        """Decode a packet (None: the last one was); one that is damaged is silence, and counted."""
        import av

        try:
            frames = self.codec.decode(packet)
        except av.error.FFmpegError:
            self.lost_packets += packet is not None
            return
        for frame in frames:
            self._take(frame)

    def _take(self, frame: Any) -> None:
        if not frame.samples or not frame.sample_rate:
            return
        at_s = self._run.end_s if self._run else 0.0
        if frame.pts is not None and frame.time_base is not None:
            at_s = float(frame.pts * frame.time_base) - self.origin_s
        frame = readable(frame)
        kind = (frame.sample_rate, frame.format.name, frame.layout.nb_channels)
        if self._run is None or self._run.kind != kind or abs(at_s - self._run.end_s) > GAP_S:
            self._end_run()
            self._run = Run(at_s, kind)
        self._keep(self._run, self._run.resampled(frame))

    def _keep(self, run: Run, samples: np.ndarray) -> None:
        if len(samples):
            self._pieces.append((run.given - len(samples), samples))

    def _end_run(self) -> None:
        if self._run is not None:
            self._keep(self._run, self._run.rest())
            self._run = None

    def until(self, end_s: float, complete: bool) -> np.ndarray:
        """The next samples up to this time, float32; what has not been added by then is silence.

        `complete` says that no packet will follow.
        """
        if complete:
            self.add(None)
            self._end_run()
        stop = round(end_s * AUDIO_RATE)
        out = np.zeros(max(0, stop - self._given), np.float32)
        later: list[tuple[int, np.ndarray]] = []
        for start, samples in self._pieces:
            first, last = max(start, self._given), min(start + len(samples), stop)
            if last > first:
                out[first - self._given : last - self._given] = samples[first - start : last - start]
            if start + len(samples) > stop:
                later.append((start, samples))
        self._pieces, self._given = later, max(stop, self._given)
        return out

    def reach_s(self) -> float:
        """The time up to which samples have come out of the resampler."""
        return max((start + len(samples) for start, samples in self._pieces), default=0) / AUDIO_RATE


class Run:
    """A stretch of sound without a gap and of one kind (rate, format, channels), resampled as a whole.

    `given` is where its next sample belongs, counted at 16 kHz.
    """

    def __init__(self, start_s: float, kind: tuple[int, str, int]) -> None:
        import av

        self.kind, self._start_s, self._taken = kind, start_s, 0
        self.given = round(start_s * AUDIO_RATE)
        self._resampler = av.AudioResampler(format="flt", layout="mono", rate=AUDIO_RATE)

    @property
    def end_s(self) -> float:
        """The time at which the next samples are expected."""
        return self._start_s + self._taken / self.kind[0]

    def resampled(self, frame: Any) -> np.ndarray:
        """What comes out at 16 kHz when this frame of sound goes in."""
        self._taken += frame.samples
        frame.pts = None  # where it belongs is known here
        return self._out(self._resampler.resample(frame))

    def rest(self) -> np.ndarray:
        """What the resampler still holds, but no more than the stretch is long."""
        room = math.ceil(self.end_s * AUDIO_RATE) - self.given
        return self._out(self._resampler.resample(None))[: max(0, room)]

    def _out(self, frames: list[Any]) -> np.ndarray:
        pieces = [frame.to_ndarray()[0] for frame in frames if frame is not None and frame.samples]
        samples = np.concatenate(pieces).astype(np.float32) if pieces else np.zeros(0, np.float32)
        self.given += len(samples)
        return samples


def readable(frame: Any) -> Any:
    """A frame of sound that swresample can mix down, with 0 for NaN and infinity."""
    import av

    channels, planar = frame.layout.nb_channels, frame.format.is_planar
    if channels > NAMED and planar:
        return frame
    known = channels <= NAMED and frame.layout.name in MIXED
    if known and not frame.format.name.startswith(("flt", "dbl")):
        return frame
    values = frame.to_ndarray()
    if known and np.isfinite(values).all():
        return frame
    if not planar:
        values = values.reshape(-1, channels).T
    values = as_float(values)
    if known:
        made = av.AudioFrame.from_ndarray(np.ascontiguousarray(values), "fltp", frame.layout.name)
    else:
        made = av.AudioFrame.from_ndarray(values.mean(axis=0, dtype=np.float32)[None], "flt", "mono")
    made.sample_rate = frame.sample_rate
    return made


def as_float(values: np.ndarray) -> np.ndarray:
    """Samples of any kind as float32, integers scaled to -1..1, with 0 for NaN and infinity."""
    if values.dtype == np.uint8:
        return (values.astype(np.float32) - 128) / 128
    if values.dtype.kind == "i":
        return values.astype(np.float32) / float(-int(np.iinfo(values.dtype).min))
    return np.nan_to_num(values.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
