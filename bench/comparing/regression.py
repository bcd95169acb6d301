"""Whether a run is slower than runs of another day: the decision behind `baseline=compare`.

Samples of one run resemble each other more than those of two runs do: memory is laid out anew, another clock
speed is reached, other work goes on. So the runs, not the repeats, are what is counted: the interval comes
from a bootstrap in two stages (runs, then the repeats within each; Davison & Hinkley, "Bootstrap Methods and
their Application", 1997, section 3.8), and the noise floor from how far the saved runs lie apart.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median, stdev
from typing import TYPE_CHECKING

from clipbench.bench.comparing.statistics import MARGIN, RESAMPLES, Call
from clipbench.bench.runs.baseline_outcome import SlowerAnalyzer

if TYPE_CHECKING:
    import numpy as np

#: The samples of several runs, run by run.
Runs = Sequence[Sequence[float]]

#: What intervals cover. A false alarm in CI costs more than one at a prompt.
CONFIDENCE = 0.95
#: Fewer saved runs tell nothing of how far runs lie apart.
MIN_RUNS = 3
#: With fewer repeats, a single outlier makes the median.
MIN_REPEATS = 3
#: An analyzer has moved if it accounts for this share of what the passes have gained.
MOVED_SHARE = 0.05


@dataclass(frozen=True)
class Change:
    """How the runs of today compare with those of a baseline; ratios and noise are without a unit.

    `ratio` is the median of the runs' medians / the same of the baseline, above 1 where they take longer;
    `low` and `high` are the ends of its 95 % bootstrap interval, and `noise` is what that had to clear. All
    are None where there are too few samples. `reason` says why `call` is undecided; `valid` is False where
    that is for want of anything to believe, and not because the two are close.
    """

    ratio: float | None
    low: float | None
    high: float | None
    noise: float | None
    call: Call
    reason: str = ""
    valid: bool = True


def change(baseline: Runs, now: Runs, floor: float, busier: float = 1.0, seed: int = 0) -> Change:
    """The call on `now` against `baseline`: times, or anything else of which less is better.

    It is slower where the whole interval is above 1 + noise, and faster where it is below 1 / (1 + noise).
    The noise is `floor`, or what the spread of the baseline's runs makes likely of one run more, if that is
    more. `busier` is the factor by which other work on this machine may have lengthened `now`, compared with
    the baseline (below 1: shortened): what it accounts for is neither slower nor faster.
    """
    if reason := lacking(baseline, now):
        return nothing(reason)
    import numpy as np

    noise = max(floor, spread(baseline))
    rng = np.random.default_rng(seed)
    ratios = resampled(now, rng) / resampled(baseline, rng)
    tail = 50 * (1 - CONFIDENCE)
    low, high = (float(end) for end in np.percentile(ratios, [tail, 100 - tail]))
    call, reason, valid = decide(low, high, noise, max(floor, MARGIN), busier)
    return Change(typical(now) / typical(baseline), low, high, noise, call, reason, valid)


def nothing(reason: str) -> Change:
    """No call, for want of anything to believe."""
    return Change(None, None, None, None, "undecided", reason, valid=False)


def lacking(baseline: Runs, now: Runs) -> str:
    """Why there are too few samples to say anything, or ""."""
    if len(baseline) < MIN_RUNS:
        return f"the baseline has {len(baseline)} of the {MIN_RUNS} runs that it takes"
    fewest = min(len(run) for run in (*baseline, *now))
    if fewest < MIN_REPEATS:
        return f"a run has {fewest} of the {MIN_REPEATS} repeats that it takes"
    if min(min(run) for run in (*baseline, *now)) <= 0:
        return "a sample is not above 0"
    return ""


def decide(low: float, high: float, noise: float, margin: float, busier: float) -> tuple[Call, str, bool]:
    """The call on an interval; why it is undecided; and whether it is valid. `same` is within `margin`."""
    if low > 1 + noise:
        if low > (1 + noise) * busier:
            return "slower", "", True
        return "undecided", f"slower, but other work may account for a factor of {busier:.2f}", False
    if high < 1 / (1 + noise):
        if high < busier / (1 + noise):
            return "faster", "", True
        return "undecided", f"faster, but less other work may account for a factor of {busier:.2f}", False
    if low > 1 / (1 + margin) and high < 1 + margin:
        return "same", "", True
    return "undecided", "what was measured fits a difference as well as none", True


def spread(runs: Runs) -> float:
    """How far from their middle one more run may well lie (95 %), as a fraction.

    Student's t for the few runs that there are, times the standard deviation of the medians' logarithms.
    """
    from scipy.stats import t

    deviation = stdev(math.log(median(run)) for run in runs)
    return math.expm1(float(t.ppf((1 + CONFIDENCE) / 2, len(runs) - 1)) * deviation)


def typical(runs: Runs) -> float:
    """The median of the runs' medians."""
    return median(median(run) for run in runs)


def resampled(runs: Runs, rng: np.random.Generator) -> np.ndarray:
    """`typical` of runs drawn with replacement, each with its samples drawn likewise: float64 [RESAMPLES]."""
    import numpy as np

    chosen = rng.integers(len(runs), size=(RESAMPLES, len(runs)))
    medians = np.empty(chosen.shape)
    for number, run in enumerate(runs):
        here = chosen == number
        medians[here] = np.median(rng.choice(run, size=(here.sum(), len(run))), axis=1)
    return np.median(medians, axis=1)


def moved(
    baseline: Sequence[Mapping[str, Sequence[float]]],
    now: Sequence[Mapping[str, Sequence[float]]],
    floor: float,
    busier: float = 1.0,
) -> list[SlowerAnalyzer]:
    """The analyzers that got slower, the largest gain in seconds first.

    Runs are analyzer → its seconds in each pass. Those that are everywhere are compared like whole passes;
    gains that are small beside those of all of them together are left out, however sure they are.
    """
    everywhere = sorted(set.intersection(*(set(run) for run in (*baseline, *now))))
    gains, found = [], []
    for name in everywhere:
        before, after = [run[name] for run in baseline], [run[name] for run in now]
        if lacking(before, after):
            continue
        gains.append(max(0.0, typical(after) - typical(before)))
        how = change(before, after, floor, busier)
        if how.call == "slower":
            found.append(SlowerAnalyzer(name, typical(before), typical(after), how.ratio, how.low, how.high))
    found.sort(key=lambda m: m.before_s - m.now_s)
    return [m for m in found if m.now_s - m.before_s >= MOVED_SHARE * sum(gains)]
