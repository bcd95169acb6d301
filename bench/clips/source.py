"""A clip's file: its pictures, its sound and their times, from one demuxer, decoded as far as is asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from clipbench.analyzers.base import Levels
from clipbench.bench.clips.loudness import cells_until
from clipbench.bench.clips.packets import PacketQueues, choose_tracks, open_container, read_packets
from clipbench.bench.clips.pictures import Picture, TimedPicture
from clipbench.bench.clips.probing import Probed, probe
from clipbench.bench.clips.scan import Scan, scan
from clipbench.bench.clips.sound import AUDIO_RATE, Sound
from clipbench.bench.clips.turning import turn_of
from clipbench.bench.clips.video import Video
from clipbench.bench.errors import InputError

__all__ = ["ClipSource", "Damage", "Probed", "TimedPicture"]

#: A picture this many seconds before the time that is asked for is the one that is meant: times are rounded.
ROUNDING_S = 1e-6


@dataclass(frozen=True)
class Damage:
    """What could not be decoded so far."""

    frames_lost: int = 0
    sound_packets_lost: int = 0

    def lines(self) -> tuple[str, ...]:
        """The damage in words, one line for each kind; none for a sound file."""
        lines = []
        if self.frames_lost:
            lost = counted(self.frames_lost, "picture")
            lines.append(f"{lost} could not be decoded: a neighbour is shown for longer")
        if self.sound_packets_lost:
            lines.append(f"{counted(self.sound_packets_lost, 'packet')} of sound could not be decoded")
        return tuple(lines)


def counted(number: int, what: str) -> str:
    """'1 picture', '2 pictures'."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


class ClipSource:
    """The pictures and the sound of a clip, each in order and as far as it is asked for.

    Raises InputError, in one line, for a file that is no usable clip.
    """

    probed: Probed
    _ahead: tuple[int, Any] | None
    _sound: Sound | None
    _sound_given: int
    _cells_given: int

    def __init__(self, path: Path, threads: int) -> None:
        """Read the packets of the file at `path`, and decode its first picture."""
        self._path, self._threads = path, threads
        self._want_sound = True
        self._container = open_container(path)
        try:
            self._tracks = choose_tracks(self._container, path)
            self._scan: Scan = scan(self._container, self._tracks, path)
            packets: Iterator[Any] | None = iter(self._scan.kept) if self._scan.kept is not None else None
            self._start(packets, 0, -np.inf)
            if self._ahead is None:
                raise InputError(f"clip.path: no frame of {path} can be decoded")
            self._origin, first = self._ahead
            self._turn = turn_of(first)
            self.probed = probe(self._container, self._tracks, self._scan, self._ahead, self._turn, path)
            self._start_sound()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> ClipSource:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. Pictures that were given stay as they are."""
        self._container.close()

    @property
    def want_sound(self) -> bool:
        """Whether packets of sound are kept until `sound_until` asks for them."""
        return self._want_sound

    @want_sound.setter
    def want_sound(self, wanted: bool) -> None:
        self._want_sound = wanted
        if not wanted:
            self._queues.leave_out_sound_after(-np.inf)

    def pictures_until(self, end_s: float) -> Iterator[TimedPicture]:
        """The pictures before `end_s` that were not given yet, in order of time."""
        while self._ahead is not None:
            ticks, frame = self._ahead
            time_s = (ticks - self._origin) * self._scan.tick_s
            if time_s >= min(end_s, self.probed.duration_s + ROUNDING_S):
                return
            self._ahead = next(self._frames, None)
            yield TimedPicture(time_s, Picture(frame, self._turn))

    def sound_until(self, end_s: float) -> np.ndarray:
        """The next samples up to number `round(end_s * 16000)`, mono float32; silence where there is none."""
        end = round(end_s * AUDIO_RATE)
        if self._sound is not None:
            samples = self._sound.until(end)
        else:
            samples = np.zeros(max(0, end - self._sound_given), np.float32)
        self._sound_given = max(end, self._sound_given)
        return samples

    def levels_until(self, end_s: float) -> Levels:
        """How loud the next tenths of a second are, up to this time; silence where there is no sound."""
        cells = cells_until(end_s, last=end_s >= self.probed.duration_s)
        if self._sound is not None:
            levels = self._sound.levels_until(cells)
        else:
            count = max(0, cells - self._cells_given)
            levels = Levels(np.zeros(count), np.zeros(count, np.float32))
        self._cells_given = max(cells, self._cells_given)
        return levels

    def damage(self) -> Damage:
        """What could not be decoded of all that was asked for so far."""
        sound = self._sound.packets_lost if self._sound is not None else 0
        return Damage(self._video.frames_lost, sound)

    def seek(self, start_s: float) -> None:
        """Go on with the picture that is shown from `start_s` on, and with the sound from there.

        All is as in an undisturbed run. The file is read from its beginning: of the pictures, those from a
        key frame on are decoded; of the sound everything, because a decoder and a resampler remember what was
        before.
        """
        before = self._origin + (start_s + ROUNDING_S) / self._scan.tick_s
        since = self._origin + (start_s - ROUNDING_S) / self._scan.tick_s
        self._start(None, self._scan.packets_before(before), since)
        self._start_sound()
        if self._want_sound:
            for second in range(int(start_s)):
                self.sound_until(float(second))
            self.sound_until(start_s)
            self.levels_until(start_s)
        for _ in self.pictures_until(start_s - ROUNDING_S):
            pass

    def _start(self, packets: Iterator[Any] | None, skip_video: int, wanted_from: float) -> None:
        """Begin with the first packet; `packets` are those in memory, if any.

        The first `skip_video` packets of the picture are left out. Before `wanted_from`, in ticks, nobody
        misses a picture.
        """
        if packets is None:
            self._container.close()
            self._container = open_container(self._path)
            packets = read_packets(self._container, self._tracks)
        self._queues = PacketQueues(packets, self._tracks, skip_video)
        stream = self._container.streams[self._tracks.video]
        announced = self._scan.ticks[self._scan.ticks >= wanted_from]
        self._video = Video(stream, self._queues.video, self._threads, self._scan.step, announced)
        self._frames = self._video.frames()
        self._ahead = next(self._frames, None)

    def _start_sound(self) -> None:
        self._sound = None
        self._sound_given = self._cells_given = 0
        if self._tracks.audio is None:
            return
        origin_s = self._origin * self._scan.tick_s
        self._queues.leave_out_sound_after(origin_s + self.probed.duration_s if self._want_sound else -np.inf)
        stream = self._container.streams[self._tracks.audio]
        self._sound = Sound(stream, self._queues.audio, origin_s, self.probed.duration_s)
