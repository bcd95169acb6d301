"""What a grouping is searched for: analyzers, a machine, costs, and clips that come in some way."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from clipbench.bench.planning.auto.demand import ClipShape, Demand
from clipbench.bench.planning.auto.drafts import Space
from clipbench.bench.planning.simulation import DeclaredClip, Prediction, predict
from clipbench.executors.base import Executor, Plan
from clipbench.executors.costs import Costs
from clipbench.executors.layout import Group, Machine, Task, WorkerPlan
from clipbench.executors.settings import ExecutorSettings
from clipbench.executors.simulated import SimulatedSettings
from clipbench.executors.steps import chunk_edges

#: What is to be good: the time for a clip, clips per second of a queue, or those that are done in time.
Objective = Literal["latency", "throughput", "goodput"]
OBJECTIVES: tuple[Objective, ...] = get_args(Objective)
#: The most that the search simulates for a draft: clips of a queue, and clips that arrive.
QUEUE, ARRIVALS = 24, 40
#: Threads that a group may have.
THREADS = (1, 2, 3, 4, 6, 8, 12, 16)
#: Beyond so many workers, no draft is looked at.
MOST_WORKERS = 256


@dataclass(frozen=True)
class Workload:
    """The clips and how they come: up to `in_flight` at once, in chunks of about `chunk_s` seconds.

    With `times_s`, in seconds from the beginning, each comes when it comes, the clips in turn; those that are
    done within `latency_limit_s` count.
    """

    clips: tuple[DeclaredClip, ...]
    in_flight: int = 1
    chunk_s: float | None = 5.0
    times_s: tuple[float, ...] | None = None
    latency_limit_s: float | None = None

    def shapes(self) -> tuple[ClipShape, ...]:
        """The clips as far as costs depend on them."""
        return tuple(
            ClipShape(
                clip.duration_s,
                clip.width * clip.height / 1e6,
                len(chunk_edges(clip.duration_s, self.chunk_s)) - 1,
            )
            for clip in self.clips
        )

    def first(self, count: int) -> Workload:
        """The first so many clips of the workload, in turn, and when these come."""
        clips = tuple(itertools.islice(itertools.cycle(self.clips), count))
        times_s = self.times_s[:count] if self.times_s else None
        return replace(self, clips=clips, times_s=times_s)


@dataclass(frozen=True)
class Problem:
    """A grouping is to be found for these analyzers; `settings` say under which executor."""

    tasks: tuple[Task, ...]
    machine: Machine
    costs: Costs
    settings: SimulatedSettings
    workload: Workload
    objective: Objective
    seed: int = 0

    def sample(self) -> Workload:
        """The part of the workload that the search simulates."""
        workload = self.workload
        if self.objective == "latency":
            return replace(workload.first(min(len(workload.clips), QUEUE)), in_flight=1, times_s=None)
        if self.objective == "throughput":
            count = max(3 * workload.in_flight, min(len(workload.clips), QUEUE))
            return replace(workload.first(count), times_s=None)
        return workload.first(min(len(workload.times_s or ()), ARRIVALS))

    def demand(self) -> Demand:
        """What the sample demands at the least."""
        workload, machine = self.sample(), self.machine
        gpu_speed = max((gpu.speed for gpu in machine.gpus), default=1.0)
        return Demand(
            self.costs,
            self.tasks,
            workload.shapes(),
            machine.cores,
            workload.in_flight,
            machine.core_speed,
            gpu_speed,
        )

    def space(self) -> Space:
        """What there is to choose from: threads only where they are not given, and where they help."""
        cores, gpus = self.machine.cores, self.machine.gpus
        helps = any(cost.work.parallel > 0 for cost in self.costs.analyzers.values())
        free = self.settings.threads is None and helps
        return Space(
            tuple(task.analyzer for task in self.tasks),
            frozenset(task.analyzer for task in self.tasks if task.gpu),
            len(gpus),
            len({(gpu.memory_gb, gpu.speed) for gpu in gpus}) < 2,
            min(MOST_WORKERS, 2 * cores + 4 * len(gpus)),
            tuple(count for count in THREADS if count <= cores) if free else (),
        )

    def planned(self, groups: Sequence[Group], layout: Sequence[WorkerPlan]) -> Plan:
        """The plan of these groups, for a simulation."""
        return Plan(tuple(groups), tuple(layout), self.settings)

    def predicted(self, plan: Plan, workload: Workload) -> Prediction:
        """What a plan would do with a workload."""
        clips = workload.first(len(workload.times_s)) if workload.times_s else workload
        costs = self.costs
        if workload.in_flight == 1:  # the one decoder has started in the warm-up
            costs = replace(costs, decoding=replace(costs.decoding, spawn_s=0.0))
        return predict(
            plan,
            self.machine,
            costs,
            clips.clips,
            workload.in_flight,
            workload.times_s,
            workload.chunk_s,
        )


def virtual_settings(executor: type[Executor], settings: ExecutorSettings) -> SimulatedSettings:
    """The settings of a simulation that is like this executor; its own where it is virtual itself."""
    if isinstance(settings, SimulatedSettings):
        return settings
    known = {field.name for field in dataclasses.fields(SimulatedSettings)}
    own = {name: value for name, value in dataclasses.asdict(settings).items() if name in known}
    return SimulatedSettings(**{**own, "like": executor.name})
