"""The interval of a median, by the bootstrap: what its ends cover, and how far they are apart."""

from __future__ import annotations

import math
from collections.abc import Sequence

#: What the interval covers: each of its ends, taken alone, is wrong in 5 of 100.
CONFIDENCE = 0.9
RESAMPLES = 2000
#: What the interval by which repeats=auto stops is meant to cover. It is the wider one, since who stops when
#: an interval is narrow has one that covers less than that (docs/statistics.md).
STOPPING = 0.95
#: Samples that are drawn at once: so long runs take no more memory for it than short ones.
AT_ONCE = 50_000


def median_interval(
    samples: Sequence[float], confidence: float = STOPPING, seed: int = 0
) -> tuple[float, float]:
    """The percentile bootstrap interval of the median, in the unit of the samples, of which there is one.

    As that of a ratio of medians in bench/comparing/statistics.py: resamples are drawn with replacement, and
    the ends are medians that occurred. The same samples give the same interval.
    """
    import numpy as np

    values, rng = np.asarray(samples, dtype=np.float64), np.random.default_rng(seed)
    rows = max(1, AT_ONCE // len(values))
    medians = [
        np.median(values[rng.integers(len(values), size=(min(rows, RESAMPLES - done), len(values)))], axis=1)
        for done in range(0, RESAMPLES, rows)
    ]
    tail = (1 - confidence) / 2
    low, high = np.quantile(np.concatenate(medians), [tail, 1 - tail], method="inverted_cdf")
    return float(low), float(high)


def relative_width(samples: Sequence[float]) -> float:
    """How wide the interval of the median is, as a share of the median; infinite for a median of 0."""
    import numpy as np

    low, high = median_interval(samples)
    middle = float(np.median(samples))
    return (high - low) / abs(middle) if middle else math.inf
