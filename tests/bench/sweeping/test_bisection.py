"""The highest rate at which something holds: how near it is found, and where there is none."""

from __future__ import annotations

import random

import pytest

from clipbench.bench.sweeping.bisection import MOST_DOUBLINGS, highest


@pytest.mark.parametrize("first", [0.05, 1.0, 40.0])
@pytest.mark.parametrize("tolerance", [0.02, 0.1, 0.5])
def test_the_highest_rate_is_found_within_the_tolerance(first, tolerance):
    dice = random.Random(1)
    for _ in range(50):
        limit = first * 2 ** dice.uniform(-6, 6)
        tried = []

        def holds(rate, tried=tried, limit=limit):
            tried.append(rate)
            return rate <= limit

        found = highest(holds, first, tolerance)
        assert found.holds <= limit < found.fails <= found.holds * (1 + tolerance)
        assert tried[0] == first and len(tried) == len(set(tried)) <= 16


def test_rates_are_numbers_that_people_can_write():
    tried = []
    highest(lambda rate: tried.append(rate) or rate <= 0.77, 1.0, 0.01)
    assert all(len(f"{rate:g}".replace(".", "").strip("0")) <= 4 for rate in tried)


def test_a_side_that_is_not_reached_is_none():
    tried = []
    assert highest(lambda rate: bool(tried.append(rate)), 1.0, 0.1).holds is None
    assert len(tried) == MOST_DOUBLINGS + 1 and min(tried) == 0.003905
    found = highest(lambda rate: True, 1.0, 0.1)
    assert (found.holds, found.fails) == (256.0, None)
