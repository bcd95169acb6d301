"""background_segmentation on a photograph with a known person, and its measures of the background."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from clipbench.analyzers.background_segmentation import (
    BackgroundSegmentation,
    BackgroundSegmentationSettings,
    run_lengths,
)
from clipbench.analyzers.features.vision.background_measures import background_blur, main_colors
from tests.support.clip_views import ArrayClip
from tests.support.faces_truth import admiral
from tests.support.photographs import drifting, photographs


def run(clip, **settings):
    analyzer = BackgroundSegmentation(BackgroundSegmentationSettings(**settings))
    analyzer.load()
    found = analyzer.analyze(clip, {})
    analyzer.unload()
    return found


def mask(segment) -> np.ndarray:
    data = segment.data["mask"]
    values = np.arange(len(data["counts"])) % 2
    return np.repeat(values, data["counts"]).reshape(data["size"]).astype(bool)


def in_front_of_green() -> tuple[np.ndarray, np.ndarray]:
    """The admiral before a green wall, and where she is: outlined by eye in the photograph."""
    image = admiral().image
    outline = [(0, 600), (20, 470), (50, 390), (100, 365), (185, 330), (200, 300), (175, 250), (155, 200),
               (150, 100), (185, 40), (260, 22), (330, 40), (368, 90), (368, 140), (370, 200), (355, 290),
               (335, 300), (345, 330), (440, 355), (490, 400), (512, 450), (512, 600)]  # fmt: skip
    person = cv2.fillPoly(np.zeros(image.shape[:2], np.uint8), [np.array(outline)], 1) > 0
    return np.where(person[..., None], image, np.uint8([40, 140, 70])), person


def test_the_mask_is_the_person():
    picture, person = in_front_of_green()
    (segment,) = run(ArrayClip(picture[None], fps=1))
    found = mask(segment)
    assert found.shape == (192, 164)
    truth = cv2.resize(person.astype(np.float32), found.shape[::-1], interpolation=cv2.INTER_AREA) > 0.5
    assert (found & truth).sum() / (found | truth).sum() > 0.9
    assert segment.label == "person"
    assert segment.data["person_share"] == pytest.approx(person.mean(), abs=0.05)
    np.testing.assert_allclose(segment.data["background_rgb"][0], [40, 140, 70], atol=6)


def test_an_empty_wall_has_no_person():
    (segment,) = run(ArrayClip(np.full((1, 144, 176, 3), (40, 140, 70), np.uint8), fps=1))
    assert segment.label == "no_person"
    assert segment.data["background_rgb"] == [[40, 140, 70]]
    assert segment.data["background_blur"] is None
    assert segment.data["person_share"] < 0.02


@pytest.mark.parametrize("name", ["cat", "coffee", "motorcycle"])
def test_what_is_no_person_has_no_mask(name):
    """The network itself takes a cat or a cup in the foreground for a person."""
    clip, _ = drifting(photographs()[name][0])
    found = run(clip)
    assert {s.label for s in found} == {"no_person"}
    assert not any(mask(s).any() for s in found)


def test_a_blurred_background_is_told_from_a_sharp_one():
    image = admiral().image
    _, person = in_front_of_green()
    blurs = [background_blur(image, person)]
    for sigma in (1.5, 4):
        soft = cv2.GaussianBlur(image, None, sigma)
        blurs.append(background_blur(np.where(person[..., None], image, soft), person))
    assert blurs[0] < 0.3
    assert blurs[0] + 0.2 < blurs[1] < blurs[2]
    assert background_blur(in_front_of_green()[0], person) is None


def test_run_lengths():
    assert run_lengths(np.array([[0, 1, 1], [1, 0, 0]], bool)) == [1, 3, 2]
    assert run_lengths(np.array([[1, 0]], bool)) == [0, 1, 1]


def test_colours_that_look_alike_are_one():
    red, blue = np.tile(np.uint8([200, 30, 30]), (70, 1)), np.tile(np.uint8([30, 30, 200]), (30, 1))
    red[::2] += 2
    (first, share), (second, _) = main_colors(np.concatenate([red, blue]), 3)
    np.testing.assert_allclose(first, [201, 31, 31], atol=2)
    np.testing.assert_allclose(second, [30, 30, 200], atol=2)
    assert share == pytest.approx(0.7)
