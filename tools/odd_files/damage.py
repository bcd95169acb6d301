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


#: A unit of H.264 that nothing is known of: whoever writes MP4 or Matroska takes a packet without for empty.
UNKNOWN_UNIT = b"\0\0\0\1" + bytes(100)
#: A unit of HEVC that only says that a picture begins. The decoder says nothing where no other follows it.
DELIMITER = b"\0\0\0\1\x46\x01\x50"
#: Frame 59 at 30 a second as a picture of MPEG-4 part 2 that is "not coded": the one before it stays.
NOT_CODED = b"\0\0\1\xb6\x5e\xcf"


def replaced(data: bytes, *numbers: int) -> PacketEdit:
    """Packets `numbers` hold `data` instead of a frame."""

    def edit(number: int, packet: Any) -> Iterable[Any]:
        if number not in numbers:
            return [packet]
        other = av.Packet(data)
        other.pts, other.dts, other.time_base = packet.pts, packet.dts, packet.time_base
        other.duration, other.is_keyframe = packet.duration, packet.is_keyframe
        return [other]

    return edit


#: Name of the file: what it is, which of 120 frames cannot be decoded.
HOLES = {
    "hole.mkv": ("one frame cannot be decoded", (59,)),
    "hole_first.mkv": ("the first frame cannot be decoded", (0,)),
    "hole_last.mkv": ("the last frame cannot be decoded", (119,)),
    "holes.mkv": ("frames 40 to 69 of 120 cannot be decoded", tuple(range(40, 70))),
}


#: Frames that are shown of files in which others are not.
SEEN_OF_HEVC = (*range(40), *range(60, patterns.COUNT))
WITHOUT_THREE = (*range(58), *range(61, patterns.COUNT))
WITHOUT_ONE = (*range(59), *range(60, patterns.COUNT))


def declare_hole(name: str, what: str, lost: tuple[int, ...]) -> None:
    """The usual file in which some frames are rubbish: the frame before them stays on screen."""
    kept = [n for n in range(patterns.COUNT) if n not in lost]
    times_s = [(n - kept[0]) / patterns.FPS for n in kept]
    right = usual(
        kept,
        times_s=times_s,
        beeps_s=[beep - kept[0] / patterns.FPS for beep in patterns.BEEPS_S],
        duration_s=4 - kept[0] / patterns.FPS,
        warning=f"^{len(lost)} pictures? could not be decoded",
    )

    @odd_file(name, what, right)
    def file(path: Path, workshop: Workshop) -> None:
        write(path, Encoded(numbered(), options=INTRA, edit=replaced(UNKNOWN_UNIT, *lost)), beeps())


for _name, _row in HOLES.items():
    declare_hole(_name, *_row)


@odd_file("all_lost.mkv", "not one frame can be decoded", Refused("frame", "there is nothing to show"))
def all_lost(path: Path, workshop: Workshop) -> None:
    rubbish = replaced(UNKNOWN_UNIT, *range(patterns.COUNT))
    write(path, Encoded(numbered(), options=INTRA, edit=rubbish), beeps())


@odd_file(
    "hole_hevc.mp4",
    "one frame of HEVC is nothing, and so are those that refer to it: the decoder says nothing of it",
    usual(
        SEEN_OF_HEVC,
        times_s=[n / patterns.FPS for n in SEEN_OF_HEVC],
        duration_s=4,
        warning="^20 pictures could not be decoded",
    ),
    "it also shows what was made from a picture that is missing",
)
def hole_hevc(path: Path, workshop: Workshop) -> None:
    options = {"x265-params": "log-level=none:qp=4:keyint=30:min-keyint=30:scenecut=0:bframes=0"}
    write(path, Encoded(numbered(), "libx265", options, edit=replaced(DELIMITER, 40)), beeps())


@odd_file(
    "empty_packets.mkv",
    "three packets are empty: no frame is announced there",
    usual(WITHOUT_THREE, times_s=[n / patterns.FPS for n in WITHOUT_THREE], duration_s=4),
)
def empty_packets(path: Path, workshop: Workshop) -> None:
    write(path, Encoded(numbered(), options=INTRA, edit=replaced(b"\0", 58, 59, 60)), beeps())


@odd_file(
    "not_coded.mp4",
    "MPEG-4 part 2 in which a frame is marked as not coded: the one before it is to stay",
    usual(WITHOUT_ONE, times_s=[n / patterns.FPS for n in WITHOUT_ONE], duration_s=4),
)
def not_coded(path: Path, workshop: Workshop) -> None:
    edit = replaced(NOT_CODED, 59)
    write(path, Encoded(numbered(), "mpeg4", {}, settings={"qmin": 1, "qmax": 1}, edit=edit), beeps())


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
