"""How many samples are enough: the one threshold below which a figure is called "too few".

All that asks for it takes it from here: a call on a difference, a recommendation, what a verdict requires
(`targets.minimum.repeats`), a baseline, a calibration, costs that are read from a run, and the least number
of passes of `repeats=auto`. It follows from ALPHA: with fewer samples no rank test can get below it, however
far apart they are. docs/statistics.md has the test.
"""

from __future__ import annotations

import itertools
import math

#: What a rank test's p has to be below: so a configuration differs from itself in 2 of 100 at the most.
ALPHA = 0.02
#: The fewest samples on each side with which Mann and Whitney's two-sided test can get below ALPHA: of all
#: ways to deal 2n samples out to two sides, two are as far apart as can be.
ENOUGH = next(n for n in itertools.count(1) if 2 / math.comb(2 * n, n) < ALPHA)
#: The fewest pairs with which Wilcoxon's two-sided signed rank test can: of 2ⁿ ways to sign them, two are.
ENOUGH_PAIRS = next(n for n in itertools.count(1) if 2 / 2**n < ALPHA)


def enough(paired: bool = False) -> int:
    """The fewest samples, or pairs of them, that a call takes."""
    return ENOUGH_PAIRS if paired else ENOUGH
