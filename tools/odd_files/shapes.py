"""Odd files: rotation, mirroring, pixels that are not square, and sizes at the edge."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tools.odd_files import patterns
from tools.odd_files.declaration import Shown, odd_file
from tools.odd_files.patterns import QUARTERS, corners, painted
from tools.odd_files.writing import X264, Copied, Encoded, Workshop, write

#: The display matrices of MP4, by how they turn the picture: a, b, c, d of x' = ax + cy, y' = bx + dy.
MATRICES = {
    "rotated_90": (0, 1, -1, 0),
    "rotated_180": (-1, 0, 0, -1),
    "rotated_270": (0, -1, 1, 0),
    "mirrored": (-1, 0, 0, 1),
    "upside_down": (1, 0, 0, -1),
    "transposed": (0, 1, 1, 0),
    "transposed_other_way": (0, -1, -1, 0),
}
CENTRES = ((0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75))


def turned(matrix: tuple[int, int, int, int]) -> dict[tuple[float, float], tuple[int, int, int]]:
    """Where the quarters of `corners` stand after a display matrix."""
    a, b, c, d = matrix
    places = {}
    for (x, y), colour in zip(CENTRES, QUARTERS, strict=True):
        across, down = a * (x - 0.5) + c * (y - 0.5), b * (x - 0.5) + d * (y - 0.5)
        places[across + 0.5, down + 0.5] = colour
    return places


def set_matrix(path: Path, matrix: tuple[int, int, int, int]) -> None:
    """Give the first track of the MP4 at `path` a display matrix (ISO 14496-12, 8.3.2)."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4
    matrix_at = at + (52 if data[at] else 40)
    a, b, c, d = (value << 16 for value in matrix)
    for number, value in enumerate((a, b, 0, c, d, 0, 0, 0, 1 << 30)):
        data[matrix_at + 4 * number : matrix_at + 4 * number + 4] = value.to_bytes(4, "big", signed=True)
    path.write_bytes(data)


def still_corners(path: Path) -> Path:
    """One second of four grey quarters."""
    return write(path, Encoded(painted(corners()), pixel_format="yuv420p"))


def declare_turned(name: str, matrix: tuple[int, int, int, int]) -> None:
    """Four quarters in an MP4 whose display matrix turns them."""
    size = (64, 48) if matrix[0] else (48, 64)

    @odd_file(
        f"{name}.mp4",
        f"display matrix: {name.replace('_', ' ')}",
        Shown([n / 10 for n in range(10)], colours=turned(matrix), size=size, duration_s=1),
    )
    def file(path: Path, workshop: Workshop) -> None:
        path.write_bytes(workshop.made("corners.mp4", still_corners).read_bytes())
        set_matrix(path, matrix)


for _name, _matrix in MATRICES.items():
    declare_turned(_name, _matrix)


def declare_aspect(name: str, what: str, ratio: str, size: tuple[int, int]) -> None:
    """Four quarters with pixels that are `ratio` times as wide as high."""
    unturned = turned((1, 0, 0, 1))

    @odd_file(name, what, Shown([n / 10 for n in range(10)], colours=unturned, size=size, duration_s=1))
    def file(path: Path, workshop: Workshop) -> None:
        plain = workshop.made("corners.mp4", still_corners)
        write(path, Copied(plain, bitstream_filter=f"h264_metadata=sample_aspect_ratio={ratio}"))


# A player draws as many rows, and more or fewer columns.
declare_aspect("wide_pixels.mp4", "pixels 64:45 as wide as high (PAL, wide)", "64/45", (91, 48))
declare_aspect("narrow_pixels.mp4", "pixels 8:9 as wide as high (NTSC)", "8/9", (57, 48))


#: Name of the file: width, height, codec, pixel format, count.
SIZES = {
    "size_2x2.mp4": (2, 2, "libx264", "yuv420p", 10),
    "size_4096x2.mp4": (4096, 2, "libx264", "yuv420p", 10),
    "size_odd.mkv": (175, 131, "ffv1", "yuv420p", 10),
    "size_1x1.mkv": (1, 1, "ffv1", "yuv444p", 10),
    "size_8k.mp4": (7680, 4320, "libx264", "yuv420p", 2),
}


def declare_size(name: str, width: int, height: int, codec: str, pixel_format: str, count: int) -> None:
    """One grey in a size at the edge."""
    grey = round(patterns.level(60))

    @odd_file(
        name,
        f"{width}×{height}",
        Shown(
            [n / 10 for n in range(count)], levels=[grey] * count, size=(width, height), duration_s=count / 10
        ),
    )
    def file(path: Path, workshop: Workshop) -> None:
        image = np.full((height, width, 3), grey, np.uint8)
        options = X264 | {"preset": "ultrafast"} if codec == "libx264" else {}
        write(path, Encoded(painted(image, count), codec, options, pixel_format))


for _name, _row in SIZES.items():
    declare_size(_name, *_row)
