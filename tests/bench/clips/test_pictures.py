"""Pictures have the colours that are stored, in every size: they do not get lighter, darker or tinted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from clipbench.bench.clips.pictures import Picture

BT601, BT709 = 5, 1
LIMITED, FULL = 1, 2
HEIGHT, WIDTH = 320, 480
#: Y, U and V: strong colours, and some that stay within the range when there is noise on them.
COLOURS = [(81, 90, 200), (145, 54, 60), (60, 200, 110), (126, 128, 128), (200, 110, 140)]
MUTED = [(126, 128, 128), (110, 120, 150), (150, 140, 110)]


def frame_of(
    planes: list[np.ndarray], pixel_format: str, colorspace: int = BT601, color_range: int = LIMITED
):
    import av

    frame = av.VideoFrame(WIDTH, HEIGHT, pixel_format)
    for plane, values in zip(frame.planes, planes, strict=True):
        rows = np.zeros((plane.height, plane.line_size), np.uint8)
        rows[:, : plane.width] = values
        plane.update(rows.tobytes())
    frame.colorspace, frame.color_range = colorspace, color_range
    return frame


def shown(frame: Any, halvings: int = 0) -> np.ndarray:
    """The frame as float64 RGB, its sides halved so often."""
    height, width = HEIGHT >> halvings, WIDTH >> halvings
    out = np.empty((height, width, 3), np.uint8)
    Picture(frame).rgb(height, width, out)
    return out.astype(float)


def noisy(colour: tuple[int, int, int]) -> list[np.ndarray]:
    """Planes in full size of a colour with noise, within the range of every format."""
    noise = np.random.default_rng(0).normal(0, 12, (3, HEIGHT, WIDTH))
    return [
        np.clip(np.rint(value + one), 16, 235).astype(np.uint8)
        for value, one in zip(colour, noise, strict=True)
    ]


@pytest.mark.parametrize("color_range", [LIMITED, FULL])
@pytest.mark.parametrize("colorspace", [BT601, BT709])
@pytest.mark.parametrize("colour", COLOURS)
def test_a_colour_is_the_same_whether_its_chroma_is_subsampled(colour, colorspace, color_range):
    planes = [np.array(value) for value in colour]
    whole = shown(frame_of(planes, "yuv444p", colorspace, color_range))
    np.testing.assert_array_equal(shown(frame_of(planes, "yuv420p", colorspace, color_range)), whole)


@pytest.mark.parametrize("halvings", [1, 2, 3])
@pytest.mark.parametrize("colour", MUTED)
def test_a_smaller_picture_is_neither_lighter_nor_tinted(colour, halvings):
    """Rounding up each time a picture is halved would add 0.15 to 0.4 levels a time."""
    planes = noisy(colour)
    frame = frame_of([planes[0], planes[1][::2, ::2], planes[2][::2, ::2]], "yuv420p")
    off = shown(frame, halvings).mean((0, 1)) - shown(frame).mean((0, 1))
    assert np.abs(off).max() < 0.08
