"""A configuration, itself again and itself slowed by a tenth, measured in turns: for tests.perf.decisions."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

#: What the planted slowdown adds to a pass, as a share of it.
PLANTED = 0.1


class Slowed:
    """A contestant of tests.perf.lanes whose passes take a share longer: the last analyzer sleeps that share
    of what the pass, decoding included, has taken until then."""

    def __init__(self, harness: Any) -> None:
        self.harness, self.share = harness, 0.0

    def plant(self) -> str:
        """Slow the last analyzer, which has to be loaded; returns its name."""
        run = self.harness.run
        name = run.plan.tasks()[-1].analyzer
        analyzer = run.executor.worker.loaded[name]
        analyze = analyzer.analyze

        def slowed(*arguments: Any) -> Any:
            try:
                return analyze(*arguments)
            finally:
                time.sleep(self.share * (time.monotonic() - run.record.passes[-1].start_s))

        analyzer.analyze = slowed
        return name

    def once(self, path: Path, share: float) -> float:
        """Seconds of one pass that is slowed by `share`."""
        self.share = share
        return self.harness.once(path)[0]


def measure(
    number: int,
    repeats: int,
    only: str,
    clip: Path,
    tick: Callable[[str], None],
    keep: Callable[[dict], None],
) -> dict[str, Any]:
    """Measure `number` times A, A again and A slowed, in turns, in this process; `keep` gets all after each.

    Returns {environment, only, slowed, planted, pairs: [{A, again, slow, other_cores}]}: the analyzer that
    sleeps and the share it adds, the seconds of each pass, and the cores that other work took meanwhile.
    """
    from bench import environment
    from bench.contention import OtherWork
    from tests.perf.lanes import Harness

    harness = Harness("sequential", "grouping=sequential", *([f"only=[{only}]"] if only else []))
    try:
        slowed = Slowed(harness)
        tick("warm-up")
        slowed.once(clip, 0.0)
        found = {
            "environment": environment.describe(),
            "only": only,
            "slowed": slowed.plant(),
            "planted": PLANTED,
            "pairs": [],
        }
        for turn in range(number):
            pair: dict[str, Any] = {"A": [], "again": [], "slow": []}
            others = OtherWork()
            for _ in range(repeats):
                for side, passes in pair.items():
                    tick(f"comparison {turn + 1} of {number}: {side}")
                    passes.append(slowed.once(clip, PLANTED if side == "slow" else 0.0))
            found["pairs"].append({**pair, "other_cores": others.cores()})
            keep(found)
        return found
    finally:
        harness.close()
