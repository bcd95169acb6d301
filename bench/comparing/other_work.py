"""What other work on the machine may account for: a side that had less of it is not faster for that."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from statistics import median

from clipbench.bench.comparing.statistics import OPPOSITE, Difference

#: No more than this share of the cores is taken to be other work's: a factor of 20.
MOST = 0.95


def factor(before: Sequence[float | None], now: Sequence[float | None], cores: int) -> float | None:
    """The factor by which other work may have lengthened runs of `now` in comparison with those `before`.

    Both have the cores that others took during each run. If others take a share of the cores, work that needs
    all of them takes 1 / (1 - share) as long. None if it is not known what others took, before or now.
    """
    known = [[cores for cores in side if cores is not None] for side in (before, now)]
    if not all(known):
        return None
    share_before, share_now = (min(MOST, median(side) / cores) for side in known)
    return float(round((1 - share_before) / (1 - share_now), 3))


def told(found: Difference, by: float | None, better: str = "lower") -> Difference:
    """The difference, undecided where other work may account for it by the factor `by` (of `factor`), and
    else with that factor beside its call, if it is beyond the noise floor."""
    if by is None or found.call not in OPPOSITE:
        return found
    low, high = (found.low, found.high) if better == "lower" else (1 / found.high, 1 / found.low)
    noise = 1 + found.noise
    slower = found.call == "slower"
    if low <= noise * by if slower else high >= by / noise:
        less = "" if slower else "less "
        reason = f"{found.call}, but {less}other work may account for a factor of {by:.2f}"
        return dataclasses.replace(found, call="undecided", reason=reason)
    if not 1 / noise <= by <= noise:
        whose = "more" if by > 1 else "less"
        reason = f"beside {whose} other work than the reference, which may be a factor of {by:.2f}"
        return dataclasses.replace(found, reason=reason)
    return found
