"""Areas and overlaps of boxes."""

from __future__ import annotations

import numpy as np
import pytest

from clipbench.analyzers.features.vision.boxes import area, iou, rounded


@pytest.mark.parametrize(
    ("other", "expected"),
    [([0, 0, 2, 2], 1.0), ([1, 0, 3, 2], 1 / 3), ([2, 0, 4, 2], 0.0), ([1, 1, 1, 1], 0.0)],
)
def test_intersection_over_union(other, expected):
    assert iou(np.array([0, 0, 2, 2]), np.array(other)) == pytest.approx(expected)


def test_an_inverted_box_is_empty():
    assert area(np.array([2.0, 0.0, 1.0, 5.0])) == 0.0
    assert iou(np.zeros(4), np.zeros(4)) == 0.0


def test_coordinates_are_rounded_to_plain_numbers():
    assert rounded(np.array([0.123456, 1.0], np.float32)) == [0.1235, 1.0]
