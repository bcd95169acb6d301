"""The means of the blocks of a picture."""

from __future__ import annotations

import numpy as np
import pytest

from clipbench.analyzers.features.vision.block_means import block_means


@pytest.mark.parametrize("shape", [(180, 320), (320, 180), (17, 4001)])
@pytest.mark.parametrize(("rows", "columns"), [(11, 20), (6, 6), (1, 8)])
def test_each_is_the_mean_of_its_pixels(shape, rows, columns):
    image = np.random.default_rng(1).random(shape).astype(np.float32) * 255
    tall, wide = shape[0] // rows, shape[1] // columns
    whole = image[: tall * rows, : wide * columns].reshape(rows, tall, columns, wide)
    assert block_means(image, rows, columns) == pytest.approx(whole.mean(axis=(1, 3)), rel=1e-4)


def test_a_picture_smaller_than_the_blocks():
    assert block_means(np.array([[1, 3]], np.uint8), 2, 4).shape == (2, 4)


def test_a_float_block_with_an_unknown_pixel_is_unknown_alone():
    image = np.ones((4, 6), np.float32)
    image[0, 0] = np.nan
    assert np.isnan(block_means(image, 2, 3)).tolist() == [[True, False, False], [False, False, False]]
