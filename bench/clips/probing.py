"""What is known of a clip before it is decoded: its length, its size as shown, whether it is cut off."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from clipbench.bench.clips.packets import Tracks
from clipbench.bench.clips.scan import Scan
from clipbench.bench.clips.turning import Turn
from clipbench.bench.errors import InputError

#: Sound that begins this long after all else has ended is left out of the clip.
LONGEST_SILENCE_S = 60.0
#: Pictures and sound that end this far from each other are worth a line.
UNEQUAL_ENDS_S = 1.0
#: Pixels that are more times as wide as high than this, or as high as wide, are a damaged header.
LONGEST_PIXEL = 8
#: A clip lacks its end if more than this is missing of what its header promises, in seconds and as a share.
#: What ends a little early is whole: headers round, and the last packets are often lost.
MISSING_S, MISSING_SHARE = 0.5, 0.05
#: Formats whose header states the duration. Of others libavformat makes one up from the bit rate.
PROMISING = ("mov", "matroska", "avi", "flv", "asf", "mxf", "nut")


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


def probe(
    container: Any, tracks: Tracks, found: Scan, first: tuple[int, Any], turn: Turn, path: Path
) -> Probed:
    """What the packets `found` and the `first` picture, with its time in ticks, say of a clip.

    Raises InputError if the file is cut off.
    """
    video, (origin, frame) = container.streams[tracks.video], first
    ticks = found.ticks[found.ticks >= origin]
    if not len(ticks) or ticks[0] > origin:
        ticks = np.concatenate([[origin], ticks])
    times_s = (ticks - origin) * found.tick_s
    warnings = list(missing_end(container, video, found, path))
    if found.left_out:
        warnings.append(f"{found.left_out} pictures are left out: their times are damaged")
    picture_s = float(times_s[-1] + found.last_step * found.tick_s)
    sound = found.sound - origin * found.tick_s
    sound_s = end_of_sound(sound, picture_s)
    if sound_s and abs(sound_s - picture_s) > UNEQUAL_ENDS_S:
        warnings.append(f"its pictures last {picture_s:.1f} s and its sound {sound_s:.1f} s")
    if len(sound) and not sound_s:
        warnings.append("its sound is nowhere near its pictures, and is not heard")
    elif len(sound) and sound[:, 1].max() > max(sound_s, picture_s):
        warnings.append(f"its sound from {sound[sound[:, 0] >= sound_s, 0].min():.0f} s on is left out")
    width, height = shown_size(frame, video, turn)
    return Probed(
        duration_s=max(picture_s, sound_s),
        width=width,
        height=height,
        fps=len(times_s) / picture_s,
        has_audio=sound_s > 0,
        times_s=times_s,
        tracks=tracks.chosen,
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


def missing_end(container: Any, video: Any, found: Scan, path: Path) -> tuple[str, ...]:
    """A line if the file has less than the duration that its header promises; none if all is there.

    The promise is that of the picture's track, or else that of the file, which holds for the longer of
    pictures and sound. It may count from the first packet or from 0. Raises InputError if the file itself is
    cut off: a copy or download that stopped. A damaged file that has all of its bytes is played.
    """
    if not container.format.name.startswith(PROMISING):
        return ()
    start_s, end_s = (
        found.first_packet * found.tick_s,
        (int(found.ticks[-1]) + found.last_step) * found.tick_s,
    )
    if "mov" in container.format.name and video.duration:
        promised_s = float(video.duration * video.time_base)
    elif container.duration:
        promised_s = container.duration / 1_000_000
        if len(found.sound):
            end_s = max(end_s, float(found.sound[:, 1].max()))
            start_s = min(start_s, float(found.sound[:, 0].min()))
    else:
        return ()
    there_s = max(end_s, end_s - start_s)
    if there_s >= promised_s - max(MISSING_S, MISSING_SHARE * promised_s):
        return ()
    if is_cut_off(container, video, found):
        raise InputError(f"clip.path: {path} is truncated: {there_s:.1f} of {promised_s:.1f} s are there")
    return (f"it promises {promised_s:.1f} s, of which {there_s:.1f} s are there",)


def is_cut_off(container: Any, video: Any, found: Scan) -> bool:
    """Whether bytes are missing at the end of a file that has less than it promises.

    QuickTime and MP4 say where each packet lies; of other formats the last packets lie at the end.
    """
    size = container.size
    if "mov" in container.format.name:
        ends = np.array([entry.pos + entry.size for entry in video.index_entries], np.int64)
        return bool(len(ends)) and float((ends > size).mean()) > MISSING_SHARE
    return bool(found.read_to > (1 - MISSING_SHARE) * size)
