"""What a sweep exits with: each job, over all its turns, is held to what a single run is held to."""

from __future__ import annotations

from collections.abc import Sequence

from clipbench.bench.comparing.candidates import Candidate
from clipbench.bench.comparing.comparison import Comparison
from clipbench.bench.errors import Exit
from clipbench.bench.measuring import targets
from clipbench.bench.measuring.verdict import shortfalls, why_failed
from clipbench.bench.runs.results import TargetResult
from clipbench.bench.sweeping.sweep import Job


def verdict(jobs: Sequence[Job], comparison: Comparison | None) -> tuple[Exit, list[str]]:
    """The exit code, and why it is not 0, a line for each job; `comparison` is None if no run left a result.

    5 if a job has no result. With gate=enforce also if one measured less than a verdict requires
    (`targets.minimum`, or no target at all), or did not measure a target that `gate.allow_unmeasured` does
    not name; else 3 if one missed a target, or did not measure what `gate.require` names, else 2 if one lost
    a clip.
    """
    candidates = {one.name: one for one in comparison.candidates} if comparison else {}
    empty = [f"{job.name}: it has no result" for job in jobs if job.name not in candidates]
    if empty or comparison is None:
        return Exit.NOTHING_VALID, empty
    worst, lines = Exit.OK, []
    for job in jobs:
        code, why = judge_job(job, candidates[job.name], comparison.targets[job.name])
        if code:
            lines.append(f"{job.name}: {why}")
        worst = max(worst, code)  # nothing valid is above a missed target
    return worst, lines


def judge_job(job: Job, candidate: Candidate, judged: list[TargetResult]) -> tuple[Exit, str]:
    """One job's exit code, and why; in the order and the words of a run's verdict (measuring/verdict.py)."""
    if job.gate.mode != "enforce":
        return Exit.OK, ""
    passes = [[(p.start_s, p.end_s) for p in run.result.run.passes if not p.warmup] for run in candidate.runs]
    if few := shortfalls(len(candidate.first.analyzers), passes, job.minimum):
        done = "simulated" if job.predicted else "measured"
        return Exit.NOTHING_VALID, f"too little was {done}: {', '.join(few)}"
    required = [candidate.metric(name) for name in job.gate.require]
    absent = targets.not_measured(job.gate.require, required, judged)
    if missed := why_failed(judged, absent):
        return Exit.TARGET_MISSED, missed
    if not any(t.status == "pass" for t in judged):
        return Exit.NOTHING_VALID, "no target was measured"
    if open_ := targets.not_allowed(judged, job.gate.allow_unmeasured):
        return Exit.NOTHING_VALID, f"not measured, and not in gate.allow_unmeasured: {', '.join(open_)}"
    if lost := sorted({clip.path for run in candidate.runs for clip in run.result.lost_clips}):
        return Exit.BAD_INPUT, f"lost {', '.join(lost)}"
    return Exit.OK, ""
