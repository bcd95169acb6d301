"""How often baseline=compare is wrong: false alarms and power, by simulation.

python -m studies.baseline_gate [--trials 400]

A trial draws a baseline, a run to compare with it and, where that is slower, the run that is to confirm it.
A run's middle varies by `between` and its repeats by `within` around it: standard deviations of the
logarithm. They are normal, or else have outliers: the middles then are of Student's t with 3 degrees of
freedom, scaled alike, and the repeats' deviations all make them slower.
"""

from __future__ import annotations

import argparse
import itertools

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from clipbench.bench.comparing.calibration import DEFAULT
from clipbench.bench.comparing.regression import compare_runs
from clipbench.bench.enough import ENOUGH

SLOWER = (1.0, 1.05, 1.1, 1.2, 1.5)
SPREADS = ((0.01, 0.01), (0.02, 0.02), (0.05, 0.03))
RUNS = (3, 5, 10)
REPEATS = ENOUGH


def run(rng: np.random.Generator, between: float, within: float, tails: bool, slower: float = 1.0) -> list:
    """The samples of one run whose code is `slower` by this factor."""
    middle = rng.standard_t(3) / np.sqrt(3) if tails else rng.normal()
    repeats = rng.normal(size=REPEATS)
    repeats = np.abs(repeats) if tails else repeats
    return (slower * np.exp(between * middle + within * repeats)).tolist()


def caught(rng: np.random.Generator, runs: int, *noise, slower: float) -> bool:
    """Whether one comparison ends as slower: at first, and when measured again."""
    baseline = [run(rng, *noise) for _ in range(runs)]
    return all(compare_runs(baseline, [run(rng, *noise, slower)], DEFAULT).call == "slower" for _ in range(2))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=400, help="comparisons for each figure")
    trials = parser.parse_args().trials
    rng = np.random.default_rng(0)
    table = Table(title=f"called slower, of {trials} (repeats: {REPEATS}, noise floor: {DEFAULT:.0%})")
    for column in ("deviations", "between", "within", "saved runs", *(f"× {s:g}" for s in SLOWER)):
        table.add_column(column, justify="right")
    rows = list(itertools.product((False, True), SPREADS, RUNS))
    for tails, (between, within), runs in track(rows, "simulating", console=Console(stderr=True)):
        found = [
            sum(caught(rng, runs, between, within, tails, slower=slower) for _ in range(trials))
            for slower in SLOWER
        ]
        kind = "with outliers" if tails else "normal"
        table.add_row(kind, f"{between:.0%}", f"{within:.0%}", str(runs), *map(str, found))
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
