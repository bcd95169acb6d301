"""Labelled times: at which moments, and in which stretches, what was found can be compared with the truth.

Outside of them nothing is known: what is found there is neither right nor wrong.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

#: Samples at most this far apart belong to one stretch that is labelled throughout; a sample that is
#: farther from the others is a moment of its own. Films have a frame every 0.04 s, hands label every second.
DENSE_S = 0.1
#: How near a lone sample must be: half a frame of a film with 30 per second.
HALF_FRAME_S = 1 / 60
#: Truth files round their times to 0.1 ms.
ROUNDING_S = 1e-3

#: A stretch [start_s, end_s), in seconds.
Stretch = tuple[float, float]


def stated(labels: Mapping[str, Any], key: str) -> tuple[list[float], list[Stretch]] | None:
    """The moments and stretches for which the truth says that it labels `key`; None if it says nothing."""
    times = (labels.get("labelled") or {}).get(key)
    if times is None:
        return None
    moments = [float(time) for time in times if isinstance(time, int | float)]
    return moments, [(float(t[0]), float(t[1])) for t in times if not isinstance(t, int | float)]


def runs(times: Iterable[float]) -> tuple[list[float], list[Stretch]]:
    """The moments and the stretches that samples at these times label."""
    moments: list[float] = []
    stretches: list[Stretch] = []
    run: list[float] = []
    for time_s in [*sorted(set(times)), math.inf]:
        if run and time_s - run[-1] > DENSE_S + ROUNDING_S:
            if len(run) == 1:
                moments += run
            else:
                stretches.append((run[0], run[-1] + half_step(run)))
            run = []
        run.append(time_s)
    return moments, stretches


def half_step(times: Sequence[float]) -> float:
    """How far a sample speaks for, in seconds: half the smallest distance of two that are in one stretch."""
    gaps = [b - a for a, b in pairwise(times) if ROUNDING_S < b - a <= DENSE_S + ROUNDING_S]
    return (min(gaps) / 2 if gaps else HALF_FRAME_S) + ROUNDING_S


def inside(time_s: float, stretches: Iterable[Stretch]) -> bool:
    """Whether a moment lies in one of the stretches."""
    return any(start_s - 1e-6 <= time_s < end_s - 1e-6 for start_s, end_s in stretches)
