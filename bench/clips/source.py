"""A video file as pictures and sound by time: opened once, by one demuxer for both and for their times."""

from __future__ import annotations

import bisect
import itertools
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from clipbench.bench.clips import packets
from clipbench.bench.clips.packets import Demuxer
from clipbench.bench.clips.pictures import Picture, Turn, turn_of
from clipbench.bench.clips.sound import Sound
from clipbench.bench.errors import InputError

#: Pictures and sound that differ in length by more than this many seconds are worth a word.
DIFFERENT_S = 1.0
#: The pixels of a file are taken for square where their shape is not in this range: it is a mistake.
ASPECTS = (1 / 8, 8)
#: Seconds by which two frames differ at least.
STEP_S = 1e-6


@dataclass(frozen=True)
class Probed:
    """What is known of a clip before it is decoded; width and height are as a player shows it.

    `times_s` [frames] is when each frame is shown, by its packet, ascending from 0. `tracks` says which of
    several tracks were taken, `warnings` what is odd.
    """

    duration_s: float
    width: int
    height: int
    fps: float
    has_audio: bool
    times_s: np.ndarray
    tracks: str
    warnings: tuple[str, ...]


class TimedPicture(NamedTuple):
    """A decoded frame, and when it is shown, in seconds of the clip."""

    time_s: float
    picture: Picture


@dataclass
class Damage:
    """What could not be decoded."""

    pictures: int = 0
    sound: int = 0

    def lines(self) -> list[str]:
        """For people; empty where nothing is damaged."""
        found = []
        if self.pictures:
            found.append(f"{self.pictures} packets of the picture are damaged: what was on screen stays")
        if self.sound:
            found.append(f"{self.sound} packets of the sound are damaged: they are silent")
        return found


