"""One pass over a clip's packets, without decoding: times, key frames, and where there is sound."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from clipbench.bench.clips.packets import Tracks, read_packets
from clipbench.bench.errors import InputError

#: A picture that is held for longer than this, and for so many times longer than all others together, is a
#: damaged time: what comes after it does not belong to the clip.
LONGEST_HELD_S, LONGEST_SHARE = 600.0, 10
#: No packet of sound lasts longer.
LONGEST_SOUND_S = 10.0
#: Packets of a file up to this size are kept.
KEPT_BYTES = 32 << 20


@dataclass(frozen=True)
class Scan:
    """The packets of a file, with the times of the file's own clock.

    `ticks` are the times of the pictures to be shown, ascending, in units of `tick_s` seconds; `step` is
    their usual distance, and `last_step` how long the last one is shown. `keys` is `[key frames, 2]`: how
    many packets of the picture come before each, and its time. `sound` is `[packets, 2]`, start and end in
    seconds. `left_out` is how many pictures were left out because of their times, `first_packet` the earliest
    time of a picture, shown or not, and `read_to` the byte up to which there were packets. `kept` are all
    packets of a short file, so that it is read once.
    """

    ticks: np.ndarray
    tick_s: float
    step: int
    last_step: int
    keys: np.ndarray
    sound: np.ndarray
    left_out: int
    first_packet: int
    read_to: int
    kept: list[Any] | None

    def packets_before(self, ticks: float) -> int:
        """How many packets of the picture need not be decoded to get those from `ticks` on.

        Decoding begins one key frame earlier than it has to: pictures around a key frame may refer to what
        is before it, and decoders learn the order of pictures from the first ones.
        """
        before = self.keys[self.keys[:, 1] <= ticks, 0]
        return int(before[-2]) if len(before) > 1 else 0


def scan(container: Any, tracks: Tracks, path: Path) -> Scan:
    """All packets of the file, in one pass without decoding. Raises InputError if none has a picture."""
    video = container.streams[tracks.video]
    tick = float(video.time_base)
    times: list[int] = []
    lengths: dict[int, int] = {}
    keys: list[tuple[int, int]] = []
    sound: list[tuple[float, float]] = []
    packets = size = read_to = 0
    kept: list[Any] | None = []
    earliest: int | None = None
    for packet in read_packets(container, tracks):
        at = packet.pts if packet.pts is not None else packet.dts
        length = packet.duration or 0
        size += packet.size
        read_to = max(read_to, (packet.pos or 0) + packet.size)
        if size > KEPT_BYTES:
            kept = None
        if kept is not None:
            kept.append(packet)
        if packet.stream_index != tracks.video:
            if at is not None:
                second = float(packet.time_base)
                sound.append((at * second, at * second + min(length * second, LONGEST_SOUND_S)))
            continue
        if at is not None:
            earliest = at if earliest is None else min(earliest, at)
            if packet.is_keyframe:
                keys.append((packets, at))
            if not packet.is_discard:
                times.append(at)
                lengths[at] = length
        packets += 1
    if not packets:
        raise InputError(f"clip.path: {path} has no video frames")
    ticks = np.sort(np.array(times, np.int64))
    step = usual_step(ticks, video)
    if not len(ticks):
        ticks = np.arange(packets, dtype=np.int64) * step
    last_step = length_of_last(lengths.get(int(ticks[-1]), 0) or step, video, tick)
    if len(ticks) == 1:
        step = min(step, last_step)  # the rate of a single picture is its length, right or wrong
    announced = len(ticks)
    ticks, last_step = without_damaged_times(ticks, last_step, step, tick)
    return Scan(
        ticks,
        tick,
        step,
        last_step,
        np.array(keys, np.int64).reshape(-1, 2),
        np.array(sound).reshape(-1, 2),
        announced - len(ticks),
        earliest or 0,
        read_to,
        kept,
    )


def length_of_last(length: int, video: Any, tick_s: float) -> int:
    """How many ticks the last picture is shown; one that is held very long, as long as its track lasts."""
    if length * tick_s > LONGEST_HELD_S and 0 < (video.duration or 0) < length:
        return int(video.duration)
    return length


def without_damaged_times(
    ticks: np.ndarray, last_step: int, step: int, tick_s: float
) -> tuple[np.ndarray, int]:
    """The times of pictures and how long the last is shown, up to a time that cannot be right."""
    held = np.append(np.diff(ticks), last_step)
    longest = int(np.argmax(held))
    others = int(held.sum() - held[longest])
    if held[longest] * tick_s <= LONGEST_HELD_S or held[longest] <= LONGEST_SHARE * others:
        return ticks, last_step
    return ticks[: longest + 1], step


def usual_step(ticks: np.ndarray, video: Any) -> int:
    """The usual distance of two pictures in ticks, by their times, else by the rate that the file states."""
    steps = np.diff(ticks)
    steps = steps[steps > 0]
    if len(steps):
        return int(np.median(steps))
    rate = video.average_rate or video.guessed_rate or 25
    return max(1, round(1 / float(rate) / float(video.time_base)))
