"""Comparing what two runs found."""

from __future__ import annotations

import pytest


def same(found, expected, where: str) -> None:
    """Equal to the letter; numbers within a thousandth, since threads may change the order of sums."""
    if isinstance(expected, float) and isinstance(found, int | float):
        assert found == pytest.approx(expected, rel=1e-3, abs=1e-3), where
    elif isinstance(expected, dict):
        assert found.keys() == expected.keys(), where
        for key in expected:
            same(found[key], expected[key], f"{where}.{key}")
    elif isinstance(expected, list | tuple):
        assert len(found) == len(expected), where
        for number, (a, b) in enumerate(zip(found, expected, strict=True)):
            same(a, b, f"{where}[{number}]")
    else:
        assert found == expected, where
