"""Odd files: several tracks, of which one is played, and names that give trouble."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.stream import Disposition

from tools.odd_files import patterns
from tools.odd_files.declaration import Refused, odd_file, usual
from tools.odd_files.patterns import numbered, painted, sound_frames
from tools.odd_files.writing import Copied, Encoded, Workshop, write

COVER = Disposition.attached_pic


def cover() -> Encoded:
    """A picture of the album, 300×300, as a track."""
    return Encoded(painted(patterns.corners(300, 300), 1), "png", {}, disposition=COVER)


@odd_file("cover_last.mp4", "a cover after picture and sound", usual())
def cover_last(path: Path, workshop: Workshop) -> None:
    write(path, Copied(workshop.plain()), Copied(workshop.plain(), "audio"), cover())


class Attached:
    """A cover as Matroska has it: a file attached to the tracks."""

    def start(self, container: Any) -> tuple[Any, list[Any]]:
        """The attachment in `container`; it has no packets."""
        encoder = av.CodecContext.create("mjpeg", "w")
        encoder.width = encoder.height = 64
        encoder.pix_fmt, encoder.time_base = "yuvj420p", Fraction(1, 10)
        [frame] = painted(patterns.corners(64, 64), 1)
        image = b"".join(bytes(packet) for packet in encoder.encode(frame.reformat(format="yuvj420p")))
        return container.add_attachment("cover.jpg", "image/jpeg", image), []


@odd_file("cover_attached.mkv", "a cover as an attachment", usual())
def cover_attached(path: Path, workshop: Workshop) -> None:
    write(path, Attached(), Copied(workshop.plain()), Copied(workshop.plain(), "audio"))


@odd_file("song.mp4", "a song with its cover", Refused("cover", "a cover is no video"), "it shows the cover")
def song(path: Path, workshop: Workshop) -> None:
    write(path, Copied(workshop.plain(), "audio"), cover())


@odd_file(
    "two_cameras.mp4", "two videos: a small short one, and the default one", usual(warning="track 2 of 2")
)
def two_cameras(path: Path, workshop: Workshop) -> None:
    small = Encoded(numbered(10, 10, 10, (32, 32)), disposition=0)
    plain = workshop.plain()
    write(path, small, Copied(plain, disposition=Disposition.default), Copied(plain, "audio"))


@odd_file("two_sounds.mkv", "two sounds: a silent one, and the default one", usual(warning="track 2 of 2"))
def two_sounds(path: Path, workshop: Workshop) -> None:
    silent = Encoded(sound_frames(np.zeros((1, 192_000), np.float32)), "aac", {}, disposition=0)
    plain = workshop.plain()
    write(path, Copied(plain), silent, Copied(plain, "audio", disposition=Disposition.default))


class Subtitles:
    """A track of one line of text, from 0.5 to 2 s."""

    def start(self, container: Any) -> tuple[Any, list[Any]]:
        """The new stream in `container`, and its packet."""
        stream = container.add_mux_stream("mov_text", rate=1000)
        text = b"Hello"
        packet = av.Packet(len(text).to_bytes(2, "big") + text)
        packet.time_base, packet.pts, packet.dts, packet.duration = Fraction(1, 1000), 500, 500, 1500
        return stream, [packet]


@odd_file("subtitles.mp4", "text first, then sound, then the picture", usual())
def with_subtitles(path: Path, workshop: Workshop) -> None:
    plain = workshop.plain()
    write(path, Subtitles(), Copied(plain, "audio"), Copied(plain))


#: File names as users have them: each in a few words.
NAMES = {
    os.fsdecode(b"not-utf8-\xe9\xff.mp4"): "a name whose bytes are not UTF-8",
    "-i.mp4": "a name that begins with a dash",
    "a=b, [c] {d}: 'e' \"f\" $g %h;.mp4": "a name with brackets, quotes, colons and an equals sign",
    "影片 第一集 é.mp4": "a name in Chinese",
    "n" * 251 + ".mp4": "a name of 255 bytes",
    "100%d%03d.mp4": "a name that reads as a pattern of image files",
    "file:clip|x.mp4": "a name that reads as a protocol",
    "no_ending": "a name without an ending",
    "wrong_ending.jpg": "an MP4 that is named .jpg",
}


def declare_name(name: str, what: str) -> None:
    """The usual file under another name."""

    @odd_file(name, what, usual())
    def named(path: Path, workshop: Workshop) -> None:
        path.write_bytes(workshop.plain().read_bytes())


for _name, _what in NAMES.items():
    declare_name(_name, _what)
