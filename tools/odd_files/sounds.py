"""Odd files: where the sound stands, and what it is made of."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import av
import numpy as np

from tools.odd_files import patterns
from tools.odd_files.declaration import Refused, odd_file, usual
from tools.odd_files.patterns import BEEPS_S, beeping, numbered, sound_frames
from tools.odd_files.writing import Copied, Encoded, Workshop, beeps, write


def with_sound(path: Path, workshop: Workshop, sound: Encoded | Copied, **more: Any) -> Path:
    """The usual picture with another sound."""
    return write(path, Copied(workshop.plain()), sound, **more)


@odd_file(
    "sound_late.mp4",
    "the sound starts 1.25 s after the picture",
    usual(beeps_s=[b + 1.25 for b in BEEPS_S], duration_s=5.25, warning="sound"),
)
def sound_late(path: Path, workshop: Workshop) -> None:
    with_sound(path, workshop, Copied(workshop.plain(), "audio", shift_s=1.25))


@odd_file(
    "picture_late.mp4",
    "the picture starts 1.25 s after the sound",
    usual(beeps_s=[b - 1.25 for b in BEEPS_S[1:]], duration_s=4),
)
def picture_late(path: Path, workshop: Workshop) -> None:
    write(path, Copied(workshop.plain(), shift_s=1.25), Copied(workshop.plain(), "audio"))


@odd_file("sound_over_before.mkv", "all of the sound is over before the first frame", usual(beeps_s=()))
def sound_over_before(path: Path, workshop: Workshop) -> None:
    write(path, Copied(workshop.plain(), shift_s=5), Copied(workshop.plain(), "audio"))


@odd_file(
    "sound_longer.mp4",
    "9 s of sound for 4 s of picture",
    usual(beeps_s=[n + 0.5 for n in range(9)], duration_s=9, warning="sound"),
)
def sound_longer(path: Path, workshop: Workshop) -> None:
    with_sound(path, workshop, beeps(seconds=9))


@odd_file("sound_shorter.mp4", "1 s of sound for 4 s of picture", usual(beeps_s=(0.5,), warning="sound"))
def sound_shorter(path: Path, workshop: Workshop) -> None:
    with_sound(path, workshop, beeps(seconds=1))


@odd_file("sound_far.mkv", "the sound is 100,000 s behind the picture", usual(beeps_s=(), warning="sound"))
def sound_far(path: Path, workshop: Workshop) -> None:
    with_sound(path, workshop, Copied(workshop.plain(), "audio", shift_s=1e5))


@odd_file(
    "sound_wall_time.mkv",
    "sound in seconds since 1970, picture from 0",
    usual(beeps_s=(), warning="sound"),
    "it takes a clock that is more than thirty hours off for none, and plays the sound from the start",
)
def sound_wall_time(path: Path, workshop: Workshop) -> None:
    with_sound(path, workshop, Copied(workshop.plain(), "audio", shift_s=1.749e9))


def muted(number: int, packet: Any) -> Iterable[Any]:
    """No packets from 1 to 2.3 s, as of a microphone that is switched off."""
    return [] if 1.0 <= packet.pts * packet.time_base < 2.3 else [packet]


@odd_file("sound_gap.mkv", "no sound from 1 to 2.3 s", usual(beeps_s=(0.5, 2.5, 3.5)))
def sound_gap(path: Path, workshop: Workshop) -> None:
    with_sound(path, workshop, beeps("libopus", edit=muted))


@odd_file("sound_gap.mp4", "no sound from 1 to 2.3 s, AAC in MP4", usual(beeps_s=(0.5, 2.5, 3.5)))
def sound_gap_mp4(path: Path, workshop: Workshop) -> None:
    with_sound(path, workshop, Copied(workshop.plain(), "audio", edit=muted))


#: Why the command is no judge of a sound that changes.
RESTARTS = "its filter starts again at the change and puts two seconds of silence before what follows"


def half(path: Path, first: int, rate: int, channels: int) -> Path:
    """Two seconds of MPEG-TS from frame `first` on, and their sound, on a clock that began 10 s before."""
    samples = beeping(2, rate, channels, first / patterns.FPS)
    layout = {1: "mono", 2: "stereo"}[channels]
    frames = numbered(60, first=first)
    for frame in frames:
        frame.pts += 10 * patterns.FPS
    sound = sound_frames(samples, rate, layout, first * rate // patterns.FPS + 10 * rate)
    return write(path, Encoded(frames), Encoded(sound, "aac", {}))


@odd_file("sound_rate_changes.ts", "the sound goes from 48 to 44.1 kHz in the middle", usual(), RESTARTS)
def sound_rate_changes(path: Path, workshop: Workshop) -> None:
    first = workshop.made("at_48k.ts", lambda to: half(to, 0, 48_000, 1))
    second = workshop.made("at_44k.ts", lambda to: half(to, 60, 44_100, 1))
    path.write_bytes(first.read_bytes() + second.read_bytes())


@odd_file("sound_channels_change.ts", "the sound goes from mono to stereo in the middle", usual(), RESTARTS)
def sound_channels_change(path: Path, workshop: Workshop) -> None:
    first = workshop.made("mono.ts", lambda to: half(to, 0, 48_000, 1))
    second = workshop.made("stereo.ts", lambda to: half(to, 60, 48_000, 2))
    path.write_bytes(first.read_bytes() + second.read_bytes())


def sixtieth_is_rubbish(number: int, packet: Any) -> Iterable[Any]:
    """One packet of sound without meaning, at 1.28 s."""
    if number != 60:
        return [packet]
    rubbish = av.Packet(bytes(packet)[:4] + b"\xff" * (packet.size - 4))
    rubbish.pts, rubbish.dts, rubbish.time_base = packet.pts, packet.dts, packet.time_base
    rubbish.duration = packet.duration
    return [rubbish]


@odd_file("sound_bad_packet.mkv", "one packet of sound cannot be decoded", usual())
def sound_bad_packet(path: Path, workshop: Workshop) -> None:
    with_sound(path, workshop, Copied(workshop.plain(), "audio", edit=sixtieth_is_rubbish))


def first_two(number: int, packet: Any) -> Iterable[Any]:
    """Two packets only."""
    return [packet] if number < 2 else []


@odd_file("sound_two_packets.mp4", "43 ms of sound", usual(beeps_s=(), warning="sound"))
def sound_two_packets(path: Path, workshop: Workshop) -> None:
    with_sound(path, workshop, Copied(workshop.plain(), "audio", edit=first_two))


def pcm(codec: str, channels: int, layout: str, rate: int = 48_000) -> Encoded:
    """The usual beeps in every channel."""
    return Encoded(sound_frames(beeping(rate=rate, channels=channels), rate, layout), codec, {})


#: Name of the file: what it is, codec, channels, layout, rate.
SOUNDS = {
    "sound_7_1.mp4": ("7.1 AAC", "aac", 8, "7.1", 48_000),
    "sound_5_1.mkv": ("5.1 AC-3", "ac3", 6, "5.1(side)", 48_000),
    "sound_16_channels.mov": ("16 channels of PCM", "pcm_s16le", 16, "hexadecagonal", 48_000),
    "sound_6_1.mov": ("6.1 PCM in MOV", "pcm_s16le", 7, "6.1", 48_000),
    "sound_7_1.mov": ("7.1 PCM in MOV", "pcm_s16le", 8, "7.1", 48_000),
    "sound_mulaw.mov": ("μ-law, 8 kHz", "pcm_mulaw", 1, "mono", 8_000),
    "sound_96k.mkv": ("FLAC, 96 kHz", "flac", 1, "mono", 96_000),
    "sound_u8.mkv": ("unsigned PCM of 8 bits", "pcm_u8", 1, "mono", 48_000),
    "sound_s24.mov": ("PCM of 24 bits", "pcm_s24le", 2, "stereo", 48_000),
    "sound_f64.mkv": ("PCM of 64-bit floats", "pcm_f64le", 1, "mono", 48_000),
    "sound_mp3.mkv": ("MP3 in Matroska", "libmp3lame", 2, "stereo", 44_100),
    "sound_opus.webm": ("Opus in WebM", "libopus", 2, "stereo", 48_000),
    "sound_alac.mov": ("ALAC in MOV", "alac", 2, "stereo", 44_100),
}


def declare(name: str, what: str, codec: str, channels: int, layout: str, rate: int) -> None:
    """The usual picture with a sound of one codec, layout and rate."""

    @odd_file(name, f"sound: {what}", usual())
    def sound(path: Path, workshop: Workshop) -> None:
        track = pcm(codec, channels, layout, rate)
        if path.suffix == ".webm":
            write(path, Encoded(numbered(), "libvpx", {"crf": "4", "b": "2M", "deadline": "realtime"}), track)
        else:
            with_sound(path, workshop, track)


for _name, _row in SOUNDS.items():
    declare(_name, *_row)

#: Name of the file: the layout, its channels, and Apple's tag for an arrangement that has no standard order.
LAYOUT_TAGS = {
    "sound_6_1_tagged.mov": ("6.1", 7, 0x007D0007),
    "sound_7_1_tagged.mov": ("7.1", 8, 0x00800008),
}


def declare_tagged(name: str, layout: str, channels: int, tag: int) -> None:
    """PCM in MOV whose `chan` atom names its layout by a tag instead of by bits."""

    @odd_file(name, f"{layout} PCM in MOV, arranged as Apple's tag {tag >> 16} says", usual())
    def tagged(path: Path, workshop: Workshop) -> None:
        with_sound(path, workshop, pcm("pcm_s16le", channels, layout))
        data = bytearray(path.read_bytes())
        at = data.index(b"chan") + 8
        data[at : at + 8] = tag.to_bytes(4, "big") + bytes(4)
        path.write_bytes(data)


for _name, _tagged in LAYOUT_TAGS.items():
    declare_tagged(_name, *_tagged)


@odd_file("sound_opposed.mp4", "stereo whose channels cancel each other out", usual(beeps_s=()))
def sound_opposed(path: Path, workshop: Workshop) -> None:
    samples = beeping(channels=2) * np.array([[1], [-1]], np.float32)
    with_sound(
        path, workshop, Encoded(sound_frames(samples, layout="stereo"), "pcm_s16le", {}), container="mov"
    )


@odd_file("sound_not_finite.mkv", "PCM with NaN and infinity in it", usual())
def sound_not_finite(path: Path, workshop: Workshop) -> None:
    samples = beeping(rate=16_000)
    samples[0, 1000:1100], samples[0, 2000] = np.nan, np.inf
    with_sound(path, workshop, Encoded(sound_frames(samples, 16_000), "pcm_f32le", {}))


@odd_file("sound_only.mp4", "no picture at all", Refused("no video", "there is no picture"))
def sound_only(path: Path, workshop: Workshop) -> None:
    write(path, Copied(workshop.plain(), "audio"))
