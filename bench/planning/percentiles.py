"""Percentiles of latencies, and how many clips one takes to be claimed.

MLPerf's LoadGen is the model. V. J. Reddi et al., "MLPerf Inference Benchmark" (ISCA 2020, section on
statistical confidence) ask for so many queries that the share above the percentile is known to a twentieth
of itself with a confidence of 99 %: `clips_for_margin`, days of clips. Later versions of LoadGen stop early
(loadgen/early_stopping.cc): a run is long enough if its slowest query but one is above the percentile with
that confidence. That is `clips_for_bound`. Both take the latencies of different clips for independent; those
of neighbours in a queue are not, so that more clips than needed are better.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

#: The percentiles that can be claimed, in percent.
CLAIMED = (50, 95, 99)
CONFIDENCE = 0.99
#: With fewer clips, not even a queue that gets twice what it can do is found to grow in nineteen of twenty
#: runs (`python -m studies.queues`), and every percentile says how long the run was.
LEAST_CLIPS = 64


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest of `values` that at least `percent` % of them do not exceed (the nearest rank)."""
    rank = math.ceil(percent / 100 * len(values) - 1e-9)
    return sorted(values)[max(rank, 1) - 1]


def clips_needed(percent: float) -> int:
    """The fewest clips with which a percentile is claimed: as LoadGen stops early, and LEAST_CLIPS."""
    return max(clips_for_bound(percent), LEAST_CLIPS)


def clips_for_bound(percent: float) -> int:
    """The fewest clips of which the slowest but one is above the percentile with CONFIDENCE.

    Of n clips at most one is slower than the p-th quantile with probability pⁿ + n pⁿ⁻¹ (1 - p).
    """
    p, n = percent / 100, 1
    while p**n + n * p ** (n - 1) * (1 - p) > 1 - CONFIDENCE:
        n += 1
    return n


def clips_for_margin(percent: float) -> int:
    """The clips with which the share above the percentile is known to a twentieth, with CONFIDENCE."""
    p = percent / 100
    margin = (1 - p) / 20
    return math.ceil(NormalDist().inv_cdf((1 - CONFIDENCE) / 2) ** 2 * p * (1 - p) / margin**2)
