"""Odd files: damaged ones, and things that are no clips at all."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import av

from tools.odd_files import patterns
from tools.odd_files.declaration import Refused, odd_file, usual
from tools.odd_files.patterns import numbered
from tools.odd_files.writing import X264, Copied, Encoded, PacketEdit, Workshop, beeps, write

#: Every frame for itself, so that a lost one costs no other.
INTRA = X264 | {"g": "1"}


def zeroed(*numbers: int) -> PacketEdit:
    """Packets `numbers` hold zeros instead of a frame."""

    def edit(number: int, packet: Any) -> Iterable[Any]:
        if number not in numbers:
            return [packet]
        empty = av.Packet(bytes(packet.size))
        empty.pts, empty.dts, empty.time_base = packet.pts, packet.dts, packet.time_base
        empty.duration, empty.is_keyframe = packet.duration, True
        return [empty]

    return edit


#: Name of the file: what it is, which of 120 frames cannot be decoded.
HOLES = {
    "hole.mkv": ("one frame cannot be decoded", (59,)),
    "hole_first.mkv": ("the first frame cannot be decoded", (0,)),
    "hole_last.mkv": ("the last frame cannot be decoded", (119,)),
    "holes.mkv": ("frames 40 to 69 of 120 cannot be decoded", tuple(range(40, 70))),
}


def declare_hole(name: str, what: str, lost: tuple[int, ...]) -> None:
    """The usual file in which some frames are zeros: the frame before them stays on screen."""
    kept = [n for n in range(patterns.COUNT) if n not in lost]
    times_s = [(n - kept[0]) / patterns.FPS for n in kept]
    right = usual(
        kept,
        times_s=times_s,
        beeps_s=[beep - kept[0] / patterns.FPS for beep in patterns.BEEPS_S],
        duration_s=4 - kept[0] / patterns.FPS,
    )

    @odd_file(name, what, right)
    def file(path: Path, workshop: Workshop) -> None:
        write(path, Encoded(numbered(), options=INTRA, edit=zeroed(*lost)), beeps())


for _name, _row in HOLES.items():
    declare_hole(_name, *_row)


@odd_file("all_lost.mkv", "not one frame can be decoded", Refused("frame", "there is nothing to show"))
def all_lost(path: Path, workshop: Workshop) -> None:
    write(path, Encoded(numbered(), options=INTRA, edit=zeroed(*range(patterns.COUNT))), beeps())


#: Why the command plays what is refused here.
PLAYS_REST = "it plays what is left, which a measurement would take for the whole"


def cut(source: Path, path: Path, share: float) -> None:
    """The first `share` of a file's bytes."""
    data = source.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])


def index_first(path: Path) -> Path:
    """The usual file with its index at the start, every frame for itself."""
    return write(path, Encoded(numbered(), options=INTRA), beeps(), options={"movflags": "faststart"})


@odd_file(
    "half.mp4", "the first half of an MP4", Refused("truncated", "half of the clip is missing"), PLAYS_REST
)
def half(path: Path, workshop: Workshop) -> None:
    cut(workshop.made("index_first.mp4", index_first), path, 0.6)


@odd_file(
    "index_lost.mp4", "an MP4 whose end with its index is missing", Refused("read", "no player plays it")
)
def index_lost(path: Path, workshop: Workshop) -> None:
    cut(workshop.plain(), path, 0.5)


@odd_file(
    "half.mkv",
    "the first half of a Matroska file",
    Refused("truncated", "half of the clip is missing"),
    PLAYS_REST,
)
def half_mkv(path: Path, workshop: Workshop) -> None:
    whole = workshop.made("whole.mkv", lambda to: write(to, Encoded(numbered(), options=INTRA), beeps()))
    cut(whole, path, 0.5)


def wrong_count(path: Path, frames: int) -> None:
    """Let the header of the AVI at `path` speak of another number of frames."""
    data = bytearray(path.read_bytes())
    main, video = data.index(b"avih") + 8 + 16, data.index(b"strh") + 8 + 32
    for at in (main, video):
        data[at : at + 4] = frames.to_bytes(4, "little")
    path.write_bytes(data)


@odd_file(
    "wrong_count.avi",
    "an AVI whose header speaks of fewer frames than there are",
    usual(range(60), beeps_s=(0.5, 1.5)),
)
def fewer_counted(path: Path, workshop: Workshop) -> None:
    write(path, Encoded(numbered(60), "mjpeg", {}, "yuvj420p", {"qmin": 1, "qmax": 1}), beeps("pcm_s16le", 2))
    wrong_count(path, 50)


@odd_file("rubbish_before.ts", "MPEG-TS behind 1000 bytes of something else", usual())
def rubbish_before(path: Path, workshop: Workshop) -> None:
    plain = workshop.plain()
    whole = workshop.made("whole.ts", lambda to: write(to, Copied(plain), Copied(plain, "audio")))
    path.write_bytes(bytes(range(250)) * 4 + whole.read_bytes())


@odd_file("rubbish_behind.mp4", "an MP4 with 5000 zeros behind it", usual())
def rubbish_behind(path: Path, workshop: Workshop) -> None:
    path.write_bytes(workshop.plain().read_bytes() + bytes(5000))


@odd_file("text.mp4", "a text", Refused("read", "it is no video"))
def text(path: Path, workshop: Workshop) -> None:
    path.write_text("this is no video\n" * 100)


@odd_file("empty.mp4", "an empty file", Refused("empty|read", "it is no video"))
def empty(path: Path, workshop: Workshop) -> None:
    path.touch()


@odd_file("._plain.mp4", "what macOS leaves beside a file on other disks", Refused("read", "it is no video"))
def apple_double(path: Path, workshop: Workshop) -> None:
    path.write_bytes(bytes.fromhex("0005160700020000") + b"Mac OS X        " + bytes(4072))


@odd_file("folder.mp4", "a folder", Refused("folder", "it is no file"))
def folder(path: Path, workshop: Workshop) -> None:
    path.mkdir()


@odd_file("broken_link.mp4", "a link to nothing", Refused("gone|no file", "there is no file"))
def broken_link(path: Path, workshop: Workshop) -> None:
    path.symlink_to("nothing.mp4")


@odd_file(
    "pipe.mp4", "a pipe that nobody writes into", Refused("pipe|FIFO|file", "waiting would have no end")
)
def pipe(path: Path, workshop: Workshop) -> None:
    os.mkfifo(path)
