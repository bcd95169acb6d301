"""A clip's sound: mono at 16 kHz on the picture's clock, gaps and all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from clipbench.analyzers.base import Levels
from clipbench.bench.clips.channels import Channels, form_of, has_known_layout, state_channels, usable
from clipbench.bench.clips.loudness import Meter

#: Samples per second of the sound that analyzers get.
AUDIO_RATE = 16_000
NOTHING = np.zeros(0, np.float32)
#: Before all samples.
FAR = 1 << 62
#: Sound that is further than this from the end of the sound before is put where its time says, so that a gap
#: stays a gap. Less is rounding of the times in the file, and is taken as going on.
JITTER_S = 0.015


class Sound:
    """The sound of a clip, decoded as far as it is asked for.

    Samples are counted from the first picture. A packet that cannot be decoded is silence, and so is all that
    the file has no sound for. Of sound for the same moment twice, the first is taken.
    """

    def __init__(
        self, stream: Any, next_packet: Callable[[], Any | None], origin_s: float, duration_s: float
    ) -> None:
        """`next_packet` gives the packets of `stream`.

        The clip begins at `origin_s` of the file's time, and is `duration_s` long.
        """
        self.packets_lost = 0
        self._decoder, self._tick = stream.codec_context, float(stream.time_base)
        state_channels(self._decoder)
        self._next_packet, self._origin_s = next_packet, origin_s
        self._line = Line()
        self._meter = Meter(duration_s)
        self._mono: MonoResampler | None = None
        self._next_s: float | None = None  # where sound that goes on without a gap begins
        self._ended = False

    def until(self, end: int) -> np.ndarray:
        """The samples from where the last call ended up to sample `end`, float32."""
        self._decode_while(lambda: not self._line.has(end))
        return self._line.take(end)

    def levels_until(self, cells: int) -> Levels:
        """How loud it is from where the last call ended up to cell `cells`, at the file's rate."""
        self._decode_while(lambda: not self._meter.has(cells))
        return self._meter.take(cells)

    def _decode_while(self, more: Callable[[], bool]) -> None:
        while not self._ended and more():
            packet = self._next_packet()
            for frame in self._decode(packet):
                self._try_to_add(frame)
            if packet is None:
                self._ended = True
                self._finish_piece()

    def _decode(self, packet: Any | None) -> list[Any]:
        """The frames of a packet; of None those that the decoder still holds."""
        import av

        try:
            return list(self._decoder.decode(packet))
        except (av.error.FFmpegError, ValueError):
            self.packets_lost += packet is not None
            return []

    def _try_to_add(self, frame: Any) -> None:
        import av

        try:
            self._add(frame)
        except (av.error.FFmpegError, ValueError):  # a form that the resampler does not take
            self.packets_lost += 1
            self._mono = None

    def _add(self, frame: Any) -> None:
        if not frame.samples or not frame.sample_rate:
            return
        starts_s = self._next_s
        if frame.pts is not None:
            at = frame.pts * self._tick - self._origin_s
            if starts_s is None or abs(at - starts_s) > JITTER_S:
                self._finish_piece()
                starts_s = at
        if starts_s is None:
            starts_s = 0.0
        if self._mono is not None and not self._mono.fits(frame):
            self._finish_piece()
        if self._mono is None:
            self._mono = MonoResampler(frame)
            self._line.begin(round(starts_s * AUDIO_RATE))
            self._channels = Channels(frame)
            self._meter.begin(starts_s, frame.sample_rate, self._channels.weights)
        mono = self._mono.resample(frame)
        self._meter.add(self._channels.samples(frame))
        self._line.add(mono)
        self._next_s = starts_s + frame.samples / frame.sample_rate

    def _finish_piece(self) -> None:
        """Sound goes on somewhere else, or in another form, or not at all."""
        if self._mono is not None:
            self._line.add(self._mono.finish())
            self._mono = None
            self._meter.end()


class Line:
    """Pieces of sound on a line of samples, given out from its beginning and then forgotten."""

    def __init__(self) -> None:
        self._given = 0
        self._at = -FAR
        self._skip = 0
        self._pieces: list[tuple[int, np.ndarray]] = []

    def begin(self, at: int) -> None:
        """What is added next begins at sample `at`, but not before the end of what is there."""
        self._skip = max(0, self._at - at)
        self._at = max(self._at, at)

    def add(self, samples: np.ndarray) -> None:
        """Go on with `samples`."""
        samples, self._skip = samples[self._skip :], max(0, self._skip - len(samples))
        if self._at + len(samples) > self._given:
            self._pieces.append((self._at, samples))
        self._at += len(samples)

    def has(self, end: int) -> bool:
        """Whether all that is before sample `end` is known."""
        return self._at >= end

    def take(self, end: int) -> np.ndarray:
        """The samples from the last `end` up to this one, silence where nothing was added."""
        start, end = self._given, max(end, self._given)
        taken = np.zeros(end - start, np.float32)
        kept = []
        for at, samples in self._pieces:
            first, last = max(at, start), min(at + len(samples), end)
            if first < last:
                taken[first - start : last - start] = samples[first - at : last - at]
            if at + len(samples) > end:
                kept.append((at, samples))
        self._pieces, self._given = kept, end
        return taken


class MonoResampler:
    """Makes mono float32 at 16 kHz of frames of one sample rate, layout and format."""

    def __init__(self, first: Any) -> None:
        import av

        self._form = form_of(first)
        self._mean = not has_known_layout(first)
        self._resampler = av.AudioResampler(format="flt", layout="mono", rate=AUDIO_RATE)

    def fits(self, frame: Any) -> bool:
        """Whether `frame` has the form of the first."""
        return form_of(frame) == self._form

    def resample(self, frame: Any) -> np.ndarray:
        """The samples that are ready after `frame`."""
        frame.pts = None
        return joined(self._resampler.resample(usable(frame, self._mean)))

    def finish(self) -> np.ndarray:
        """The samples that the resampler still holds."""
        return joined(self._resampler.resample(None))


def joined(frames: list[Any]) -> np.ndarray:
    """The samples of mono float frames."""
    return np.concatenate([frame.to_ndarray()[0] for frame in frames if frame is not None] or [NOTHING])
