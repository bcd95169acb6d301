"""grouping=auto: from a configuration to a problem, and from what was found back to a configuration."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from clipbench.analyzers.threads import core_numbers, cores_allowed
from clipbench.bench.clips.decoding import probe
from clipbench.bench.errors import InputError, nearest
from clipbench.bench.planning import cost_store
from clipbench.bench.planning import scenario as scenarios
from clipbench.bench.planning.auto import accuracy
from clipbench.bench.planning.auto.planner import Planned, find_grouping
from clipbench.bench.planning.auto.problem import OBJECTIVES, Objective, Problem, Workload, virtual_settings
from clipbench.bench.planning.auto.written import written_drafts
from clipbench.bench.planning.config import Config, GroupConfig, GroupingConfig
from clipbench.bench.planning.cost_file import KeptCosts
from clipbench.bench.planning.executor_settings import chosen
from clipbench.bench.planning.machines import machine_of
from clipbench.bench.planning.placement import visible
from clipbench.bench.planning.plan import groups_of
from clipbench.bench.planning.pretence import extrapolated, without_a_gpu
from clipbench.bench.planning.simulation import DeclaredClip
from clipbench.bench.probes import environment
from clipbench.bench.runs.foretold import Foretold
from clipbench.executors.layout import Machine, WorkerPlan, in_order

#: Clips of a queue that a prediction is for: it is as long as it takes to see how fast they go.
MOST_CLIPS = 200
#: Scenario → what is to be good in it, where the configuration does not say.
OBJECTIVE_OF: dict[str, Objective] = {"offline": "throughput", "server": "goodput"}


@dataclass(frozen=True)
class FoundGrouping:
    """What a search found for a configuration, and how sure the prediction is.

    `measured_at` says when the costs were measured; `remarks` what to beware of with them, and `extrapolated`
    what lies beyond what was measured, in a line each.
    """

    planned: Planned
    metrics: tuple[Foretold, ...]
    measured_at: str
    remarks: tuple[str, ...]
    extrapolated: tuple[str, ...]
    executor: str

    def grouping(self, name: str) -> GroupingConfig:
        """The grouping as a configuration has it."""
        groups = {
            group.name: GroupConfig(
                [task.analyzer for task in group.tasks], group.device, group.replicas, group.threads
            )
            for group in self.planned.plan.groups
        }
        return GroupingConfig(name, groups)


def search(
    cfg: Config, clips: Sequence[Path], facts_of: Callable[[Path], DeclaredClip] | None = None
) -> FoundGrouping:
    """The grouping for a configuration and its clips.

    Raises InputError where there are no costs, or no grouping fits, and for a wrong objective.
    """
    problem, kept, remarks = problem_of(cfg, [(facts_of or declared)(clip) for clip in clips])
    tasks = {task.analyzer for task in problem.tasks}
    if line := lacking_gpus(problem):
        raise InputError(line)
    planned = find_grouping(problem, written_drafts(problem.space(), tasks))
    past = accuracy.read(accuracy.path_of(cfg.costs, cfg.models.profile))
    beyond = extrapolated(planned.plan, problem.machine, problem.costs, problem.settings.like)
    return FoundGrouping(
        planned,
        accuracy.foretold(planned, past),
        kept.measured_at,
        tuple(remarks),
        tuple(beyond),
        problem.settings.like,
    )


def problem_of(cfg: Config, clips: Sequence[DeclaredClip]) -> tuple[Problem, KeptCosts, list[str]]:
    """The problem of a configuration, the costs that it is solved by, and what to beware of with them."""
    executor, settings = chosen(cfg.executor)
    objective = objective_of(cfg)
    tasks = tuple(in_order(groups_of(cfg)))
    machine = machine_for(cfg)
    kept, remarks = cost_store.find(cfg.costs, cfg.models.profile, tasks)
    service = scenarios.service_of(cfg.scenario)
    queue = list(clips) * (cfg.scenario.least if cfg.scenario.at_once > 1 and not service else 1)
    workload = Workload(
        tuple(queue[:MOST_CLIPS]),
        cfg.scenario.at_once,
        cfg.clip.chunk_s,
        service.times_s if service else None,
        service.latency_limit_s if service else None,
    )
    virtual = virtual_settings(executor, settings)
    return Problem(tasks, machine, kept.costs, virtual, workload, objective, cfg.seed), kept, remarks


def lacking_gpus(problem: Problem) -> str:
    """A line where costs are those on a GPU, and the machine has none; "" for none."""
    if problem.machine.gpus:
        return ""
    everything = [WorkerPlan("all", "cpu", problem.tasks)]
    line = without_a_gpu(everything, problem.costs)
    return f"machine={problem.machine.name or 'here'}: {line}" if line else ""


def objective_of(cfg: Config) -> Objective:
    """What is to be good; raises InputError for what does not exist, and for a goodput without a limit."""
    usual = OBJECTIVE_OF.get(cfg.scenario.name, "latency")
    asked = usual if cfg.objective is None else cfg.objective
    objective = next((each for each in OBJECTIVES if each == asked), None)
    if objective is None:
        raise InputError(f"objective={asked} does not exist{nearest(asked, OBJECTIVES)}")
    if objective == "goodput" and cfg.scenario.latency_limit_s is None:
        raise InputError("objective=goodput requires a limit that is to be kept: scenario.latency_limit_s=30")
    if objective == "goodput" and cfg.scenario.name != scenarios.SERVER:
        raise InputError("objective=goodput is for clips that arrive: add scenario=server")
    return objective


def check_start(grouping: GroupingConfig) -> None:
    """Raise InputError for what of a grouping the search would not heed, since it finds that itself."""
    place = f"grouping={grouping.name}"
    if grouping.stages:
        raise InputError(f"{place}: a search finds groups that wait for none; leave grouping.stages out")
    usual = GroupConfig(analyzers=[])
    for name, group in grouping.groups.items():
        for key in ("replicas", "threads", "need"):
            if (value := getattr(group, key)) != getattr(usual, key):
                raise InputError(
                    f"{place}: groups.{name}.{key}={value} is for a search to find; leave it out, or choose "
                    "another grouping"
                )


def machine_for(cfg: Config) -> Machine:
    """The machine that a configuration plans for: with a real executor, the one at hand."""
    executor, _ = chosen(cfg.executor)
    found = environment.describe()
    gpus = visible(environment.gpus(), os.environ.get("CUDA_VISIBLE_DEVICES"))
    here = Machine(cores_allowed(), core_numbers(), gpus, memory_gb=found.memory_gb)
    return machine_of(cfg.machine, here, executor.virtual, executor.name)


def declared(path: Path) -> DeclaredClip:
    """The facts of a clip; raises InputError for a file that is none."""
    info = probe(path)
    return DeclaredClip(info.duration_s, info.width, info.height, info.fps, info.has_audio)


def resolved(cfg: Config, found: FoundGrouping) -> Config:
    """A configuration with the grouping that was found for it."""
    return dataclasses.replace(cfg, grouping=found.grouping(cfg.grouping.name))
