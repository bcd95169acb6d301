"""The highest rate at which something still holds: brackets by doubling and halving, then bisection."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

#: How often the first rate is doubled or halved in search of the other side.
MOST_DOUBLINGS = 8
#: Rates are rounded to so many significant digits, so that people can write them.
DIGITS = 4


@dataclass(frozen=True)
class Bracket:
    """The highest rate that was found to hold and the lowest that was not; None where none was found."""

    holds: float | None = None
    fails: float | None = None

    def within(self, tolerance: float) -> bool:
        """Whether the two are no further apart than this fraction of the lower one."""
        return (
            self.holds is not None and self.fails is not None and self.fails <= self.holds * (1 + tolerance)
        )

    def next(self, first: float) -> float:
        """The rate to try next: between the two, in the ratio's middle, or beyond the one that there is."""
        if self.holds is not None and self.fails is not None:
            return rounded(math.sqrt(self.holds * self.fails))
        if self.holds is not None:
            return rounded(2 * self.holds)
        return rounded(first if self.fails is None else self.fails / 2)


def highest(holds: Callable[[float], bool], first: float, tolerance: float) -> Bracket:
    """The highest rate that `holds`, to within the fraction `tolerance`, beginning with `first`.

    What holds at a rate is taken to hold at every lower one. A side of the result is None where
    MOST_DOUBLINGS did not reach it.
    """
    found = Bracket()
    outward = 0
    while not found.within(tolerance):
        one_sided = found.holds is None or found.fails is None
        if one_sided and outward > MOST_DOUBLINGS:
            return found
        outward += one_sided
        rate = found.next(first)
        if rate in (found.holds, found.fails):  # no number of so few digits lies between them
            return found
        found = Bracket(rate, found.fails) if holds(rate) else Bracket(found.holds, rate)
    return found


def rounded(rate: float) -> float:
    """A rate in DIGITS significant digits."""
    return float(f"{rate:.{DIGITS}g}")
