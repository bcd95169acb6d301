"""Words as they are compared."""

from __future__ import annotations

import pytest

from clipbench.bench.quality.words import words_of


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("It's  a small, SMALL world.", "it's a small small world"),
        ("4 Queen of Clubs", "four queen of clubs"),
        ("0, 10, 11 and 20", "zero ten eleven and twenty"),
        ("twenty-one, 21", "twenty one twenty one"),
        ("100 or 117 or 340", "one hundred or one hundred seventeen or three hundred forty"),
        ("1984, 007, 3rd, b2", "1984 007 3rd b2"),
        ("", ""),
    ],
)
def test_numbers_are_spelled_and_punctuation_is_gone(written, compared):
    assert words_of(written) == compared