class ClipSource:
    """A clip that is decoded from its beginning to its end, pictures and sound each as they are asked for.

    Raises InputError for a file that has no frame which can be decoded, or is cut off.
    """

    def __init__(self, path: Path, threads: int) -> None:
        self.path, self.threads = path, threads
        self.want_sound = True
        self._demuxer = Demuxer(path)
        self._scan = packets.scan(self._demuxer)
        if not self._scan.video.starts:
            raise InputError(f"clip.path: {path} has no video frames")
        self._damage = Damage()
        self._start()
        self.probed = self._probe()

    def __enter__(self) -> ClipSource:
        return self

    def __exit__(self, *error: object) -> None:
        self._demuxer.container.close()

    def _start(self) -> None:
        """Begin at the first packet, and decode until the first frame is out: its time is 0."""
        self._frames: Iterator[Any]
        self._read_anew()
        first = next(self._frames, None)
        if first is None:
            raise InputError(f"clip.path: no frame of {self.path} can be decoded")
        self._first, self._shown_s = first, 0.0
        self._origin_s = self._time_of(first, self._scan.video.starts[0])
        self._frames = itertools.chain([first], self._frames)
        self._pending: TimedPicture | None = None
        audio = self._demuxer.audio
        self._sound = Sound(audio.codec_context, self._origin_s) if audio else None

    def _read_anew(self) -> None:
        """Go back to the first packet."""
        if self._scan.kept is None:
            self._demuxer.container.close()
            self._demuxer = Demuxer(self.path)
        self._packets: Iterator[Any] = (
            self._demuxer.packets() if self._scan.kept is None else iter(self._scan.kept)
        )
        self._video_queue: deque[Any] = deque()
        self._audio_queue: deque[Any] = deque()
        self._heard = 0
        codec = self._demuxer.video.codec_context
        if codec.is_open:
            codec.flush_buffers()
        else:
            codec.thread_type, codec.thread_count = "AUTO", self.threads
        self._frames = self._decoded(codec)

    def _probe(self) -> Probed:
        demuxer, scan, origin = self._demuxer, self._scan, self._origin_s
        times = np.sort(np.array(scan.video.starts)) - origin
        times = times[times > -STEP_S]
        step = float(np.median(np.diff(times))) if len(times) > 1 else self._usual_step()
        seen_s = max(packets.reach(scan.video, origin) - origin, float(times[-1]) + step)
        heard_s = self._heard_until(seen_s)
        packets.refuse_cut_off(demuxer, self.path, scan)
        warnings = []
        if scan.audio.starts and not heard_s:
            warnings.append("its sound is nowhere near its pictures, and is not heard")
        elif heard_s and abs(heard_s - seen_s) > DIFFERENT_S:
            warnings.append(f"its pictures last {seen_s:.1f} s and its sound {heard_s:.1f} s")
        width, height = self._shown_size()
        duration = max(seen_s, heard_s)
        return Probed(
            duration_s=duration,
            width=width,
            height=height,
            fps=len(times) / seen_s,
            has_audio=heard_s > 0,
            times_s=times.clip(0),
            tracks=demuxer.tracks,
            warnings=tuple(warnings),
        )

    def _heard_until(self, seen_s: float) -> float:
        """The end of the sound in seconds of the clip; 0 where none of it is heard."""
        audio, origin = self._scan.audio, self._origin_s
        first = next((s for s, e in zip(audio.starts, audio.ends, strict=True) if e > origin), None)
        if first is None or first - origin > seen_s + packets.FAR_S:
            return 0.0
        return packets.reach(audio, max(origin, min(first, origin + seen_s))) - origin

    def _usual_step(self) -> float:
        """How long a single frame is shown."""
        rate = self._demuxer.video.average_rate or self._demuxer.video.guessed_rate
        return 1 / float(rate) if rate else 0.04

    def _shown_size(self) -> tuple[int, int]:
        """Width and height after rotation, with square pixels: the longer side of a pixel is kept."""
        frame = self._first
        width, height = float(frame.width), float(frame.height)
        aspect = float(self._demuxer.video.sample_aspect_ratio or 1)
        if ASPECTS[0] <= aspect <= ASPECTS[1]:
            width, height = (width * aspect, height) if aspect > 1 else (width, height / aspect)
        if turn(frame).transposed:
            width, height = height, width
        return max(1, round(width)), max(1, round(height))

    def _time_of(self, frame: Any, otherwise_s: float) -> float:
        """When a frame is shown, on the file's clock."""
        ticks = frame.pts if frame.pts is not None else frame.dts
        return float(ticks * self._demuxer.video.time_base) if ticks is not None else otherwise_s

    def _decoded(self, codec: Any) -> Iterator[Any]:
        """The frames of the clip in the order in which they are shown."""
        import av

        while True:
            packet = self._next_video_packet()
            try:
                yield from codec.decode(packet)
            except av.error.EOFError:
                return
            except av.error.FFmpegError:
                self._damage.pictures += packet is not None
            if packet is None:
                return

    def _next_video_packet(self) -> Any:
        """The next packet of the picture; None at the end. Packets of the sound are put aside."""
        if self._video_queue:
            return self._video_queue.popleft()
        for packet in self._packets:
            if packet.stream_index == self._demuxer.video.index:
                return packet
            self._put_aside(packet)
        return None

    def _put_aside(self, packet: Any) -> None:
        self._heard += 1
        if self.want_sound:
            self._audio_queue.append(packet)

    def pictures_until(self, end_s: float) -> Iterator[TimedPicture]:
        """The frames with a time below `end_s` that have not been given yet, in order of time."""
        while True:
            if self._pending is None and (frame := next(self._frames, None)) is not None:
                shown = self._time_of(frame, self._origin_s + self._shown_s) - self._origin_s
                self._shown_s = max(shown, self._shown_s + STEP_S) if self._shown_s or shown else 0.0
                self._pending = TimedPicture(self._shown_s, Picture(frame, turn(frame)))
            if self._pending is None or self._pending.time_s >= end_s:
                return
            given, self._pending = self._pending, None
            yield given

    def sound_until(self, end_s: float) -> np.ndarray:
        """The next samples up to `round(end_s * 16000)`, mono float32; silence where there is no sound."""
        if self._sound is None:
            raise ValueError("the clip has no sound")
        starts = self._scan.audio.starts
        # One packet more, so that the resampler gives all that belongs to this stretch.
        needed = bisect.bisect_left(starts, end_s + self._origin_s + 0.1)
        while self._heard < needed and (packet := next(self._packets, None)) is not None:
            if packet.stream_index == self._demuxer.video.index:
                self._video_queue.append(packet)
            else:
                self._put_aside(packet)
        while self._audio_queue:
            self._sound.add(self._audio_queue.popleft())
        return self._sound.until(end_s, complete=self._heard >= len(starts))

    def damage(self) -> Damage:
        """What could not be decoded so far."""
        self._damage.sound = self._sound.lost_packets if self._sound else 0
        return self._damage

    def seek(self, start_s: float) -> None:
        """Go on with the frame that is shown at `start_s`, and with the sound from there.

        Pictures are decoded from the key frame before. The sound is decoded from its beginning, which takes
        little, so that all is as in an undisturbed run.
        """
        video = self._scan.video
        at_s = start_s + self._origin_s + STEP_S
        keys = [s for s, key in zip(video.starts, video.keys, strict=True) if key and s <= at_s]
        self._read_anew()
        self._skip_before(max(keys, default=video.starts[0]))
        if (audio := self._demuxer.audio) is not None:
            if audio.codec_context.is_open:
                audio.codec_context.flush_buffers()
            self._sound = Sound(audio.codec_context, self._origin_s)
            self.sound_until(start_s)
        for _ in self.pictures_until(start_s - STEP_S):
            pass

    def _skip_before(self, key_s: float) -> None:
        """Leave out the packets of pictures that come before the key frame at this time."""
        index = self._demuxer.video.index

        def rest(source: Iterator[Any]) -> Iterator[Any]:
            found = False
            for packet in source:
                if packet.stream_index == index and not found:
                    pts = packet.pts if packet.pts is not None else packet.dts
                    found = (
                        packet.is_keyframe and pts is not None and pts * packet.time_base >= key_s - STEP_S
                    )
                    if not found:
                        continue
                yield packet

        self._packets, self._pending = rest(self._packets), None


def turn(frame: Any) -> Turn:
    """How a frame is to be turned to be shown."""
    from av.sidedata.sidedata import Type

    found = frame.side_data.get(Type.DISPLAYMATRIX)
    return turn_of(bytes(found) if found is not None else None)
