"""What a virtual executor computes with: the costs of a configuration, checked against its plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from clipbench.bench.errors import InputError
from clipbench.bench.planning import cost_store
from clipbench.bench.planning.config import Config
from clipbench.bench.planning.machines import place_of
from clipbench.bench.planning.simulation import memory
from clipbench.executors.base import Plan
from clipbench.executors.costs import Costs, Pretended
from clipbench.executors.layout import Machine, WorkerPlan


def pretending(cfg: Config, plan: Plan, machine: Machine, like: str) -> Plan:
    """A plan with all that is needed to simulate it as the executor called `like`.

    Raises InputError where there are no costs of an analyzer, or none of the device that it is on, and where
    the machine has too little memory.
    """
    kept, remarks = cost_store.find(cfg.costs, cfg.models.profile, plan.tasks())
    costs = kept.costs
    if line := without_a_gpu(plan.layout, costs):
        raise InputError(f"machine={machine.name}: {line}")
    found = extrapolated(plan, machine, costs, like)
    plan = replace(plan, pretended=Pretended(machine, costs, kept.measured_at, tuple(remarks), tuple(found)))
    need_gb = memory(plan)
    if need_gb is not None and machine.memory_gb is not None and need_gb > machine.memory_gb:
        raise InputError(
            f"machine={machine.name}: it has {machine.memory_gb:g} GB{stated(cfg)}, and the workers of this "
            f"plan need {need_gb:.1f} GB; make fewer workers, or take a larger machine"
        )
    return plan


def stated(cfg: Config) -> str:
    """Where the memory of a machine is stated, in brackets; "" for the one at hand."""
    known = cfg.machine.memory_gb is not None
    return f" ({place_of(cfg.machine, 'memory_gb')})" if known else ""


def without_a_gpu(layout: Sequence[WorkerPlan], costs: Costs) -> str:
    """A line where an analyzer is on the CPU whose costs are those of a GPU; "" for none."""
    for worker in layout:
        for task in worker.tasks:
            cost = costs.analyzers[task.analyzer]
            works = (*cost.own, *(costs.derivations[key] for key in cost.derivations))
            if worker.device_of(task.analyzer) == "cpu" and any(work.on_gpu for work in works):
                return (
                    f"the costs of {task.analyzer} are those on a GPU, and this plan has it on the CPU; give "
                    "the machine GPUs (machine.gpus=1) and the group a device (gpu:auto)"
                )
    return ""


def extrapolated(plan: Plan, machine: Machine, costs: Costs, like: str) -> list[str]:
    """What of a simulation lies beyond what was measured, in a line each."""
    lines = []
    declared = costs.source == "declared"
    if declared:
        lines.append("the costs are declared: nobody has measured them")
    were = "are declared for" if declared else "were measured on"
    if machine.core_speed != 1 or any(gpu.speed != 1 for gpu in machine.gpus):
        lines.append("the machine's speed is stated, not measured, and scales all seconds alike")
    if machine.cores > costs.cores:
        lines.append(f"{machine.cores} cores, where the costs {were} {costs.cores}")
    if plan.threads > costs.cores:
        lines.append(f"{plan.threads} threads a worker, where the costs {were} {costs.cores} cores")
    names = {gpu.name for gpu in machine.gpus}
    if used := sorted({w.device for w in plan.layout if w.device != "cpu"}):
        if names != {costs.gpu}:
            there = costs.gpu or "no GPU"
            lines.append(f"{', '.join(sorted(names))}, where the costs {were} {there}")
        if len(used) > 1:
            lines.append(f"{len(used)} GPUs, where the costs are those of one")
    if like not in costs.overheads:
        lines.append(f"what executor={like} itself takes was not measured, and counts as nothing")
    return lines
