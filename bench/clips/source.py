"""A clip's file, opened once for its pictures, its sound and their times, and decoded as far as is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from clipbench.bench.clips.packets import PacketQueues, choose_tracks, open_container
from clipbench.bench.clips.pictures import Picture, TimedPicture
from clipbench.bench.clips.probing import Scan, scan
from clipbench.bench.clips.sound import AUDIO_RATE, Sound
from clipbench.bench.clips.turning import Turn, turn_of
from clipbench.bench.clips.video import Video
from clipbench.bench.errors import InputError

#: Sound that begins this long after all else has ended is left out of the clip.
LONGEST_SILENCE_S = 60.0
#: Pictures and sound that end this far from each other are worth a line.
UNEQUAL_ENDS_S = 1.0
#: Pixels that are more times as wide as high than this, or less than its inverse, are a damaged header.
LONGEST_PIXEL = 16


@dataclass(frozen=True)
class Probed:
    """What is known of a clip before it is decoded; width and height are as shown.

    `times_s` is when each picture is shown, by the packets, ascending from 0: damaged files may give fewer.
    `tracks` says which of several tracks were taken, and is empty where there was no choice.
    """

    duration_s: float
    width: int
    height: int
    fps: float
    has_audio: bool
    times_s: np.ndarray
    tracks: str
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Damage:
    """What could not be decoded so far."""

    frames_lost: int = 0
    sound_packets_lost: int = 0

    def lines(self) -> tuple[str, ...]:
        """The damage in words, one line for each kind; none for a sound file."""
        lines = []
        if self.frames_lost:
            lines.append(f"{counted(self.frames_lost, 'picture')} could not be decoded")
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

    def __init__(self, path: Path, threads: int) -> None:
        """Read the packets of the file at `path`, and decode its first picture."""
        self._path, self._threads = path, threads
        with open_container(path) as container:
            self._tracks = choose_tracks(container, path)
            self._scan = scan(container, self._tracks, path)
        self._open(skip_video=0)
        try:
            if self._ahead is None:
                raise InputError(f"clip.path: no frame of {path} can be decoded")
            self._origin, first = self._ahead
            self._turn = turn_of(first)
            self.probed = self._probe(first)
            self._start_sound()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. Pictures that were given stay as they are."""
        self._container.close()

    def pictures_until(self, end_s: float) -> Iterator[TimedPicture]:
        """The pictures before `end_s` that were not given yet, in order of time."""
        while self._ahead is not None:
            ticks, frame = self._ahead
            time_s = (ticks - self._origin) * self._scan.tick_s
            if time_s >= end_s:
                return
            self._ahead = next(self._frames, None)
            yield TimedPicture(time_s, Picture(frame, self._turn))

    def sound_until(self, end_s: float) -> np.ndarray:
        """The next samples up to number `round(end_s * 16000)`, mono float32; silence where there is none."""
        end = round(end_s * AUDIO_RATE)
        if self._sound is None:
            samples = np.zeros(max(0, end - self._sound_given), np.float32)
        else:
            samples = self._sound.until(end)
        self._sound_given = max(end, self._sound_given)
        return samples

    def damage(self) -> Damage:
        """What could not be decoded of all that was asked for so far."""
        sound = self._sound.packets_lost if self._sound is not None else 0
        return Damage(self._video.packets_lost, sound)

    def seek(self, start_s: float) -> None:
        """Go on from `start_s`: pictures and samples from there on equal those of an undisturbed run.

        The file is read from its beginning. Of its pictures, those from a key frame on are decoded; the sound
        is decoded as a whole, because a decoder and a resampler remember what was before.
        """
        self.close()
        self._open(self._scan.packets_before(start_s / self._scan.tick_s + self._origin))
        self._start_sound()
        for second in np.arange(0.0, start_s):
            self.sound_until(float(second))
        self.sound_until(start_s)
        for _ in self.pictures_until(start_s):
            pass

    def _open(self, skip_video: int) -> None:
        self._container = open_container(self._path)
        self._queues = PacketQueues(self._container, self._tracks, skip_video)
        stream = self._container.streams[self._tracks.video]
        self._video = Video(stream, self._queues.video, self._threads, self._scan.step)
        self._frames = self._video.frames()
        self._ahead = next(self._frames, None)

    def _start_sound(self) -> None:
        self._sound: Sound | None = None
        self._sound_given = 0
        if self._tracks.audio is not None:
            origin_s = self._origin * self._scan.tick_s
            stream = self._container.streams[self._tracks.audio]
            self._queues.leave_out_sound_after(origin_s + self.probed.duration_s)
            self._sound = Sound(stream, self._queues.audio, origin_s)

    def _probe(self, first: Any) -> Probed:
        found = self._scan
        ticks = found.ticks[found.ticks >= self._origin]
        if not len(ticks):
            ticks = np.array([self._origin])
        times_s = (ticks - ticks[0]) * found.tick_s
        picture_s = float(times_s[-1] + found.last_step * found.tick_s)
        sound = found.sound - self._origin * found.tick_s
        sound_s = end_of_sound(sound, picture_s)
        warnings = []
        if len(sound) and abs(sound_s - picture_s) > UNEQUAL_ENDS_S:
            warnings.append(f"the picture ends at {picture_s:.1f} s, the sound at {sound_s:.1f} s")
        if len(sound) and sound[:, 1].max() > max(sound_s, picture_s):
            warnings.append(f"sound from {sound[sound[:, 0] > sound_s, 0].min():.1f} s on is left out")
        width, height = shown_size(first, self._container.streams[self._tracks.video], self._turn)
        return Probed(
            duration_s=max(picture_s, sound_s),
            width=width,
            height=height,
            fps=len(times_s) / picture_s,
            has_audio=sound_s > 0,
            times_s=times_s,
            tracks=self._tracks.chosen,
            warnings=tuple(warnings),
        )


def end_of_sound(sound: np.ndarray, picture_s: float) -> float:
    """When the sound ends that belongs to a clip whose picture ends at `picture_s`; 0 if none does.

    `sound` is `[packets, 2]`, start and end of each in seconds of the clip.
    """
    sound = sound[np.argsort(sound[:, 0], kind="stable")]
    ends = np.maximum.accumulate(np.concatenate([[picture_s], sound[:, 1]]))
    far = np.flatnonzero(sound[:, 0] > ends[:-1] + LONGEST_SILENCE_S)
    near = sound[: far[0]] if len(far) else sound
    return max(0.0, float(near[:, 1].max())) if len(near) else 0.0


def shown_size(frame: Any, stream: Any, turn: Turn) -> tuple[int, int]:
    """Width and height of `frame` as a player shows it: pixels made square, and turned."""
    aspect = float(stream.sample_aspect_ratio or 1)
    if not 1 / LONGEST_PIXEL <= aspect <= LONGEST_PIXEL:
        aspect = 1.0
    width, height = max(1, round(frame.width * aspect)), frame.height
    return (height, width) if turn.transposed else (width, height)
