"""The targets of a candidate, over all of its runs."""

from __future__ import annotations

import dataclasses

from clipbench.bench.comparing.candidates import Candidate
from clipbench.bench.measuring.targets import OPERATORS
from clipbench.bench.runs.results import TargetResult


def judge_targets(candidate: Candidate) -> list[TargetResult]:
    """The targets of the first run, judged by the value over all runs.

    What failed in one of the runs is missed.
    """
    failed = {t.metric: t for run in candidate.runs for t in run.result.targets if lost_its_metric(t)}
    judged = []
    for target in candidate.first.targets:
        value = candidate.metric(target.metric).value
        if target.metric in failed:
            judged.append(failed[target.metric])
        elif len(candidate.runs) == 1 or target.status == "not_measured" or value is None:
            judged.append(target)
        else:
            met = OPERATORS[target.op](value, target.limit)
            judged.append(dataclasses.replace(target, observed=value, status="pass" if met else "fail"))
    return judged


def lost_its_metric(target: TargetResult) -> bool:
    """Whether a target is missed because there was nothing to measure, as with an analyzer that failed."""
    return target.status == "fail" and target.observed is None
