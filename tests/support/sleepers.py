"""Plans of analyzers that only wait, run by a real executor and by the simulation of it."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections import defaultdict
from dataclasses import dataclass

from clipbench.executors import registry as executors
from clipbench.executors.arrivals import AllThere
from clipbench.executors.base import Plan
from clipbench.executors.costs import AnalyzerCost, Costs, Growth, Pretended, Work
from clipbench.executors.faults import Fault
from clipbench.executors.layout import Group, Machine
from clipbench.executors.simulated import Simulated, SimulatedSettings
from tests.support.clip_views import ArrayClip
from tests.support.fake_analyzers.sleepers import SLEEPERS, UNIT_S
from tests.support.fake_plans import FOLDER, Notes, task
from tests.support.virtual_threads import Clock, VirtualThreads

PLUGIN = FOLDER / "sleepers.py"


@dataclass(frozen=True)
class Case:
    """Who runs all sleepers: so many workers of an executor, which has replicas of one group, or groups."""

    executor: str
    workers: int
    replicas: int = 1
    clips: int = 1
    in_flight: int = 1
    faults: tuple[Fault, ...] = ()
    timeout_s: float = 120.0

    def __str__(self) -> str:
        parts = [f"{self.executor}, {self.workers} workers"]
        parts += [f"{self.replicas} replicas each"] * (self.replicas > 1)
        parts += [f"{self.clips} clips, {self.in_flight} under way"] * (self.clips > 1)
        return ", ".join(parts + [f"{fault.kind} in {fault.analyzer}" for fault in self.faults])


@dataclass(frozen=True)
class Trace:
    """What happened: for each worker the order of (clip, analyzer), how each ended, how long all took,
    and from when until when each was at work."""

    orders: dict[str, list[tuple[int, str]]]
    statuses: dict[tuple[int, str], str]
    makespan_s: float
    times: dict[tuple[int, str], tuple[float, float]]


def use_sleepers() -> None:
    """Let this process and those that it spawns find the sleepers."""
    os.environ["CLIPBENCH_PLUGINS"] = str(PLUGIN)
    sys.path.insert(0, str(PLUGIN.parent))


def planned(case: Case, name: str, **settings) -> Plan:
    """The plan of a case, for the executor of this name."""
    cls = executors.strategy(name)
    known = {f.name for f in dataclasses.fields(cls.settings_type)}
    wanted = {"threads": 1, "timeout_s": case.timeout_s, "workers": case.workers, **settings}
    chosen = cls.settings_type(**{key: value for key, value in wanted.items() if key in known})
    names = list(SLEEPERS)
    groups = [
        Group(f"g{n}", "cpu", tuple(task(a, tuple(SLEEPERS)) for a in names[n :: case.workers]),
              replicas=case.replicas)
        for n in range(min(case.workers, len(names)))
    ]  # fmt: skip
    return Plan(tuple(groups), cls.layout(groups, Machine(64), chosen), chosen, faults=case.faults)


def real(case: Case) -> Trace:
    """What the real executor makes of it."""
    return traced(executors.create(case.executor, Notes()), planned(case, case.executor), case)


def in_virtual_time(case: Case, clock: Clock) -> Trace:
    """What the real `threads` makes of it on a clock that nothing disturbs; who sleeps has to sleep on it."""
    return traced(VirtualThreads(Notes(), clock), planned(case, "threads"), case)


def simulated(case: Case) -> Trace:
    """What the simulation of it does, whose costs are how long each sleeps."""
    costs = {
        name: AnalyzerCost(Work(waiting=Growth(UNIT_S * units))) for name, (units, _) in SLEEPERS.items()
    }
    plan = planned(case, "simulated", like=case.executor)
    assert isinstance(plan.settings, SimulatedSettings)
    pretended = Pretended(Machine(64), Costs("sleepers", 64, "declared", costs))
    return traced(Simulated(Notes()), dataclasses.replace(plan, pretended=pretended), case)


def traced(executor, plan: Plan, case: Case) -> Trace:
    """Run a plan on the clips of a case."""
    statuses, ends = {}, []
    try:
        executor.start(plan)
        began_s = executor.clock()
        clips = [
            executor.pretend(plan, ArrayClip(duration_s=1.0), None)
            if executor.virtual
            else ArrayClip(duration_s=1.0)
            for _ in range(case.clips)
        ]
        for clip, outcome in executor.run_many(AllThere(clips), case.in_flight):
            statuses[clip, outcome.analyzer] = outcome.status
            ends.append(executor.clock() - began_s)
    finally:
        executor.close()
    orders, times = defaultdict(list), {}
    for span in sorted(executor.observer.spans, key=lambda span: span.start_s):
        if span.phase == "analyze":
            orders[span.worker].append((span.clip, span.analyzer))
            times[span.clip, span.analyzer] = span.start_s - began_s, span.end_s - began_s
    return Trace(dict(orders), statuses, max(ends), times)
