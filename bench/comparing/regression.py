"""Whether a run is slower than runs of another day: the decision behind `baseline=compare`.

Samples of one run resemble each other more than samples of two runs do: memory is laid out differently,
another clock speed is reached, other work goes on. So runs are what is counted, not repeats. The interval
comes from a bootstrap in two stages (runs, then the repeats within each; Davison & Hinkley, "Bootstrap
Methods and their Application", 1997, section 3.8), and the noise from how far the saved runs lie apart.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median, stdev
from typing import TYPE_CHECKING

from clipbench.bench.comparing.statistics import MARGIN, Call
from clipbench.bench.enough import ENOUGH
from clipbench.bench.resampling import RESAMPLES
from clipbench.bench.runs.baseline_outcome import SlowerAnalyzer

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

#: The samples of several runs, run by run.
Runs = Sequence[Sequence[float]]

#: What intervals cover. A false alarm in CI costs more than one at a prompt.
CONFIDENCE = 0.95
#: Fewer saved runs say nothing about how far runs lie apart. (They are runs, not samples: bench/enough.py.)
MIN_RUNS = 3
#: A slower analyzer is reported if it accounts for at least this share of what all of them lost.
REPORTED_SHARE = 0.05


@dataclass(frozen=True)
class Change:
    """How runs of today compare with those of a baseline; ratios and noise have no unit.

    `ratio` is the median of today's medians / the same of the baseline, above 1 if today's take longer; `low`
    and `high` are the ends of its 95 % bootstrap interval, and `noise` is what the interval had to clear. All
    four are None if there are too few samples. `reason` says why `call` is undecided. `valid` is False if
    there was nothing to believe, as opposed to two figures that are close.
    """

    ratio: float | None
    low: float | None
    high: float | None
    noise: float | None
    call: Call
    reason: str = ""
    valid: bool = True


def compare_runs(baseline: Runs, now: Runs, floor: float, other_work: float = 1.0, seed: int = 0) -> Change:
    """The change from `baseline` to `now`, in times or in anything else of which less is better.

    It is slower if the whole interval is above 1 + noise, and faster if it is below 1 / (1 + noise). The
    noise is the larger of `floor` and how far one more run of the baseline is likely to be off. `other_work`
    is the factor by which other work on this machine may have lengthened `now`, compared with the baseline
    (below 1: shortened): what that explains is neither slower nor faster.
    """
    if reason := too_few(baseline, now):
        return no_change(reason)
    import numpy as np

    noise = max(floor, noise_between_runs(baseline))
    rng = np.random.default_rng(seed)
    ratios = bootstrap_medians(now, rng) / bootstrap_medians(baseline, rng)
    tail = 50 * (1 - CONFIDENCE)
    low, high = (float(end) for end in np.percentile(ratios, [tail, 100 - tail]))
    call, reason, valid = choose_call(low, high, noise, max(floor, MARGIN), other_work)
    ratio = median_of_medians(now) / median_of_medians(baseline)
    return Change(ratio, low, high, noise, call, reason, valid)


def no_change(reason: str) -> Change:
    """A change that is undecided because there is nothing to believe."""
    return Change(None, None, None, None, "undecided", reason, valid=False)


def too_few(baseline: Runs, now: Runs) -> str:
    """Why there are too few samples to say anything, or ""."""
    if len(baseline) < MIN_RUNS:
        return f"the baseline has {len(baseline)} of the {MIN_RUNS} runs that are needed"
    fewest = min(len(run) for run in (*baseline, *now))
    if fewest < ENOUGH:
        return f"a run has {fewest} of the {ENOUGH} repeats that are needed"
    if min(min(run) for run in (*baseline, *now)) <= 0:
        return "a sample is not above 0"
    return ""


def choose_call(
    low: float, high: float, noise: float, margin: float, other_work: float
) -> tuple[Call, str, bool]:
    """The call for an interval, why it is undecided, and whether it is valid; `same` is within `margin`."""
    if low > 1 + noise:
        if low > (1 + noise) * other_work:
            return "slower", "", True
        return "undecided", f"slower, but other work may account for a factor of {other_work:.2f}", False
    if high < 1 / (1 + noise):
        if high < other_work / (1 + noise):
            return "faster", "", True
        reason = f"faster, but less other work may account for a factor of {other_work:.2f}"
        return "undecided", reason, False
    if low > 1 / (1 + margin) and high < 1 + margin:
        return "same", "", True
    return "undecided", "the samples fit a difference as well as none", True


def noise_between_runs(runs: Runs) -> float:
    """How far from the middle of `runs` one more run is likely to lie (95 %), as a fraction.

    Student's t for the few runs that there are, times the standard deviation of the medians' logarithms.
    """
    from scipy.stats import t

    deviation = stdev(math.log(median(run)) for run in runs)
    return math.expm1(float(t.ppf((1 + CONFIDENCE) / 2, len(runs) - 1)) * deviation)


def median_of_medians(runs: Runs) -> float:
    """The median of the runs' medians."""
    return median(median(run) for run in runs)


def bootstrap_medians(
    runs: Runs, rng: np.random.Generator, chosen: npt.NDArray[np.int64] | None = None
) -> npt.NDArray[np.float64]:
    """`median_of_medians` of resampled runs, each with its samples resampled too: float64 [RESAMPLES].

    `chosen` are the runs that are drawn, int64 [RESAMPLES, n], where that is not left to `rng`.
    """
    import numpy as np

    if chosen is None:
        chosen = rng.integers(len(runs), size=(RESAMPLES, len(runs)))
    medians = np.empty(chosen.shape)
    for number, run in enumerate(runs):
        here = chosen == number
        medians[here] = np.median(rng.choice(run, size=(here.sum(), len(run))), axis=1)
    found: npt.NDArray[np.float64] = np.median(medians, axis=1)
    return found


def slower_analyzers(
    baseline: Sequence[Mapping[str, Sequence[float]]],
    now: Sequence[Mapping[str, Sequence[float]]],
    floor: float,
    other_work: float = 1.0,
) -> list[SlowerAnalyzer]:
    """The analyzers that got slower, the one that lost the most seconds first.

    A run is analyzer → its seconds in each pass. Analyzers that are in all runs are compared like whole
    passes. One whose loss is small beside that of all together is left out, however certain it is.
    """
    everywhere = sorted(set.intersection(*(set(run) for run in (*baseline, *now))))
    lost_s, found = 0.0, []
    for name in everywhere:
        before, after = [run[name] for run in baseline], [run[name] for run in now]
        change = compare_runs(before, after, floor, other_work)
        if change.ratio is None or change.low is None or change.high is None:
            continue
        before_s, now_s = median_of_medians(before), median_of_medians(after)
        lost_s += max(0.0, now_s - before_s)
        if change.call == "slower":
            found.append(SlowerAnalyzer(name, before_s, now_s, change.ratio, change.low, change.high))
    found.sort(key=lambda one: one.before_s - one.now_s)
    return [one for one in found if one.now_s - one.before_s >= REPORTED_SHARE * lost_s]
