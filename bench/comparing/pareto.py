"""Predicted candidates by two goods at once: how long a clip takes, and what it costs.

On the front (V. Pareto, 1906) are those that no other beats in one without being worse in the other. Only
predictions are put there: measured candidates are all of one machine, and what they cost is what they take.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Literal

from clipbench.bench.comparing.candidates import Candidate
from clipbench.bench.comparing.predictions import are_predictions
from clipbench.bench.planning.scenario import SERVER
from clipbench.bench.runs.measurement import Measured, Measurement, NotMeasured
from clipbench.bench.runs.results import PassSummary, Result
from clipbench.bench.runs.simulation import SimulatedMachine

#: What a clip costs: money where every machine has a price, else what of the machine it holds, and how long.
Unit = Literal["price", "GPU-seconds", "core-seconds"]
#: Unit → what is counted, for heads and axes.
WORDS: dict[Unit, str] = {
    "price": "price of 1000 clips",
    "GPU-seconds": "GPU-seconds a clip",
    "core-seconds": "core-seconds a clip",
}
#: Numbers that differ by less than this factor are equal: they are sums in another order.
EQUAL = 1e-9


@dataclass(frozen=True)
class Point:
    """A candidate: the seconds for a clip, and what a clip costs.

    `beaten_by` is "" on the front, else the candidate with the lowest cost of those that are no worse in both
    and better in one. `barred` says why it cannot be recommended all the same, such as a target that it
    misses; "" where it can.
    """

    candidate: str
    latency_s: float
    cost: float
    beaten_by: str = ""
    barred: str = ""

    def beats(self, other: Point) -> bool:
        """Whether this is no worse in both, and better in one."""
        pairs = ((self.latency_s, other.latency_s), (self.cost, other.cost))
        same = [math.isclose(own, its, rel_tol=EQUAL) for own, its in pairs]
        return not all(same) and all(
            alike or own < its for alike, (own, its) in zip(same, pairs, strict=True)
        )


@dataclass(frozen=True)
class Front:
    """The candidates by latency, the fastest first; `latency` says which latency that is.

    `left_out` says of those that have no place why: they lost something, or have no latency. Where nothing
    can be placed, `why_not` says why.
    """

    latency: str = ""
    unit: Unit = "price"
    points: list[Point] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    why_not: str = ""

    @property
    def best(self) -> list[Point]:
        """The points on the front."""
        return [point for point in self.points if not point.beaten_by]


def front_of(candidates: Sequence[Candidate], barred: Mapping[str, str]) -> Front | None:
    """The front of several predicted candidates; None for one alone, and where any was measured.

    `barred` says which of them cannot be recommended, and why.
    """
    if len(candidates) < 2 or not are_predictions(*candidates):
        return None
    latency = {latency_name(one.first) for one in candidates}
    if len(latency) > 1:
        return Front(why_not=f"their latencies are not the same figure: {', '.join(sorted(latency))}")
    unit = unit_of([machine_of(one.first) for one in candidates])
    if unit is None:
        return Front(
            why_not="what they cost has no unit in common, since only some of these machines have GPUs: "
            "state machine.price_per_hour for all of them"
        )
    points, left_out = [], {}
    for one in candidates:
        found = [latency_of(run.result) for run in one.runs]
        known = [each.value for each in found if isinstance(each, Measured)]
        if one.failures or one.lost():
            left_out[one.name] = barred.get(one.name, "it lost runs or analyzers")
        elif len(known) < len(found):
            left_out[one.name] = next(each.reason for each in found if isinstance(each, NotMeasured))
        else:
            cost = median(cost_of(run.result, unit) for run in one.runs)
            points.append(Point(one.name, median(known), cost, barred=barred.get(one.name, "")))
    return Front(latency.pop(), unit, placed(points), left_out)


def placed(points: Sequence[Point]) -> list[Point]:
    """The points by latency, each with what beats it."""
    by_cost = sorted(points, key=lambda point: (point.cost, point.latency_s))
    found = (
        replace(point, beaten_by=next((other.candidate for other in by_cost if other.beats(point)), ""))
        for point in points
    )
    return sorted(found, key=lambda point: (point.latency_s, point.cost))


def latency_name(result: Result) -> str:
    """Which latency a run is placed by, in words."""
    scenario = result.run.scenario
    if scenario.name == SERVER:
        return f"latency_p{scenario.percentile}"
    return "seconds for a clip"


def latency_of(result: Result) -> Measurement:
    """Seconds for a clip: the percentile that the scenario claims, else the median of the passes."""
    if result.run.scenario.name == SERVER:
        found = result.metric(latency_name(result))
        return NotMeasured(found.reason) if found.value is None else Measured(found.value)
    seconds = [one.end_s - one.start_s for one in warm(result)]
    return Measured(median(seconds)) if seconds else NotMeasured("no repeat was run")


def warm(result: Result) -> list[PassSummary]:
    """The passes that count, without the first one of the run, which loads the models."""
    return [one for one in result.run.passes[1:] if not one.warmup]


def cost_of(result: Result, unit: Unit) -> float:
    """What a clip costs, the machine being held from the first measured clip to the last outcome."""
    machine = machine_of(result)
    passes = warm(result)
    began_s = min(one.start_s if one.arrived_s is None else one.arrived_s for one in passes)
    held_s = (max(one.end_s for one in passes) - began_s) / len(passes)
    if unit == "price":
        return 1000 * held_s * (machine.price_per_hour or 0.0) / 3600
    return held_s * (len(machine.gpus) if unit == "GPU-seconds" else machine.cores)


def unit_of(machines: Sequence[SimulatedMachine]) -> Unit | None:
    """What all of these machines can be counted in; None where there is nothing."""
    if all(machine.price_per_hour is not None for machine in machines):
        return "price"
    with_gpus = {bool(machine.gpus) for machine in machines}
    if len(with_gpus) > 1:
        return None
    return "GPU-seconds" if with_gpus == {True} else "core-seconds"


def machine_of(result: Result) -> SimulatedMachine:
    """The machine that a simulated run pretends."""
    assert result.run.simulated is not None
    return result.run.simulated.machine
