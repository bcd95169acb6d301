"""Whether two sets of samples differ, from a bootstrap interval, a rank test and a noise floor.

docs/statistics.md has the rule with its reasons, its sources, and how often it is wrong.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from clipbench.bench.enough import ALPHA, ENOUGH, ENOUGH_PAIRS
from clipbench.bench.resampling import CONFIDENCE, RESAMPLES

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

#: What a difference is called.
Call = Literal["faster", "slower", "same", "undecided"]
#: What a call is called if the larger figure is the better one.
OPPOSITE: dict[Call, Call] = {"faster": "slower", "slower": "faster"}

#: No noise floor is below it: times differ by as much with where code and data happen to lie in memory.
MIN_NOISE = 0.01
#: `same` rules out a difference above this, or above the noise floor if that is higher.
MARGIN = 0.05


@dataclass(frozen=True)
class Difference:
    """How `other` compares with `reference`; ratios have no unit.

    `ratio` is median(other) / median(reference), above 1 if `other` takes longer; `low` and `high` are the
    ends of its 90 % bootstrap interval, `p` is the two-sided rank test's, in a table of many figures the one
    adjusted for that. What cannot be computed of these is NaN, and `reason` says why. `samples` has the
    number of samples of each that were compared, and `runs` that of the runs that they come from, where that
    is known. `noise` is the noise floor that was applied, as a fraction. `reason` also says what kept a call
    undecided, and what beside the candidates may account for a part of a difference. Where both were
    `predicted`, the ends are as far as the error of the costs, and there is no test.
    """

    ratio: float
    low: float
    high: float
    p: float
    call: Call
    samples: tuple[int, int]
    noise: float
    paired: bool
    reason: str = ""
    runs: tuple[int, int] | None = None
    predicted: bool = False

    def as_json(self) -> dict[str, Any]:
        """The fields, with None for NaN and infinity, which JSON does not have."""
        return {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in dataclasses.asdict(self).items()
        }


def compare_samples(
    reference: Sequence[float],
    other: Sequence[float],
    noise: float,
    paired: bool = True,
    better: Literal["lower", "higher"] = "lower",
    seed: int = 0,
) -> Difference:
    """The difference between two sets of samples: is `other` faster or slower than `reference`, or the same?

    Samples are times or other figures in one unit, 0 or more. Candidates that took turns are `paired`: the
    samples at the same place in both were taken one right after the other. Sets of different length have no
    pairs. `noise` is the noise floor as a fraction. With better="higher" the larger figure is called faster.
    The same input gives the same answer.

    Raises ValueError for a sample or a noise floor that is negative or not finite.
    """
    first, second = as_array(reference), as_array(other)
    if not 0 <= noise < math.inf:
        raise ValueError(f"a noise floor is a fraction of 0 or more, not {noise}")
    least = min(len(first), len(second))
    paired = paired and len(first) == len(second)
    ratio = low = high = p = math.nan
    if least > 0:
        ratio = float(ratio_of_medians(first[None], second[None])[0])
    if least > 1:
        low, high = bootstrap_interval(first, second, paired, seed)
        p = rank_test(first, second, paired)
    call, reason = choose_call(low, high, p, noise, least, paired)
    if better == "higher":
        call = OPPOSITE.get(call, call)
    return Difference(ratio, low, high, p, call, (len(first), len(second)), noise, paired, reason)


def choose_call(
    low: float, high: float, p: float, noise: float, least: int, paired: bool
) -> tuple[Call, str]:
    """The call by the rule, where lower is better, and why it is undecided.

    `least` is the number of samples in the smaller set.
    """
    if least < ENOUGH:
        return "undecided", f"{least} samples each; {ENOUGH} are needed"
    if math.isinf(low):
        return "undecided", "the reference's median is 0, so there is no ratio to it"
    beyond: Call | None = "slower" if low > 1 + noise else "faster" if high < 1 / (1 + noise) else None
    if beyond and p < ALPHA:
        return beyond, ""
    margin = max(MARGIN, noise)
    if 1 / (1 + margin) <= low and high <= 1 + margin:
        return "same", ""
    if beyond and paired and least < ENOUGH_PAIRS:
        return "undecided", f"{least} pairs; a rank test needs {ENOUGH_PAIRS} or more"
    if beyond:
        return "undecided", f"the rank test does not confirm it: p = {p:.2g}, not below {ALPHA}"
    return "undecided", (
        f"{low:.3f} … {high:.3f} is neither beyond the noise floor of {100 * noise:.2g} % "
        f"nor within {100 * margin:.2g} %: more repeats narrow it"
    )


def noise_floor(first: Sequence[float], second: Sequence[float]) -> float:
    """The noise floor: how far a configuration's median lies from itself, as a fraction, at least MIN_NOISE.

    `first` and `second` are samples of it that took turns; 20 or more in each make a good estimate. Raises
    ValueError for fewer than ENOUGH samples in either, for bad samples, and if a median is 0.
    """
    one, other = as_array(first), as_array(second)
    if (least := min(len(one), len(other))) < ENOUGH:
        raise ValueError(f"a noise floor requires {ENOUGH} samples each, not {least}")
    ratio = float(ratio_of_medians(one[None], other[None])[0])
    if not 0 < ratio < math.inf:
        raise ValueError("a noise floor is a fraction of a median, and one of the medians is 0")
    return max(ratio - 1, 1 / ratio - 1, MIN_NOISE)


def as_array(samples: Sequence[float]) -> npt.NDArray[np.float64]:
    """`samples` as float64 [n]; raises ValueError for one that is negative or not finite."""
    import numpy as np

    values = np.asarray(samples, dtype=np.float64)
    if bad := [float(v) for v in values if not 0 <= v < math.inf]:
        raise ValueError(f"samples must be finite and 0 or more, not {bad[0]}")
    return values


def ratio_of_medians(
    first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """median(second) / median(first) of each row, [m, n] → [m]; 0 / 0 is 1, since the two are equal."""
    import numpy as np

    below, above = np.median(first, axis=1), np.median(second, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((above == 0) & (below == 0), 1.0, above / below)


def bootstrap_interval(
    first: npt.NDArray[np.float64], second: npt.NDArray[np.float64], paired: bool, seed: int
) -> tuple[float, float]:
    """The percentile bootstrap interval of the ratio of medians; pairs are drawn together.

    scipy.stats.bootstrap gives the same ten times slower, and its BCa interval is undefined if jackknifed
    medians repeat. A resample whose reference is 0 has an infinite ratio, so the quantiles are ratios that
    occurred: averaging two could give infinity minus infinity.
    """
    import numpy as np

    rows = resample_positions(len(first), seed)
    columns = rows if paired else resample_positions(len(second), seed + 1)
    ratios = ratio_of_medians(first[rows], second[columns])
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(ratios, [tail, 1 - tail], method="inverted_cdf")
    return float(low), float(high)


@lru_cache(maxsize=32)
def resample_positions(n: int, seed: int) -> npt.NDArray[np.int64]:
    """Positions drawn with replacement for the bootstrap: int64 [RESAMPLES, n]."""
    import numpy as np

    return np.random.default_rng(seed).integers(n, size=(RESAMPLES, n))


def rank_test(first: npt.NDArray[np.float64], second: npt.NDArray[np.float64], paired: bool) -> float:
    """The two-sided p of Wilcoxon's signed rank test for pairs, otherwise of Mann and Whitney's test.

    It is 1 if all pairs are equal.
    """
    from scipy import stats

    if paired:
        if (first == second).all():
            return 1.0
        return float(stats.wilcoxon(second, first).pvalue)
    return float(stats.mannwhitneyu(second, first, alternative="two-sided").pvalue)
