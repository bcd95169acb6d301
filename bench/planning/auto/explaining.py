"""What a search found, in words: what binds, how far it is from what no grouping can beat, what was tried."""

from __future__ import annotations

from clipbench.bench.planning.auto.configured import FoundGrouping
from clipbench.bench.planning.auto.demand import Part
from clipbench.bench.planning.auto.planner import Planned
from clipbench.bench.runs.foretold import RunPrediction

#: A part that takes at least this fraction of the time binds it.
BINDS = 0.85


def run_prediction(found: FoundGrouping) -> RunPrediction:
    """What was found, as the result of a run has it."""
    planned = found.planned
    source = planned.problem.costs.source
    measured = f"measured {found.measured_at}" if found.measured_at else source
    return RunPrediction(
        planned.problem.objective,
        list(found.metrics),
        binding(planned),
        distance(planned),
        trials(planned),
        f"costs of {planned.problem.costs.machine}, {measured}",
        [*found.remarks, *(f"extrapolated: {line}" for line in found.extrapolated)],
    )


def binding(planned: Planned) -> str:
    """What holds the clips up, in a sentence."""
    tight = [part for part in planned.binds if part.seconds >= BINDS * planned.seconds]
    listed = [described(part, planned) for part in tight[:2]]
    said = " and ".join(listed) or f"waiting for each other: {described(planned.binds[0], planned)}"
    if held := held_by_in_flight(planned):
        said += f"; scenario.in_flight={held} lets no more clips be under way at once"
    return f"{said}; memory: a grouping with a lower bound did not fit" if planned.no_room else said


def held_by_in_flight(planned: Planned) -> int | None:
    """How many clips of several may be under way at once, where that holds them up; None where it does not.

    It does where so many chains, one clip's after the other's, fill nearly all the time: not where clips come
    so seldom that most of the time none is there, nor where a part of the machine has more to do.
    """
    workload, most = planned.problem.workload, planned.binds[0]
    several = workload.times_s is not None or workload.in_flight > 1
    fills = most.kind == "chain" and most.seconds >= BINDS * planned.seconds
    return workload.in_flight if several and fills else None


def described(part: Part, planned: Planned) -> str:
    """A part with its share of the time."""
    names = dict(zip((f"group{n}" for n in range(len(planned.draft))), planned.plan.groups, strict=True))
    name = part.name
    for generic, group in names.items():
        if name in (generic, f"{generic}.1"):
            name = group.name
        elif name.endswith((f"like {generic}", f"like {generic}.1")):
            name = f"{name.partition(' workers')[0]} workers of {group.name}"
    share = f"{part.seconds / planned.seconds:.0%} of the time"
    what = {
        "cores": "the cores",
        "worker": f"worker {name}" if "workers" not in name else f"the {name}",
        "gpu": f"the time of {name.replace('gpu:', 'GPU ')}",
        "decoding": "decoding",
        "chain": f"the chain {name}",
    }
    return f"{what[part.kind]} ({share})"


def distance(planned: Planned) -> str:
    """How far the prediction is from what no grouping can beat, in a sentence."""
    if planned.gap is None:
        return "no bound is known for the share of clips that are in time"
    known = "CP-SAT has proven" if planned.least.proven else f"the bound is {planned.least.source}"
    than = f"{planned.gap:.1%} above what no grouping can beat"
    return f"{than} ({known}{' it' if planned.least.proven else ''})"


def trials(planned: Planned) -> str:
    """What was tried, in a sentence."""
    tried = planned.tried
    counts = [
        f"{tried.simulated} simulated",
        f"{tried.ruled_out} ruled out by a bound",
        f"{tried.known} that become the same workers as another",
    ]
    if tried.no_room:
        counts.append(f"{tried.no_room} without memory")
    moves = ", ".join(f"{kind} {count}" for kind, count in tried.improved.most_common())
    ended = "its effort was spent" if tried.exhausted else "nothing better was found"
    return (
        f"{tried.looked_at} groupings were looked at from {tried.starts} starts: {', '.join(counts)}; "
        f"moves that made it better: {moves or 'none'}; it ended after {tried.kicks} kicks since {ended}"
    )
