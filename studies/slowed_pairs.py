"""A configuration, itself again and itself slowed by a tenth, measured in turns: for studies.decisions.

It is the one that docs/ci.md gates with. Each side has workers of its own, as two runs would have.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

#: What the planted slowdown adds to a pass, as a share of it.
PLANTED = 0.1
#: The configuration that is compared with itself.
CONFIGURATION = ("executor=gpu_pinned", "grouping=two_core")
#: Passes before anything counts; the first, in which models are loaded, is not among those that tell how
#: long a pass takes.
WARM_UP = 4


def measure(
    number: int,
    repeats: int,
    only: str,
    clip: Path,
    tick: Callable[[str], None],
    keep: Callable[[dict], None],
) -> dict[str, Any]:
    """Measure `number` times A, A again and A slowed, in turns; `keep` gets all after each.

    Slowed, the analyzer that is the last of a pass sleeps, so that the pass takes longer by what it sleeps.
    Returns {environment, configuration, only, slowed, planted, planted_s, pairs: [{A, again, slow,
    other_cores}]}: the analyzer that sleeps, the share that it adds and the seconds that this is, the seconds
    of each pass, and the cores that other work took meanwhile.
    """
    from clipbench.bench.probes import environment
    from clipbench.bench.runs.serialization import to_json
    from studies.contestants import Harness, Usage

    configuration = [*CONFIGURATION, *([f"only=[{only}]"] if only else [])]
    sides: dict[str, Harness] = {}
    try:
        for side in ("A", "again"):
            tick(f"warm-up: {side}")
            sides[side] = Harness(*configuration)
            warm = [sides[side].once(clip)[0] for _ in range(WARM_UP)][1:]
        *_, last = sides["A"].run.record.passes[-1].outcomes
        planted_s = PLANTED * median(warm)
        tick("warm-up: slow")
        slow = ("faults=slow", f"faults.analyzer={last}", f"faults.seconds={planted_s:.3f}")
        sides["slow"] = Harness(*configuration, *slow)
        for _ in range(WARM_UP):
            sides["slow"].once(clip)
        found = {
            "environment": to_json(environment.describe()),
            "configuration": configuration,
            "only": only,
            "slowed": last,
            "planted": PLANTED,
            "planted_s": planted_s,
            "pairs": [],
        }
        for turn in range(number):
            pair: dict[str, Any] = {side: [] for side in sides}
            usage = Usage()
            for _ in range(repeats):
                for side, passes in pair.items():
                    tick(f"comparison {turn + 1} of {number}: {side}")
                    passes.append(sides[side].once(clip)[0])
            found["pairs"].append({**pair, "other_cores": usage.since()[1]})
            keep(found)
        return found
    finally:
        for harness in sides.values():
            harness.close()
