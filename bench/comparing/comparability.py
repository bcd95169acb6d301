"""The comparability key: what must be equal for two runs to say something about each other.

There is one key, made from a result or, before anything is measured, from a session. Each use takes the part
of it that it needs, by the method of its name; the methods say what they leave out, and why:

- `comparison`: runs that are compared with each other (`compare.py`, the end of a sweep)
- `candidate`: runs that are pooled into one candidate of a comparison
- `baseline`: a run and the saved runs that it is compared with on another day
- `noise_floor`: a run and the calibration that says how far it differs from itself
- `sweep`: a job of a sweep before and after the sweep was interrupted

The commit is in none of them: what a change of the code does is what people want to know. A sweep, which must
not mix two versions, compares the code itself.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from clipbench.analyzers import weights
from clipbench.bench.clips.clip_info import sha256
from clipbench.bench.clips.clip_path import check_clip
from clipbench.bench.measuring import predicted
from clipbench.bench.measuring.analyzer_results import own_file_digest
from clipbench.bench.measuring.run_summary import executor_settings, group_summaries
from clipbench.bench.measuring.session import Session
from clipbench.bench.planning import scenario as scenarios
from clipbench.bench.probes import environment
from clipbench.bench.runs.facts import Facts, as_read_back, machine_facts, setting_facts, software_facts
from clipbench.bench.runs.results import GroupSummary, Result
from clipbench.bench.runs.serialization import to_json
from clipbench.bench.runs.serving import ScenarioSummary
from clipbench.bench.runs.simulation import Simulation


@dataclass(frozen=True)
class ComparabilityKey:
    """What a run was made on, with, of and as.

    `machine`: processor, cores, memory, GPUs. `software`: Python, the GPU driver, versions of packages.
    `work`: clips, analyzers with their settings and model files of the user's own, scenario, seed.
    `networks`: the models and weights of each analyzer, which are known after a run only. `faults`: those
    that were planted. `arrangement`: grouping and executor with their settings, as resolved on the machine.
    """

    machine: Facts
    software: Facts
    work: Facts
    networks: Facts
    faults: Facts
    arrangement: Facts

    def comparison(self) -> Facts:
        """What candidates must have in common: all but the arrangement, which a comparison is about."""
        return self.machine | self.software | self.work | self.networks | self.faults

    def candidate(self) -> Facts:
        """What the runs of one candidate must have in common: everything."""
        return self.comparison() | self.arrangement

    def baseline(self) -> Facts:
        """What a run must have in common with its baseline.

        Software and networks are left out: a baseline is to show what a new version does. So are planted
        faults, with which one sees a baseline go red, and the size of the memory, which decides whether a run
        fits and not how long it takes, and which the kernel rounds differently from boot to boot.
        """
        machine = {name: value for name, value in self.machine.items() if name != "machine.memory_gb"}
        return machine | self.work | self.arrangement

    def noise_floor(self) -> Facts:
        """What a run must have in common with a calibration: the same as with a baseline.

        The noise of a configuration is measured once and then used for all versions that are compared.
        """
        return self.baseline()

    def sweep(self) -> Facts:
        """What a job must have in common before and after an interruption: everything known before a run."""
        return self.machine | self.software | self.work | self.faults | self.arrangement


def of_result(result: Result) -> ComparabilityKey:
    """The key of a run that was made; results of earlier versions lack some of its facts."""
    run = result.run
    work: Facts = {
        "clip.sha256": sorted(str(clip.sha256) for clip in run.clips),
        "models.profile": run.models,
        "analyzers": sorted(result.analyzers),
        "seed": run.seed,
        "profile": run.profile,
        **scenario_facts(run.scenario),
    }
    for analyzer, settings in (run.settings or {}).items():
        work |= setting_facts(analyzer, settings)
    networks: Facts = {}
    for name, found in result.analyzers.items():
        work |= own_files(name, found.weights)
        networks |= {f"analyzers.{name}.model": found.model, f"analyzers.{name}.weights": found.weights}
    arrangement: Facts = {
        "grouping.name": run.grouping,
        "executor.name": run.executor,
        "executor.threads": run.threads,
        "executor.workers": run.workers,
        **group_facts(run.groups),
        **{f"executor.{name}": value for name, value in (run.executor_settings or {}).items()},
    }
    if run.stages is not None:
        arrangement["grouping.stages"] = run.stages
    machine = machine_facts(result.environment)
    simulated, pretended = simulation_facts(run.simulated, machine)
    work |= simulated
    arrangement |= pretended
    return ComparabilityKey(
        machine={} if run.simulated else machine,
        software=software_facts(result.environment),
        work=as_read_back(work),
        networks=networks,
        faults={"faults": to_json(run.faults)},
        arrangement=as_read_back(arrangement),
    )


def of_session(session: Session) -> ComparabilityKey:
    """The key of a run that is about to be made; raises InputError for a clip that cannot be read."""
    cfg, plan = session.cfg, session.plan
    for clip in session.clips:
        check_clip(clip)
    tasks = plan.tasks()
    work: Facts = {
        "clip.sha256": sorted(file_digest(clip, clip.stat().st_mtime_ns) for clip in session.clips),
        "models.profile": cfg.models.profile,
        "analyzers": sorted(task.analyzer for task in tasks),
        "seed": cfg.seed,
        "profile": plan.profile[0] or None,
        **scenario_facts(scenarios.summary(cfg.scenario, session.service)),
    }
    for task in tasks:
        work |= setting_facts(task.analyzer, dataclasses.asdict(task.settings))
        own = {model: own_file_digest(model) for model in task.models if weights.is_path(model)}
        work |= own_files(task.analyzer, {model: found for model, found in own.items() if found})
    arrangement: Facts = {
        "grouping.name": cfg.grouping.name,
        "grouping.stages": cfg.grouping.stages,
        "executor.name": cfg.executor.name,
        "executor.threads": plan.threads,
        "executor.workers": plan.workers,
        **group_facts(group_summaries(plan)),
        **{f"executor.{name}": value for name, value in executor_settings(plan).items()},
    }
    here = predicted.environment(environment.describe(), plan)
    machine = machine_facts(here)
    simulated, pretended = simulation_facts(predicted.describe(plan), machine)
    work |= simulated
    arrangement |= pretended
    return ComparabilityKey(
        machine={} if plan.pretended else machine,
        software=software_facts(here),
        work=as_read_back(work),
        networks={},
        faults={"faults": to_json(plan.faults)},
        arrangement=as_read_back(arrangement),
    )


def scenario_facts(found: ScenarioSummary) -> Facts:
    """How clips are fed; where they arrive one after another, also when, and how soon they are to be done."""
    names = ("rate", "arrivals", "clips", "seed", "latency_limit_s")
    arriving = {f"scenario.{name}": getattr(found, name) for name in names}
    always = {f"scenario.{name}": getattr(found, name) for name in ("name", "warmup", "in_flight")}
    return always | {name: value for name, value in arriving.items() if value is not None}


def simulation_facts(found: Simulation | None, machine: Facts) -> tuple[Facts, Facts]:
    """What predictions must have in common, their costs, and what they may be about: a pretended machine.

    Both are empty for a run that was measured, which is never compared with a prediction.
    """
    if found is None:
        return {"simulated": False}, {}
    costs = {"costs": found.costs, "costs.of": found.costs_of, "costs.at": found.costs_at}
    speeds = {"machine.core_speed": found.machine.core_speed, "machine.gpu_speed": found.machine.gpu_speed}
    named = {"machine.name": found.machine.name, "executor.like": found.like}
    return {"simulated": True, **costs}, machine | speeds | named


def own_files(analyzer: str, digests: Mapping[str, str]) -> Facts:
    """The digests of an analyzer's model files that are the user's own: a name says nothing of them."""
    return {
        f"models.{analyzer}.file {model}": found for model, found in digests.items() if weights.is_path(model)
    }


@functools.lru_cache(maxsize=256)
def file_digest(path: Path, modified_ns: int) -> str:
    """The SHA-256 of a file as it was last modified then: the jobs of a sweep share their clips."""
    return sha256(path)


def group_facts(groups: Iterable[GroupSummary]) -> Facts:
    """The facts of groups; replicas, threads and need where they ask for them, which older results do not."""
    facts: Facts = {}
    for group in groups:
        name = f"grouping.groups.{group.name}"
        devices = ", ".join(dict.fromkeys(group.devices or [group.device]))
        facts |= {f"{name}.device": devices, f"{name}.analyzers": group.analyzers}
        if group.replicas > 1:
            facts[f"{name}.replicas"] = group.replicas
        if group.threads is not None:
            facts[f"{name}.threads"] = group.threads
        if group.need is not None:
            facts[f"{name}.need"] = group.need
    return facts
