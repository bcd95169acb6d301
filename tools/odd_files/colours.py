"""Odd files: matrices, ranges, tags, HDR and alpha.

A patch's luma and chroma are computed here with the matrix that the file names, and coded without a scaler.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from tools.odd_files.declaration import Colour, Shown, odd_file
from tools.odd_files.patterns import HEIGHT, WIDTH, painted
from tools.odd_files.writing import Copied, Encoded, Workshop, write

#: The shares of red and blue in luma, by matrix (ITU-T H.273).
WEIGHTS = {
    "bt601": (0.299, 0.114),
    "bt709": (0.2126, 0.0722),
    "bt2020": (0.2627, 0.0593),
    "smpte240m": (0.212, 0.087),
}
#: The patches, from left to right.
PATCHES: tuple[Colour, ...] = ((200, 30, 30), (30, 180, 40), (40, 60, 200), (128, 128, 128))
NUMBERS = {"bt709": 1, "bt601": 6, "bt2020": 9, "smpte240m": 7}


def coded(colour: Colour, matrix: str, full_range: bool) -> tuple[float, float, float]:
    """Luma and chroma of an RGB value, 0 to 255."""
    weight_r, weight_b = WEIGHTS[matrix]
    red, green, blue = (value / 255 for value in colour)
    y = weight_r * red + (1 - weight_r - weight_b) * green + weight_b * blue
    cb, cr = (blue - y) / (2 - 2 * weight_b), (red - y) / (2 - 2 * weight_r)
    if full_range:
        return 255 * y, 128 + 255 * cb, 128 + 255 * cr
    return 16 + 219 * y, 128 + 224 * cb, 128 + 224 * cr


def patched(matrix: str, full_range: bool = False, count: int = 10, bits: int = 8) -> list[Any]:
    """Frames of the four patches, 4:4:4, 64×48."""
    planes = np.zeros((3, HEIGHT, WIDTH), np.float64)
    for number, colour in enumerate(PATCHES):
        planes[:, :, number * 16 : number * 16 + 16] = np.array(coded(colour, matrix, full_range))[
            :, None, None
        ]
    image = np.round(planes * 2 ** (bits - 8)).astype(np.uint8 if bits == 8 else "<u2")
    frames = []
    for n in range(count):
        frame = av.VideoFrame(WIDTH, HEIGHT, "yuv444p" if bits == 8 else f"yuv444p{bits}le")
        for plane, values in zip(frame.planes, image, strict=True):
            padded = np.zeros((HEIGHT, plane.line_size // values.itemsize), values.dtype)
            padded[:, :WIDTH] = values
            plane.update(padded.tobytes())
        frame.pts, frame.time_base = n, Fraction(1, 10)
        frames.append(frame)
    return frames


def shown(colours: tuple[Colour, ...] = PATCHES) -> Shown:
    """What is right for ten frames of the four patches."""
    places = {((number + 0.5) / 4, 0.5): colour for number, colour in enumerate(colours)}
    return Shown([n / 10 for n in range(10)], colours=places, size=(WIDTH, HEIGHT), duration_s=1)


LOSSLESS = {"qp": "0", "preset": "veryfast"}


def declare_matrix(name: str, what: str, matrix: str, full_range: bool) -> None:
    """The patches in one matrix and range, tagged."""

    @odd_file(name, what, shown())
    def file(path: Path, workshop: Workshop) -> None:
        settings = {"colorspace": NUMBERS[matrix], "color_range": 2 if full_range else 1}
        write(path, Encoded(patched(matrix, full_range), "libx264", LOSSLESS, settings=settings))


declare_matrix("bt709.mp4", "BT.709", "bt709", False)
declare_matrix("bt601.mp4", "BT.601", "bt601", False)
declare_matrix("bt2020.mp4", "BT.2020, standard range", "bt2020", False)
declare_matrix("smpte240m.mp4", "SMPTE 240M", "smpte240m", False)
declare_matrix("bt709_full.mp4", "BT.709, full range", "bt709", True)
declare_matrix("bt601_full.mp4", "BT.601, full range", "bt601", True)


#: Tags that scalers have no matrix for: what H.273 numbers them as.
UNKNOWN_MATRICES = {"ycgco": 8, "bt2020c": 10, "ictcp": 14, "chroma_derived_nc": 12, "chroma_derived_c": 13}


def declare_tag(name: str, what: str, setting: str, drawn: str) -> None:
    """The patches in a common matrix, with a tag that few programs know."""

    @odd_file(f"tag_{name}.mp4", what, shown())
    def file(path: Path, workshop: Workshop) -> None:
        settings = {"color_range": 1, "colorspace": NUMBERS[drawn]}
        plain = workshop.made(
            f"{drawn}_patches.mp4",
            lambda to: write(to, Encoded(patched(drawn), "libx264", LOSSLESS, settings=settings)),
        )
        write(path, Copied(plain, bitstream_filter=f"h264_metadata={setting}"))


for _name, _number in UNKNOWN_MATRICES.items():
    _drawn = "bt2020" if _name == "bt2020c" else "bt601"
    declare_tag(
        _name,
        f"tagged {_name.replace('_', '-')}, shown with {_drawn.upper()}'s matrix",
        f"matrix_coefficients={_number}",
        _drawn,
    )
declare_tag("log100", "transfer tagged log100", "transfer_characteristics=9", "bt601")
declare_tag("log316", "transfer tagged log316", "transfer_characteristics=10", "bt601")
declare_tag("pq", "transfer tagged PQ in 8 bits: no tone mapping", "transfer_characteristics=16", "bt709")


def declare_hdr(name: str, what: str, transfer: int) -> None:
    """The patches in BT.2020 with 10 bits and a transfer of HDR; shown as they are, without tone mapping."""

    @odd_file(name, what, shown())
    def file(path: Path, workshop: Workshop) -> None:
        settings = {"color_range": 1, "colorspace": 9, "color_primaries": 9, "color_trc": transfer}
        options = {"x265-params": "log-level=none:lossless=1"}
        write(path, Encoded(patched("bt2020", bits=10), "libx265", options, settings=settings))


declare_hdr("hdr10.mp4", "HDR10: BT.2020, PQ, 10 bits", 16)
declare_hdr("hlg.mp4", "HLG: BT.2020, 10 bits", 18)


def half_transparent() -> np.ndarray:
    """The patches as RGBA `[H, W, 4]`, with an alpha that changes from row to row."""
    image = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    for number, colour in enumerate(PATCHES):
        image[:, number * 16 : number * 16 + 16, :3] = colour
    image[..., 3] = np.linspace(0, 255, HEIGHT)[:, None]
    return image


#: Name of the file: what it is, codec, options, pixel format.
ALPHA = {
    "alpha.webm": ("VP9 with alpha", "libvpx-vp9", {"crf": "1", "b": "0", "cpu-used": "8"}, "yuva420p"),
    "alpha_vp8.webm": ("VP8 with alpha", "libvpx", {"crf": "4", "b": "4M", "auto-alt-ref": "0"}, "yuva420p"),
    "alpha_qtrle.mov": ("QuickTime Animation with alpha", "qtrle", {}, "argb"),
    "alpha_prores.mov": (
        "ProRes 4444 with alpha",
        "prores_ks",
        {"profile": "4", "qscale": "1"},
        "yuva444p10le",
    ),
    "alpha.apng": ("animated PNG with alpha", "apng", {}, "rgba"),
}


def declare_alpha(name: str, what: str, codec: str, options: dict[str, str], pixel_format: str) -> None:
    """The patches behind an alpha, which is left out of what is shown."""

    @odd_file(name, f"{what}: shown without it", shown())
    def file(path: Path, workshop: Workshop) -> None:
        frames = painted(half_transparent(), pixel_format="rgba")
        container = "apng" if path.suffix == ".apng" else None
        write(path, Encoded(frames, codec, options, pixel_format), container=container)


for _name, _row in ALPHA.items():
    declare_alpha(_name, *_row)
