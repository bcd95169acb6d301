"""What a sweep exits with: each job, over all its turns, is held to what a single run is held to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from clipbench.bench.errors import Exit
from clipbench.bench.measuring import targets
from clipbench.bench.runs.results import TargetResult

if TYPE_CHECKING:
    from clipbench.bench.comparing.candidates import Side
    from clipbench.bench.comparing.comparison import Comparison
    from clipbench.bench.sweeping.sweep import Job


def verdict(jobs: Sequence[Job], compared: Comparison | None) -> tuple[Exit, list[str]]:
    """The exit code, and why it is not 0, a line for each job; `compared` is None where nothing was.

    5 where a job has given nothing. With gate=enforce also where one measured less than a verdict takes
    (`targets.minimum`, or no target at all), and else 3 where one missed a target, or did not measure what
    `gate.require` names.
    """
    sides = {side.name: side for side in compared.sides} if compared else {}
    if empty := [f"{job.name}: it has given nothing" for job in jobs if job.name not in sides]:
        return Exit.NOTHING_VALID, empty
    worst, lines = Exit.OK, []
    for job in jobs:
        code, why = judge(sides[job.name], job.config, compared.targets[job.name])
        if code:
            lines.append(f"{job.name}: {why}")
        worst = max(worst, code)  # nothing valid is above a missed target
    return worst, lines


def judge(side: Side, config: dict[str, Any], judged: list[TargetResult]) -> tuple[Exit, str]:
    """One job's exit code, and why; in the order and the words of a run's verdict (summary.decide)."""
    from clipbench.bench.measuring.summary import lacking
    from clipbench.bench.planning.config import MinimumConfig

    gate = config["gate"]
    if gate["mode"] != "enforce":
        return Exit.OK, ""
    passes = [[(p.start_s, p.end_s) for p in run.result.run.passes if not p.warmup] for run in side.runs]
    minimum = MinimumConfig(**config["targets"]["minimum"])
    if few := lacking(len(side.first.analyzers), passes, minimum):
        return Exit.NOTHING_VALID, f"too little was measured: {', '.join(few)}"
    required = [side.metric(name) for name in gate["require"]]
    absent = targets.not_measured(gate["require"], required, judged)
    failed = [t.metric for t in judged if t.status == "fail"]
    missed = [f"missed: {', '.join(failed)}"] if failed else []
    missed += [f"required, but not measured: {', '.join(absent)}"] if absent else []
    if missed:
        return Exit.TARGET_MISSED, "; ".join(missed)
    if not any(t.status == "pass" for t in judged):
        return Exit.NOTHING_VALID, "no target was measured"
    return Exit.OK, ""
