"""How far the simulator is from the real executors where costs are known exactly: analyzers that only wait.

Prints a line for each case: the seconds that the real executor took and those that were simulated, their
difference, and whether every worker did the same in the same order. What is left is what the executor itself
takes, since the simulation is told that this is nothing.

    python -m studies.simulator [--executor NAME ...] [--rounds N]

CLIPBENCH_SLEEP_UNIT_S=0.1 has them all wait four times as long, so that what else is done counts less.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from statistics import median

from clipbench.executors import registry as executors
from clipbench.executors.faults import Fault
from tests.support.sleepers import Case, real, simulated, use_sleepers

#: Fewer than all, since a worker more changes nothing once every chain has its own.
WORKERS = (1, 2, 3, 5, 8)
#: Faults that every executor below contains.
FAULTS = (Fault("raise", "sleeper_1"), Fault("hang", "sleeper_0"))


def cases(executor: str) -> Iterator[Case]:
    """What is compared."""
    for workers in WORKERS:
        yield Case(executor, workers)
        yield Case(executor, workers, clips=4, in_flight=3)
    yield Case(executor, 2, replicas=2, clips=4, in_flight=3)
    for fault in FAULTS:
        yield Case(executor, 3, clips=2, in_flight=2, faults=(fault,), timeout_s=1.0)


def main() -> None:
    """Compare, and print."""
    parser = argparse.ArgumentParser(description="how far the simulator is from the real executors")
    names = [n for n in executors.running() if n != "sequential" and not executors.lacking(n)]
    parser.add_argument("--executor", nargs="*", default=[n for n in names if n != "ray"], choices=names)
    parser.add_argument("--rounds", type=int, default=3, help="the fastest of so many real runs counts")
    asked = parser.parse_args()
    use_sleepers()
    errors = []
    print("| case | real s | simulated s | error | same order |\n|---|--:|--:|--:|---|")
    for name in asked.executor:
        for case in cases(name):
            expected, found = simulated(case), [real(case) for _ in range(asked.rounds)]
            seconds = min(one.makespan_s for one in found)
            errors.append(abs(expected.makespan_s / seconds - 1))
            same = sum(one.orders == expected.orders for one in found)
            print(
                f"| {case} | {seconds:.3f} | {expected.makespan_s:.3f} | {100 * errors[-1]:.2f} % "
                f"| {same} of {asked.rounds} |",
                flush=True,
            )
    print(f"\nmedian error {100 * median(errors):.2f} %, largest {100 * max(errors):.2f} %")


if __name__ == "__main__":
    main()
