"""The means of blocks: those of OpenCV's resampling by area, also where blocks are not whole pixels."""

from __future__ import annotations

import numpy as np
import pytest

from clipbench.analyzers.features.vision.block_means import block_means


@pytest.mark.parametrize("shape", [(180, 320), (320, 180), (17, 4001), (40, 64)])
@pytest.mark.parametrize("blocks", [(11, 20), (16, 16), (6, 6), (1, 8)])
def test_they_are_those_of_opencv(shape, blocks):
    import cv2

    image = np.random.default_rng(1).random(shape).astype(np.float32) * 255
    expected = cv2.resize(image, blocks[::-1], interpolation=cv2.INTER_AREA)
    assert block_means(image, *blocks) == pytest.approx(expected, rel=1e-4)


def test_a_picture_smaller_than_the_blocks():
    assert block_means(np.array([[1, 3]], np.uint8), 2, 4).tolist() == [[1, 1, 3, 3], [1, 1, 3, 3]]


def test_what_is_unknown_leaves_its_block_unknown_only():
    image = np.ones((4, 6), np.float32)
    image[0, 0] = np.nan
    assert np.isnan(block_means(image, 2, 3)).tolist() == [[True, False, False], [False, False, False]]
