"""Odd files: containers, codecs and pixel formats."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from tools.odd_files.declaration import Shown, odd_file, usual
from tools.odd_files.patterns import levels, numbered, painted
from tools.odd_files.writing import X264, Copied, Encoded, Workshop, beeps, write

os.environ.setdefault("SVT_LOG", "0")  # the AV1 encoder tells its life otherwise

#: Quantisers of the old codecs that keep a level within one step.
FINE = {"qmin": 1, "qmax": 1, "gop_size": 12}
#: Sixty frames of a size that every encoder takes.
LARGER = (128, 96)


def encoded(
    codec: str, options: dict[str, str] | None = None, pixel_format: str | None = None, **more: Any
) -> Encoded:
    """Sixty usual frames, 128×96."""
    return Encoded(numbered(60, size=LARGER), codec, options or {}, pixel_format, more)


#: Name of the file: what it is, its track, the codec of its sound if any.
FORMATS: dict[str, tuple[str, Encoded, str | None]] = {
    "mjpeg.avi": (
        "motion JPEG and PCM in AVI",
        encoded("mjpeg", pixel_format="yuvj420p", **FINE),
        "pcm_s16le",
    ),
    "mpeg4.avi": ("MPEG-4 part 2 and AC-3 in AVI", encoded("mpeg4", **FINE), "ac3"),
    "mpeg4_b_frames.mp4": ("MPEG-4 part 2 with B-frames", encoded("mpeg4", **FINE, max_b_frames=2), "aac"),
    "h264.ts": ("H.264 and AAC in MPEG-TS", encoded("libx264", X264), "aac"),
    "h264.m2ts": ("MPEG-TS as Blu-ray discs and camcorders have it", encoded("libx264", X264), "ac3"),
    "h264.flv": ("Flash video", encoded("libx264", X264), "aac"),
    "h264.3gp": ("3GP", encoded("libx264", X264), "aac"),
    "mpeg1.mpg": ("MPEG-1 programme stream", encoded("mpeg1video", **FINE), "mp2"),
    "mpeg2.ts": ("MPEG-2 with B-frames", encoded("mpeg2video", **FINE, max_b_frames=2), "mp2"),
    "wmv2.wmv": ("Windows Media", encoded("wmv2", **FINE), "wmav2"),
    "hevc.mp4": (
        "HEVC with B-frames",
        encoded("libx265", {"x265-params": "log-level=none:qp=4:bframes=4"}),
        "aac",
    ),
    "vp8.webm": (
        "VP8 and Opus",
        encoded("libvpx", {"crf": "4", "b": "4M", "deadline": "realtime"}),
        "libopus",
    ),
    "vp9.webm": ("VP9 and Opus", encoded("libvpx-vp9", {"lossless": "1", "cpu-used": "8"}), "libopus"),
    "av1.mp4": ("AV1 and AAC", encoded("libsvtav1", {"crf": "5", "preset": "12"}), "aac"),
    "ffv1.mkv": ("FFV1", encoded("ffv1"), None),
    "huffyuv.avi": ("HuffYUV, 4:2:2", encoded("huffyuv", pixel_format="yuv422p"), None),
    "prores.mov": ("ProRes 422, 10 bits", encoded("prores_ks", {"qscale": "1"}, "yuv422p10le"), "pcm_s16le"),
    "yuv444.mp4": ("H.264, 4:4:4", encoded("libx264", X264, "yuv444p"), "aac"),
    "yuv422_10.mp4": ("H.264, 4:2:2, 10 bits", encoded("libx264", X264, "yuv422p10le"), "aac"),
    "gray.mkv": ("one plane: grey", encoded("ffv1", pixel_format="gray"), None),
    "gray16.mkv": ("one plane: grey of 16 bits", encoded("ffv1", pixel_format="gray16le"), None),
    "raw.avi": ("uncompressed frames", encoded("rawvideo"), None),
}


def declare(name: str, what: str, video: Encoded, sound: str | None) -> None:
    """Sixty usual frames in one codec and container."""
    heard = (0.5, 1.5) if sound else None

    @odd_file(name, what, usual(range(60), beeps_s=heard, size=LARGER))
    def file(path: Path, workshop: Workshop) -> None:
        write(path, video, *([beeps(sound, 2, settings={"bit_rate": 64_000})] if sound else []))


for _name, _row in FORMATS.items():
    declare(_name, *_row)


@odd_file("quicktime_atoms.mov", "H.264 and PCM in MOV, the index first", usual())
def quicktime(path: Path, workshop: Workshop) -> None:
    write(path, Copied(workshop.plain()), beeps("pcm_s16be"), options={"movflags": "faststart"})


@odd_file(
    "palette.gif",
    "an animated GIF",
    usual(range(60), beeps_s=None, times_s=[n / 20 for n in range(60)], duration_s=3),
)
def palette(path: Path, workshop: Workshop) -> None:
    write(path, Encoded(numbered(60, 20), "gif", {}, "gray"))


#: A colour of the palette that the GIF encoder has.
GIF_COLOURS = {(0.25, 0.5): (252, 0, 0), (0.75, 0.5): (0, 252, 85)}


@odd_file(
    "palette_colours.gif",
    "a GIF in two colours",
    Shown([n / 10 for n in range(10)], colours=GIF_COLOURS, size=(64, 48), duration_s=1),
)
def palette_colours(path: Path, workshop: Workshop) -> None:
    image = np.zeros((48, 64, 3), np.uint8)
    image[:, :32], image[:, 32:] = (255, 0, 0), (0, 255, 85)
    write(path, Encoded(painted(image), "gif", {}, "rgb8"))


@odd_file("animation.apng", "an animated PNG", usual(range(30), beeps_s=None))
def animation(path: Path, workshop: Workshop) -> None:
    write(path, Encoded(numbered(30), "apng", {}, "gray"), container="apng")


@odd_file("picture.jpg", "a photograph: one frame", Shown([0.0], levels(range(30, 31)), size=(64, 48)))
def picture(path: Path, workshop: Workshop) -> None:
    write(path, Encoded(numbered(1, first=30), "mjpeg", {}, "yuvj420p", FINE), container="mjpeg")


@odd_file("picture.png", "a PNG: one frame", Shown([0.0], levels(range(30, 31)), size=(64, 48)))
def picture_png(path: Path, workshop: Workshop) -> None:
    write(path, Encoded(numbered(1, first=30), "png", {}, "gray"), container="image2pipe")


@odd_file("picture.webp", "a WebP: one frame", Shown([0.0], levels(range(30, 31)), size=(64, 48)))
def picture_webp(path: Path, workshop: Workshop) -> None:
    write(path, Encoded(numbered(1, first=30), "libwebp", {"lossless": "1"}, "bgra"), container="webp")
