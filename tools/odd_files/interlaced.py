"""Odd files: interlaced video. Both fields of a frame are shown woven into each other, as they were coded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tools.odd_files import patterns
from tools.odd_files.declaration import Shown, odd_file
from tools.odd_files.field_pictures import field_coded
from tools.odd_files.patterns import luma, planar
from tools.odd_files.writing import X264, Encoded, Workshop, write

#: What the lower field is brighter than the upper one, in luma.
APART = 24
COUNT = 30
#: AV_CODEC_FLAG_INTERLACED_DCT and AV_CODEC_FLAG_INTERLACED_ME.
INTERLACED = 1 << 18 | 1 << 29


def woven(n: int, width: int, height: int) -> np.ndarray:
    """The luma plane of frame `n`: rows of the upper field, then of the lower one, in turns."""
    plane = np.full((height, width), luma(n), np.uint8)
    plane[1::2] += APART
    return plane


def fields(width: int = 64, height: int = 64, count: int = COUNT) -> list[Any]:
    """Frames whose two fields differ, marked as interlaced with the upper field first."""
    frames = []
    for n in range(count):
        frame = planar(woven(n, width, height))
        frame.pts, frame.time_base = n, 1 / patterns.Fraction(patterns.FPS)
        frames.append(frame)
    return frames


def grey(value: float) -> tuple[int, int, int]:
    """The RGB value of a luma."""
    level = round((value - 16) * 255 / 219)
    return level, level, level


def shown(width: int = 64, height: int = 64, count: int = COUNT) -> Shown:
    """What is right: the mean of both fields over an area, and each field in its own rows."""
    middle = height // 2
    colours = {
        (0.5, (middle + 0.5) / height): grey(luma(0)),
        (0.5, (middle + 1.5) / height): grey(luma(0) + APART),
    }
    levels = [patterns.level(n) + APART / 2 * 255 / 219 for n in range(count)]
    times = [n / patterns.FPS for n in range(count)]
    return Shown(times, levels, colours, size=(width, height), duration_s=count / patterns.FPS)


SETTINGS = {"flags": INTERLACED, "qmin": 1, "qmax": 1}
#: Name of the file: what it is, codec, options, pixel format, settings.
CODECS: dict[str, tuple[str, str, dict[str, str], str, dict[str, Any]]] = {
    "interlaced_h264.mp4": ("H.264 (MBAFF)", "libx264", X264 | {"x264-params": "tff=1"}, "yuv420p", {}),
    "interlaced_h264_bff.mkv": (
        "H.264, lower field first",
        "libx264",
        X264 | {"x264-params": "bff=1"},
        "yuv420p",
        {},
    ),
    "interlaced_mpeg2.ts": ("MPEG-2", "mpeg2video", {}, "yuv420p", SETTINGS),
    "interlaced_mpeg2_422.mxf": ("MPEG-2 4:2:2 in MXF", "mpeg2video", {}, "yuv422p", SETTINGS),
    "interlaced_mpeg4.avi": ("MPEG-4 part 2", "mpeg4", {}, "yuv420p", SETTINGS),
    "interlaced_prores.mov": ("ProRes", "prores_ks", {"qscale": "1"}, "yuv422p10le", {"flags": INTERLACED}),
}


def declare(
    name: str, what: str, codec: str, options: dict[str, str], pixel_format: str, settings: dict[str, Any]
) -> None:
    """Thirty interlaced frames in one codec."""

    @odd_file(name, f"interlaced {what}", shown())
    def file(path: Path, workshop: Workshop) -> None:
        write(path, Encoded(fields(), codec, options, pixel_format, settings))


for _name, _row in CODECS.items():
    declare(_name, *_row)


@odd_file("interlaced_dnxhd.mov", "interlaced DNxHD", shown(1920, 1080, 5))
def dnxhd(path: Path, workshop: Workshop) -> None:
    settings = {"flags": INTERLACED, "bit_rate": 120_000_000}
    write(path, Encoded(fields(1920, 1080, 5), "dnxhd", {}, "yuv422p", settings))


@odd_file("interlaced_h264_fields.ts", "interlaced H.264, each field a picture of its own (PAFF)", shown())
def paff(path: Path, workshop: Workshop) -> None:
    field_coded(path, [woven(n, 64, 64) for n in range(COUNT)])


@odd_file(
    "interlaced_h264_field_packets.mkv", "interlaced H.264, each field in a packet of its own (PAFF)", shown()
)
def paff_packets(path: Path, workshop: Workshop) -> None:
    field_coded(path, [woven(n, 64, 64) for n in range(COUNT)], own_packets=True)
