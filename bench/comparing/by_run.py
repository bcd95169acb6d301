"""What samples say that come from several runs, each a process of its own.

The passes of one process are alike in what no pass can show: where its code and data happened to lie, which
cores it got. So the runs are what is compared, each by the median of its passes; and where there are too few
of them to show how far they lie apart, a difference has to be beyond what that may be. docs/statistics.md has
the rule.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median, stdev
from typing import Literal

from clipbench.bench.comparing import families
from clipbench.bench.comparing.regression import Runs, bootstrap_medians
from clipbench.bench.comparing.statistics import (
    OPPOSITE,
    Difference,
    as_array,
    choose_call,
    compare_samples,
    rank_test,
    ratio_of_medians,
    resample_positions,
)
from clipbench.bench.enough import enough
from clipbench.bench.resampling import CONFIDENCE

#: How far runs are taken to lie apart where nobody has measured it: a standard deviation, as a fraction.
#: Processes of one configuration were found to differ by 2 to 3 %; this leaves room for more.
ASSUMED = 0.04
#: How often few runs differ by more than the bound, if what they differ by is normal. Beside other work its
#: tails are heavier: this leaves room for that, so that it is no more than 2 of 100 there.
BEYOND = 0.01
#: The logarithm of the largest bound.
MOST = 10.0
#: Neighbouring passes are not taken to be more alike than this: a correlation.
MOST_ALIKE = 0.95


@dataclass(frozen=True)
class Sides:
    """One figure on both sides: a list of samples for each run, oldest first.

    With `paired`, the runs at the same place took turns. `better` says which is the better figure.
    """

    reference: Runs
    other: Runs
    paired: bool = True
    better: Literal["lower", "higher"] = "lower"

    def runs(self) -> tuple[int, int]:
        """The number of runs on each side."""
        return len(self.reference), len(self.other)

    def medians(self) -> tuple[list[float], list[float]]:
        """The median of each run, on each side."""
        return [median(run) for run in self.reference], [median(run) for run in self.other]

    def by_median(self) -> bool:
        """Whether there are runs enough to compare their medians, or no passes that would say more."""
        passes = max((len(run) for run in (*self.reference, *self.other)), default=0)
        return min(self.runs()) >= enough(self.paired) or passes <= 1 or not min(self.runs())

    def have_and_need(self) -> tuple[int, int]:
        """How many samples are compared on the smaller side, and how many a call takes."""
        if self.by_median():
            return min(self.runs()), enough(self.paired)
        return min(sum(map(len, self.reference)), sum(map(len, self.other))), enough()

    def can_be_called(self) -> bool:
        """Whether there are samples enough for a call other than undecided."""
        have, need = self.have_and_need()
        return have >= need


@dataclass(frozen=True)
class Spread:
    """How far runs of one configuration lie apart: `deviation`, as a fraction, is the standard deviation of
    the logarithms of their medians.

    It was found from so many `runs`, whose passes lay `within` of each other (a standard deviation too); with
    0 runs it is assumed.
    """

    deviation: float = ASSUMED
    runs: int = 0
    within: float = 0.0

    def bound(self, sides: Sides, family: int = 1) -> float:
        """What the medians of few runs differ by in 2 of 100 cases at most, as a fraction: the largest
        of `family` differences with that.

        Passes that vary may be alike in one run and other in the next (a neighbour comes and goes). So what
        they vary by, beyond what was seen when the spread was found, counts as if a run had but one pass. Few
        passes or runs also say little of how far they vary, which makes the bound wider: F. E. Satterthwaite,
        "An approximate distribution of estimates of variance components", Biometrics Bulletin 2(6), 1946.
        """
        from scipy.stats import t

        both = (sides.reference, sides.other)
        apart = self.deviation**2 * sum(1 / len(runs) for runs in both)
        restless = [max(0.0, within(runs) ** 2 - self.within**2) / len(runs) for runs in both]
        variance = apart + sum(restless)
        # Each estimate by how little is known of it: its square over its degrees of freedom.
        unsure = apart**2 / (self.runs - 1) if self.runs else 0.0
        for share, runs in zip(restless, both, strict=True):
            unsure += share**2 / freedom_within(runs)
        freedom = variance**2 / unsure if unsure else math.inf
        reach = float(t.ppf(1 - BEYOND / 2 / family, freedom))
        return math.expm1(min(reach * math.sqrt(variance), MOST))


#: Nobody has measured it.
UNKNOWN = Spread()


def spread_of(runs: Runs) -> Spread:
    """How far these runs lie apart."""
    return Spread(stdev(math.log(median(run)) for run in runs), len(runs), within(runs))


def within(runs: Runs) -> float:
    """How far the passes of a run lie apart: a standard deviation of their logarithms, from the mean distance
    to the run's median, which one disturbed pass does not decide; 0 for samples that have none."""
    variances = []
    for run in runs:
        if len(run) > 1 and min(run) > 0:
            middle = median(run)
            away = fmean(abs(math.log(x / middle)) for x in run) * math.sqrt(math.pi / 2)
            variances.append(away**2 * len(run) / (len(run) - 1))
    return math.sqrt(fmean(variances)) if variances else 0.0


