"""Writing clip files with PyAV: tracks are encoded, or copied packet by packet, and laid into a container."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import av
from av.bitstream import BitStreamFilterContext

from tools.odd_files import patterns

#: Nearly without loss, so that a level stays within one step.
X264 = {"qp": "4", "preset": "veryfast", "g": "30"}

#: Gets the number of a packet and the packet; returns what is written instead of it.
PacketEdit = Callable[[int, Any], Iterable[Any]]


def as_it_is(number: int, packet: Any) -> Iterable[Any]:
    """The edit that changes nothing."""
    return [packet]


@dataclass(frozen=True)
class Encoded:
    """A track that is encoded from PyAV frames. `settings` are attributes of its codec context."""

    frames: list[Any]
    codec: str = "libx264"
    options: dict[str, str] = field(default_factory=lambda: dict(X264))
    pixel_format: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    disposition: int | None = None
    edit: PacketEdit = as_it_is

    def start(self, container: Any) -> tuple[Any, list[Any]]:
        """The new stream in `container`, and its packets."""
        first = self.frames[0]
        sound = isinstance(first, av.AudioFrame)
        if sound:
            stream = container.add_stream(self.codec, rate=first.sample_rate, layout=first.layout.name)
        else:
            stream = container.add_stream(self.codec, rate=1 / first.time_base, options=self.options)
            stream.width, stream.height = first.width, first.height
            stream.pix_fmt = self.pixel_format or first.format.name
            stream.codec_context.time_base = first.time_base
        for name, value in self.settings.items():
            setattr(stream.codec_context, name, value)
        if self.disposition is not None:
            stream.disposition = self.disposition
        packets = [packet for frame in [*self.frames, None] for packet in stream.encode(frame)]
        return stream, [new for number, packet in enumerate(packets) for new in self.edit(number, packet)]


@dataclass(frozen=True)
class Copied:
    """A track copied from the first stream of `kind` in `source`, moved by `shift_s`, edited, or filtered."""

    source: Path
    kind: str = "video"
    shift_s: float = 0.0
    edit: PacketEdit = as_it_is
    bitstream_filter: str | None = None
    disposition: int | None = None

    def start(self, container: Any) -> tuple[Any, list[Any]]:
        """The new stream in `container`, and its packets."""
        with av.open(str(self.source)) as opened:
            origin = next(stream for stream in opened.streams if stream.type == self.kind)
            stream = container.add_stream_from_template(origin)
            if self.disposition is not None:
                stream.disposition = self.disposition
            packets = [packet for packet in opened.demux(origin) if packet.dts is not None]
            if self.bitstream_filter is not None:
                chain = BitStreamFilterContext(self.bitstream_filter, origin, stream)
                packets = [new for packet in [*packets, None] for new in chain.filter(packet)]
            for packet in packets:
                ticks = round(Fraction(self.shift_s).limit_denominator(10**6) / packet.time_base)
                packet.pts, packet.dts = packet.pts + ticks, packet.dts + ticks
                packet.stream = stream
        return stream, [new for number, packet in enumerate(packets) for new in self.edit(number, packet)]


class Track(Protocol):
    """What can be written into a container."""

    def start(self, container: Any) -> tuple[Any, list[Any]]:
        """The new stream in `container`, and its packets, with times."""
        ...


def write(
    path: Path, *tracks: Track, container: str | None = None, options: dict[str, str] | None = None
) -> Path:
    """Write `tracks` into a new file at `path`, interleaved by their packets' times."""
    with usual_priority(), av.open(str(path), "w", format=container, options=options or {}) as opened:
        packets = []
        for track in tracks:
            stream, made = track.start(opened)
            for packet in made:
                packet.stream = stream
            packets += made
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            opened.mux(packet)
    return path


@contextlib.contextmanager
def usual_priority() -> Iterator[None]:
    """At the end, this thread is scheduled as before.

    SVT-AV1, where root calls it, gives the thread that encodes the highest priority of all, for good: what
    that starts later takes the cores from every other process.
    """
    if not hasattr(os, "sched_getscheduler"):
        yield
        return
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        if os.sched_getscheduler(0) != policy:
            os.sched_setscheduler(0, policy, parameters)


def beeps(codec: str = "aac", seconds: float = patterns.SECONDS, rate: int = 48_000, **more: Any) -> Encoded:
    """A track of the usual beeps."""
    return Encoded(patterns.sound_frames(patterns.beeping(seconds, rate), rate), codec, {}, **more)


@dataclass(frozen=True)
class Workshop:
    """A folder for the files that others are made of; each is written once."""

    folder: Path

    def made(self, name: str, make: Callable[[Path], object]) -> Path:
        """The file `name`, made by `make` where it is not there yet."""
        path = self.folder / name
        if not path.exists():
            make(path)
        return path

    def plain(self) -> Path:
        """Four seconds of H.264 and AAC in MP4, a key frame every second."""
        return self.made("plain.mp4", lambda path: write(path, Encoded(patterns.numbered()), beeps()))

    def one_key(self) -> Path:
        """The same with one key frame only, at the start, and B-frames."""
        options = {"qp": "4", "preset": "veryfast", "g": "120", "keyint_min": "120", "sc_threshold": "0"}
        return self.made(
            "one_key.mp4", lambda path: write(path, Encoded(patterns.numbered(), options=options), beeps())
        )
