"""Palettes of pictures whose colours are known, and photographs whose shift is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from clipbench.analyzers import color_analysis
from clipbench.analyzers.color_analysis import ColorAnalysis, ColorAnalysisSettings
from tests.support.clip_views import ArrayClip
from tests.support.footage import photo, recorded, shoot

RED, BLUE, WHITE = (220, 20, 30), (20, 40, 200), (250, 250, 250)


def run(frames, settings=None, fps=3.0):
    return ColorAnalysis(settings).analyze(ArrayClip(frames, fps), {})


def stripes(*parts):
    """A frame of vertical stripes, `(colour, columns)` each."""
    frame = np.concatenate([np.full((320, width, 3), colour, np.uint8) for colour, width in parts], axis=1)
    return recorded(frame[None])


def test_colours_and_their_shares():
    (segment,) = run(stripes((RED, 90), (BLUE, 54), (WHITE, 36)))
    found = segment.data["palette"]
    assert [entry["share"] for entry in found[:3]] == pytest.approx([0.5, 0.3, 0.2], abs=0.02)
    # What the compression smears along the edges is no more than a trace.
    assert sum(entry["share"] for entry in found[3:]) < 0.03
    for entry, colour in zip(found, (RED, BLUE, WHITE), strict=False):
        assert entry["rgb"] == pytest.approx(colour, abs=6)
    assert segment.label == "red"
    lab = color_analysis.to_lab(np.array([[RED]], np.uint8))[0, 0]
    assert found[0]["lab"] == pytest.approx(lab.tolist(), abs=4)


def test_lab_is_the_one_of_scikit_image():
    from skimage.color import rgb2lab

    image = photo("chelsea")
    assert np.abs(color_analysis.to_lab(image) - rgb2lab(image)).max() < 0.5


def test_a_plain_picture_has_one_colour():
    for label in ("black", "white", "gray", "blue", "gold"):
        (segment,) = run(stripes((_rgb(color_analysis.COLOURS[label]), 180)))
        assert segment.label == label and len(segment.data["palette"]) == 1


def test_names_are_those_of_css_and_xkcd():
    from matplotlib.colors import CSS4_COLORS, XKCD_COLORS

    for name, value in color_analysis.COLOURS.items():
        assert (
            color_analysis.colour_name(color_analysis.to_lab(np.array([[_rgb(value)]], np.uint8))[0, 0])
            == name
        )
        assert value in (CSS4_COLORS.get(name.replace(" ", ""), "").lower(), XKCD_COLORS.get(f"xkcd:{name}"))


@pytest.mark.parametrize("value", [70, 90, 130, 180, 255])
def test_a_vivid_colour_is_no_grey(value):
    for hue in range(0, 180, 5):
        for saturation in (160, 255):
            rgb = cv2.cvtColor(np.array([[[hue, saturation, value]]], np.uint8), cv2.COLOR_HSV2RGB)
            name = color_analysis.colour_name(color_analysis.to_lab(rgb)[0, 0])
            assert name not in ("black", "dark grey", "gray", "silver", "white", "slate gray"), rgb
            if 55 <= hue <= 65 and saturation == 255:
                assert name in ("green", "dark green", "lime")


def _rgb(value):
    return tuple(int(value[index : index + 2], 16) for index in (1, 3, 5))


def test_brightness_and_saturation():
    (red,) = run(stripes((RED, 180)))
    (grey,) = run(stripes(((119, 119, 119), 180)))
    assert grey.data["brightness"] == pytest.approx(0.5, abs=0.01)
    assert red.data["saturation"] > 0.85 and grey.data["saturation"] < 0.05


def test_temperature_of_known_lights():
    # sRGB's white is D65; illuminant A, 2856 K, has x = 0.44757, y = 0.40745.
    assert color_analysis.temperature(np.full((4, 4, 3), 200, np.uint8)) == pytest.approx(6504, abs=40)
    xyz = np.array([0.44757, 0.40745, 1 - 0.44757 - 0.40745]) / 0.40745 * 0.3
    linear = np.clip(np.linalg.solve(color_analysis._XYZ, xyz), 0, 1)
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    light = np.tile(np.rint(srgb * 255).astype(np.uint8), (4, 4, 1))
    assert color_analysis.temperature(light) == pytest.approx(2856, abs=100)
    assert color_analysis.temperature(np.zeros((4, 4, 3), np.uint8)) is None


def test_a_photograph_that_turns_warm():
    frames = shoot(photo("astronaut"), 6, fps=3)
    frames[3:] = np.clip(frames[3:] * [1.2, 1.0, 0.6], 0, 255)
    kelvin = [segment.data["temperature_k"] for segment in run(recorded(frames))]
    assert min(kelvin[:3]) > max(kelvin[3:]) + 1000


def test_the_same_frames_give_the_same_palette():
    frames = recorded(shoot(photo("coffee"), 3, fps=3))
    assert run(frames) == run(frames)
    assert len(run(frames, ColorAnalysisSettings(colors=3))[0].data["palette"]) <= 3


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "rocket"])
def test_a_picture_that_is_a_shade_lighter_has_the_same_palette(name):
    """One search for a palette ends here or there by chance: colours were 10 and more apart."""
    image = np.clip(photo(name), 0, 251)
    palettes = []
    for shade in range(5):
        lab = color_analysis.to_lab(image + np.uint8(shade)).reshape(-1, 3)[::37]
        palettes.append(color_analysis.palette(lab, 5, 6.0))
    first, _ = palettes[0]
    for centres, shares in palettes[1:]:
        apart = np.linalg.norm(first[:, None] - centres[None], axis=2).min(axis=0)
        assert np.dot(apart, shares) < 3


@pytest.mark.parametrize("shape", [(1, 320, 180), (1, 144, 176), (2, 9, 16), (5, 1, 1)])
def test_short_and_small_clips(shape):
    segments = run(np.full((*shape, 3), 77, np.uint8), fps=2.0)
    assert len(segments) == shape[0] and segments[-1].end_s == pytest.approx(shape[0] / 2)
