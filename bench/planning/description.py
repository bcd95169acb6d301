"""A plan for people, before anything is loaded: `python run.py plan=true`."""

from __future__ import annotations

import os
from dataclasses import dataclass

from clipbench.bench.planning.config import Config
from clipbench.bench.planning.placement import visible
from clipbench.bench.planning.plan import make_plan
from clipbench.bench.planning.remarks import remarks
from clipbench.bench.probes import environment
from clipbench.executors.base import Plan
from clipbench.executors.layout import Gpu


@dataclass(frozen=True)
class PlannedGpu:
    """One GPU, and the memory that the models on it ask for, in GB (10⁹ bytes)."""

    gpu: Gpu
    asked_gb: float


@dataclass(frozen=True)
class PlanDescription:
    """A plan with the names of what was chosen, and remarks on it.

    `pretended` is the machine that it is for, "" for the one at hand.
    """

    grouping: str
    executor: str
    models: str
    plan: Plan
    notes: list[str]
    gpus: list[PlannedGpu]
    pretended: str = ""


def describe(cfg: Config) -> PlanDescription:
    """What `cfg` would run here. Raises InputError as a run would."""
    here = visible(environment.gpus(), os.environ.get("CUDA_VISIBLE_DEVICES"))
    plan = make_plan(cfg, here)
    gpus = plan.pretended.machine.gpus if plan.pretended else here
    return PlanDescription(
        grouping=cfg.grouping.name,
        executor=cfg.executor.name,
        models=cfg.models.profile,
        plan=plan,
        notes=remarks(plan),
        pretended=plan.pretended.machine.name if plan.pretended else "",
        gpus=[
            PlannedGpu(gpu, sum(w.memory_gb or 0.0 for w in plan.layout if w.device == f"gpu:{gpu.index}"))
            for gpu in gpus
        ],
    )
