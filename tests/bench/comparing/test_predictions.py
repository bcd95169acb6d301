"""Predictions differ by more than the error of their costs, or nobody can tell."""

from __future__ import annotations

import pytest

from clipbench.bench.comparing.by_run import Sides
from clipbench.bench.comparing.predictions import compare


@pytest.mark.parametrize(
    ("before", "now", "better", "floor", "call"),
    [
        (1.0, 1.2, "lower", 0.05, "slower"),
        (1.0, 1.2, "higher", 0.05, "faster"),
        (1.0, 0.8, "lower", 0.05, "faster"),
        (1.0, 1.04, "lower", 0.05, "undecided"),
        (1.0, 1.2, "lower", 0.3, "undecided"),
        (1.0, 1.001, "lower", 0.05, "same"),
        (0.0, 0.0, "lower", 0.05, "same"),
        (0.0, 1.0, "lower", 0.05, "slower"),
    ],
)
def test_a_difference_is_called_beyond_the_error_of_the_costs(before, now, better, floor, call):
    found = compare(Sides([[before] * 3], [[now] * 3], better=better), floor)
    assert (found.call, found.predicted, found.samples) == (call, True, (3, 3))
    assert found.low <= found.ratio <= found.high
    assert bool(found.reason) == (call == "undecided")
