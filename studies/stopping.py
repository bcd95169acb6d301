"""How much a rule that stops when the interval is narrow spoils the interval: repeats=auto, by simulation.

`python -m studies.stopping [--trials 1000]` draws passes of several kinds of noise and asks how often the
95 % interval of their median has the true median in it: of a fixed number of passes, and of as many as the
rule of bench/measuring/repeating.py takes, with a budget of so many passes: see docs/statistics.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import TYPE_CHECKING

from clipbench.bench.enough import ENOUGH
from clipbench.bench.measuring.repeating import next_look
from clipbench.bench.resampling import median_interval
from studies.decisions import share
from studies.noise_models import kinds

if TYPE_CHECKING:
    import numpy as np

    from studies.noise_models import Noise

#: The width that is asked for, as a share of the median, and what the budget has room for.
INTERVAL, BUDGET = 0.05, 30
#: Passes that stand for all that there could be, of which the true median is.
MANY = 40_000


def normal(deviation: float) -> Noise:
    """Passes that do not depend on each other, with this standard deviation."""
    return lambda n, rng: 1 + deviation * rng.standard_normal(n)


def noises() -> dict[str, Noise]:
    """Kinds of noise that have a true median: a drift has none."""
    own = {f"independent, {100 * one:g} %": normal(one) for one in (0.02, 0.05, 0.1)}
    return own | {name: noise for name, noise in kinds().items() if name != "drift"}


def taken(samples: Sequence[float], interval: float) -> int:
    """After how many of these samples, all that the budget has room for, the rule stops."""
    look = ENOUGH
    while look < len(samples):
        low, high = median_interval(samples[:look])
        if high - low < interval * median(samples[:look]):
            return look
        look = next_look(look)
    return len(samples)


@dataclass
class Tally:
    """In how many trials the interval had the true median, and how many passes were taken in each."""

    fixed: int
    long: int
    stopped: int
    passes: list[int]


def simulate(noise: Noise, trials: int, rng: np.random.Generator) -> Tally:
    """What came of so many trials."""
    import numpy as np

    true, found = float(np.median(noise(MANY, rng))), Tally(0, 0, 0, [])

    def covered(samples: Sequence[float]) -> bool:
        low, high = median_interval(samples)
        return low <= true <= high

    for _ in range(trials):
        samples = noise(BUDGET, rng).tolist()
        found.passes.append(taken(samples, INTERVAL))
        found.fixed += covered(samples[:ENOUGH])
        found.long += covered(samples)
        found.stopped += covered(samples[: found.passes[-1]])
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m studies.stopping", description=__doc__)
    parser.add_argument("--trials", type=int, default=1000, help="simulated runs for each row")
    trials = parser.parse_args(arguments).trials
    import numpy as np

    print(f"the true median is in the 95 % interval, of {trials} (95 % interval of the share)")
    print(f"| noise | {ENOUGH} passes | {BUDGET} passes | auto | passes of auto |\n|---|---|---|---|---|")
    for name, noise in noises().items():
        found = simulate(noise, trials, np.random.default_rng(0))
        shares = " | ".join(share(hits, trials) for hits in (found.fixed, found.long, found.stopped))
        print(f"| {name} | {shares} | {fmean(found.passes):.1f} |", flush=True)


if __name__ == "__main__":
    main()
