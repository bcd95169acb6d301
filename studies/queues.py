"""How many clips a percentile takes, and how often a queue is called growing: `python -m studies.queues`.

It prints the two tables of docs/server.md. The queue is one worker that takes exactly a second for a clip;
clips arrive by a Poisson process, `load` of them a second.
"""

from __future__ import annotations

import argparse
import math

from clipbench.bench.measuring.served import growth
from clipbench.bench.planning.percentiles import (
    CLAIMED,
    LEAST_CLIPS,
    clips_for_bound,
    clips_for_margin,
    clips_needed,
)
from clipbench.bench.planning.scenario import poisson

LOADS = (0.5, 0.8, 0.9, 1.0, 1.1, 1.3, 1.5, 2.0)


def called_growing(load: float, clips: int, trials: int) -> float:
    """The share of queues with this load that are called growing."""
    found = 0
    for seed in range(trials):
        arrivals, ends, free = poisson(load, clips, seed), [], -math.inf
        for arrival in arrivals:
            free = max(free, arrival) + 1.0
            ends.append(free)
        found += bool(growth(arrivals, ends))
    return found / trials


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--trials", type=int, default=1000, help="queues for each cell (default: 1000)")
    trials = parser.parse_args().trials
    print("| percentile | by the paper's rule | by early stopping | here |\n|---:|---:|---:|---:|")
    for percent in CLAIMED:
        rules = clips_for_margin(percent), clips_for_bound(percent), clips_needed(percent)
        print(f"| {percent} | {' | '.join(f'{count:,}' for count in rules)} |")
    counts = sorted({LEAST_CLIPS // 4, LEAST_CLIPS // 2, *map(clips_needed, CLAIMED)})
    print(f"\n| load | {' | '.join(f'{count} clips' for count in counts)} |\n|---:{'|---:' * len(counts)}|")
    for load in LOADS:
        shares = [f"{100 * called_growing(load, count, trials):.1f} %" for count in counts]
        print(f"| {load:g} | {' | '.join(shares)} |")


if __name__ == "__main__":
    main()