def freedom_within(runs: Runs) -> float:
    """The degrees of freedom of `within`: passes less one for each run, 1 at least.

    Passes that are like the ones before them count as fewer: G. V. Bayley and J. M. Hammersley, "The
    effective number of independent observations in an autocorrelated time series", Supplement to the Journal
    of the Royal Statistical Society 8(2), 1946, for a correlation that fades at a constant rate.
    """
    counted = 0.0
    for run in runs:
        if len(run) > 1 and min(run) > 0:
            middle = median(run)
            away = [math.log(x / middle) for x in run]
            whole = sum(x * x for x in away)
            alike = sum(a * b for a, b in itertools.pairwise(away)) / whole if whole else 0.0
            alike = min(max(alike, 0.0), MOST_ALIKE)
            counted += max(1.0, len(run) * (1 - alike) / (1 + alike) - 1)
    return max(1.0, counted)


def compare(sides: Sides, floor: float, spread: Spread) -> Difference:
    """The difference of one figure; `floor` is the noise floor, a fraction.

    With runs enough for a call (bench/enough.py), the runs' medians are compared.
    With fewer, an interval that resamples runs and then their passes has to be beyond what so few runs may
    lie apart by.
    """
    return compare_family({"": sides}, floor, [spread])[""]


def compare_family(
    family: Mapping[str, Sides], floor: float, spreads: Sequence[Spread], what: str = "figures"
) -> dict[str, Difference]:
    """The differences of figures that stand in one table, by name; reasons call them `what`.

    In 2 of 100 tables at most is one called where there is none. `spreads` are what has to be cleared where
    runs are few.
    """
    counted = {name: sides for name, sides in family.items() if sides.can_be_called()}
    size = max(1, len(counted))
    single = {
        name: decided(measure(sides, floor, spreads, size), sides, floor) for name, sides in family.items()
    }
    if len(counted) > 1:
        own = {name: single[name] for name in counted}
        if all(sides.by_median() for sides in counted.values()):
            medians = {name: sides.medians() for name, sides in counted.items()}
            paired = all(sides.paired for sides in counted.values())
            p = families.family_p(medians, paired) if any(d.call in OPPOSITE for d in own.values()) else {}
        else:
            p = families.holm({name: d.p for name, d in own.items()})
        single |= families.of_family(own, p, what)
    return single


def measure(sides: Sides, floor: float, spreads: Sequence[Spread], family: int) -> Difference:
    """The ratio, interval and p of one figure, without a call that would heed the family."""
    if sides.by_median():
        found = compare_samples(*sides.medians(), floor, sides.paired)
        return dataclasses.replace(found, runs=sides.runs())
    import numpy as np

    passes = [as_array([x for run in side for x in run]) for side in (sides.reference, sides.other)]
    low, high = interval(sides)
    middles = [as_array(side)[None] for side in sides.medians()]
    return Difference(
        ratio=float(ratio_of_medians(*middles)[0]),
        low=low,
        high=high,
        p=rank_test(passes[0], passes[1], paired=False) if min(map(np.size, passes)) > 1 else math.nan,
        call="undecided",
        samples=(len(passes[0]), len(passes[1])),
        noise=max(floor, *(spread.bound(sides, family) for spread in spreads)),
        paired=False,
        runs=sides.runs(),
    )


def interval(sides: Sides, seed: int = 0) -> tuple[float, float]:
    """The bootstrap interval of the ratio of medians of medians: runs are drawn, then passes of each; runs
    that took turns are drawn together."""
    import numpy as np

    rng = np.random.default_rng(seed)
    together = resample_positions(len(sides.reference), seed) if sides.paired else None
    below, above = (bootstrap_medians(side, rng, together) for side in (sides.reference, sides.other))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where((below == 0) & (above == 0), 1.0, above / below)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(ratios, [tail, 1 - tail], method="inverted_cdf")
    return float(low), float(high)


def decided(found: Difference, sides: Sides, floor: float) -> Difference:
    """The difference with its call, heeding that few runs may lie apart by more than the noise floor."""
    rule = found.low, found.high, found.p
    least = min(found.samples)
    call, reason = choose_call(*rule, floor, least, found.paired)
    if call in OPPOSITE and choose_call(*rule, found.noise, least, found.paired)[0] != call:
        each = " and ".join(f"{n} run{'s' if n > 1 else ''}" for n in dict.fromkeys(found.runs or ()))
        reason = (
            f"{call}, but with {each} a side the processes alone may account for {100 * found.noise:.2g} %: "
            f"{enough(sides.paired)} runs or more can tell"
        )
        call = "undecided"
    if sides.better == "higher":
        call = OPPOSITE.get(call, call)
    return dataclasses.replace(found, call=call, reason=reason)
