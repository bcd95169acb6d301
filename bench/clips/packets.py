"""The packets of a file: which tracks are read, on one continuous clock, and what they say of the clip."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from clipbench.bench.errors import InputError

#: Seconds by which time may jump ahead in a stream of programs before it is taken for another recording,
#: and by which it may fall back: FFmpeg's own limits.
JUMP_S, BACK_S = 10.0, 0.1
#: A picture or sound that begins this long after all before it has ended does not belong to the clip.
FAR_S = 60.0
#: A clip that ends earlier than its file promises, by more than this and this share of it, is cut off.
MISSING_S, MISSING_SHARE = 0.5, 0.02
#: Bytes of packets that are kept from the first reading of a file, so that a short one is read only once.
KEPT_BYTES = 64 << 20


class Demuxer:
    """An open file, and the tracks of it that are read: `video`, and `audio` or None."""

    def __init__(self, path: Path) -> None:
        import av

        try:
            # As a file: "a:b.mp4" would be a protocol called a.
            self.container = av.open(f"file:{path}", metadata_errors="ignore")
        except (av.error.FFmpegError, OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise InputError(f"clip.path: {path} cannot be read as video ({reason})") from error
        streams = self.container.streams
        pictures = [s for s in streams.video if not is_cover(s) and s.codec_context is not None]
        sounds = [s for s in streams.audio if s.codec_context is not None]
        if not pictures:
            why = "but a cover" if streams.video else "and no pictures"
            self.container.close()
            raise InputError(f"clip.path: {path} has no video stream ({why})")
        self.video, self.audio = preferred(pictures), preferred(sounds) if sounds else None
        choices = choice("video", self.video, pictures), choice("audio", self.audio, sounds)
        self.tracks = "; ".join(filter(None, choices))

    def packets(self) -> Iterator[Any]:
        """The packets of all tracks in the order of the file, until its end or where it cannot be read."""
        import av

        clock = Clock(bool(self.container.format.flags & TS_DISCONT))
        try:
            for packet in self.container.demux():
                if packet.size and packet.stream_index in (self.video.index, self.audio_index):
                    clock.straighten(packet)
                    yield packet
        except (av.error.FFmpegError, OSError):
            return

    @property
    def audio_index(self) -> int:
        """The number of the track of sound, or -1."""
        return self.audio.index if self.audio is not None else -1


#: FFmpeg's flag for formats whose time may jump, as where two recordings were joined.
TS_DISCONT = 0x0200


class Clock:
    """Makes time continuous where recordings were joined, as the ffmpeg command does."""

    def __init__(self, jumps: bool) -> None:
        self.jumps, self.shift_s = jumps, 0.0
        self._next_s: dict[int, float] = {}

    def straighten(self, packet: Any) -> None:
        """Move a packet's times, where those of its file have jumped."""
        if not self.jumps or packet.dts is None:
            return
        base, index = float(packet.time_base), packet.stream_index
        at_s = packet.dts * base + self.shift_s
        expected_s = self._next_s.get(index)
        if expected_s is not None and not -BACK_S <= at_s - expected_s <= JUMP_S:
            self.shift_s += expected_s - at_s
        moved = round(self.shift_s / base)
        packet.dts += moved
        if packet.pts is not None:
            packet.pts += moved
        self._next_s[index] = packet.dts * base + (packet.duration or 0) * base


def is_cover(stream: Any) -> bool:
    """Whether a track of pictures is the cover of a song."""
    from av.stream import Disposition

    return bool(stream.disposition & Disposition.attached_pic)


def preferred(streams: list[Any]) -> Any:
    """The default track, or else the first."""
    from av.stream import Disposition

    return next((s for s in streams if s.disposition & Disposition.default), streams[0])


def choice(kind: str, taken: Any, streams: list[Any]) -> str:
    """Which of several tracks was taken, for people; "" where there is no choice."""
    if len(streams) < 2:
        return ""
    return f"{kind} track {streams.index(taken) + 1} of {len(streams)}"


@dataclass
class Times:
    """When the packets of a track are shown or heard: start and end, in seconds on the file's clock."""

    starts: list[float] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)
    keys: list[bool] = field(default_factory=list)

    def add(self, packet: Any) -> None:
        """Take note of a packet."""
        pts = packet.pts if packet.pts is not None else packet.dts
        before_s = self.ends[-1] if self.ends else 0.0
        base_s = before_s if pts is None else float(pts * packet.time_base)
        length_s = float((packet.duration or 0) * packet.time_base)
        self.starts.append(base_s)
        self.ends.append(base_s + length_s)
        self.keys.append(packet.is_keyframe)


class Scan(NamedTuple):
    """What the packets of a file say: times of pictures and sound, and the packets if they are few."""

    video: Times
    audio: Times
    kept: list[Any] | None


def scan(demuxer: Demuxer) -> Scan:
    """Read all packets of a file, without decoding any."""
    video, audio = Times(), Times()
    kept: list[Any] | None = []
    size = 0
    for packet in demuxer.packets():
        if packet.stream_index == demuxer.video.index:
            if not packet.is_discard:
                video.add(packet)
        else:
            audio.add(packet)
        size += packet.size
        if kept is not None:
            kept.append(packet)
            if size > KEPT_BYTES:
                kept = None
    return Scan(video, audio, kept)


def reach(times: Times, start_s: float) -> float:
    """Where a track ends that is heard or seen from `start_s` on; what is far beyond does not count."""
    end_s = start_s
    order = np.argsort(times.starts, kind="stable")
    for index in order:
        if times.ends[index] < start_s:
            continue
        if times.starts[index] > end_s + FAR_S:
            break
        end_s = max(end_s, times.ends[index])
    return end_s


def refuse_cut_off(demuxer: Demuxer, path: Path, scan: Scan) -> None:
    """Raise InputError if the file promises clearly more than it has.

    The promise is the duration of the track of pictures, or else that of the file, which holds for the longer
    of pictures and sound. A promise may count from the first packet or from 0: what is there, too.
    """
    stream, container = demuxer.video, demuxer.container
    tracks = [scan.video]
    if stream.duration is not None:
        promised = float(stream.duration * stream.time_base)
    elif container.duration is not None:
        promised = container.duration / 1_000_000
        tracks.append(scan.audio)
    else:
        return
    ends, starts = [e for t in tracks for e in t.ends], [s for t in tracks for s in t.starts]
    there = max(max(ends), max(ends) - min(starts))
    if there < promised - max(MISSING_S, MISSING_SHARE * promised):
        raise InputError(f"clip.path: {path} is truncated: {there:.1f} of {promised:.1f} s are there")
