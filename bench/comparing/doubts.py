"""What speaks against going by a candidate's figure yet, and what to run next instead."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from clipbench.bench import invocation
from clipbench.bench.comparing.candidates import Candidate, metric_samples, sides_of
from clipbench.bench.enough import ENOUGH_PAIRS
from clipbench.bench.probes.other_load import is_busy

#: What is run alone has to be repeated this many times as often where that was not enough to tell.
MORE = 2


def doubts(candidate: Candidate, metric: str) -> str:
    """Why no recommendation is to rest on this candidate's `metric` yet, or "": too few samples for any call,
    or a busy machine. A prediction has neither."""
    if candidate.first.run.simulated:
        return ""
    have, need = sides_of(candidate, candidate, metric_samples(metric)).have_and_need()
    few = f"rests on {have} {'sample' if have == 1 else 'samples'} of {metric}, and a call takes {need}"
    found = [few] if have < need else []
    if is_busy(others := other_cores(candidate), cores := candidate.first.environment.cores_allowed):
        found.append(f"was measured beside other work, which took {others:.2g} of {cores} cores")
    return " and ".join(found)


def other_cores(candidate: Candidate) -> float | None:
    """How many cores other work took during the runs of a candidate, in the middle; None if not known."""
    known = [one.result.run.other_cores for one in candidate.runs]
    return median(found) if (found := [cores for cores in known if cores is not None]) else None


def next_run(candidates: Sequence[Candidate]) -> str:
    """What to run so that these candidates can be told apart, as the end of a sentence."""
    runs = max(len(one.runs) for one in candidates)
    repeats = max(ENOUGH_PAIRS, MORE * runs if runs >= ENOUGH_PAIRS else 0)
    quiet = any(is_busy(other_cores(one), one.first.environment.cores_allowed) for one in candidates)
    when = " with nothing else running on the machine" if quiet else ""
    pairs = {(one.first.run.grouping, one.first.run.executor) for one in candidates}
    groupings, executors = (list(dict.fromkeys(found)) for found in zip(*sorted(pairs), strict=True))
    product = len(groupings) * len(executors) == len(pairs) == len(candidates)
    turns = f"hydra.sweeper.rounds={repeats} " if candidates[0].first.run.scenario.in_flight > 1 else ""
    if not product:
        return f"run next: each of them again{when}, in turns, {turns}repeats={repeats}"
    command = f"{invocation.program()} -m grouping={','.join(groupings)} executor={','.join(executors)}"
    return f"run next{when}: {command} {turns}repeats={repeats} (and what else these runs were given)"
