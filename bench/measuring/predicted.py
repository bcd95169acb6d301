"""What a simulated run says of itself, and its metrics that passes and spans alone do not give."""

from __future__ import annotations

from statistics import mean

from clipbench.bench.measuring import gpu_metrics
from clipbench.bench.measuring.pretending import NOTHING_RAN
from clipbench.bench.measuring.record import Record
from clipbench.bench.planning import simulation
from clipbench.bench.runs.measurement import Measured, Measurement, NotMeasured
from clipbench.bench.runs.results import Environment, GpuSummary
from clipbench.bench.runs.simulation import SimulatedMachine, Simulation
from clipbench.executors.base import Plan
from clipbench.executors.settings import VirtualSettings

NO_GPU = NotMeasured("no worker of this run was on a GPU")


def nothing(record: Record) -> Measurement:
    """Of a metric that a simulation has nothing to say of."""
    return NOTHING_RAN


def rss_peak(record: Record) -> Measurement:
    """Memory of the host, from costs."""
    found = simulation.memory(record.plan)
    return NotMeasured("the costs have no memory of some analyzers") if found is None else Measured(found)


def gpu_memory_peak(record: Record) -> Measurement:
    """Memory of the GPU that holds the most, from costs."""
    if not (used := record.gpus()):
        return NO_GPU
    found = [simulation.gpu_memory(record.plan, gpu) for gpu in used]
    known = [gb for gb in found if gb is not None]
    if len(known) < len(found):
        return NotMeasured("the costs have no GPU memory of some analyzers")
    return Measured(max(known))


def gpu_utilization(record: Record) -> Measurement:
    """Share of the analysis windows in which a GPU had something to do; mean over the GPUs."""
    if not (used := record.gpus()):
        return NO_GPU
    passes = [(p.start_s, p.end_s) for p in record.measured()]
    windows = gpu_metrics.analysis_windows(record.spans, passes)
    seconds = sum(end - start for start, end in windows)
    if not seconds:
        return NotMeasured("no repeat was run")
    shares = [
        sum(
            max(0.0, min(end, until) - max(start, since))
            for start, end in record.gpu_times.get(gpu, [])
            for since, until in windows
        )
        for gpu in used
    ]
    return Measured(100 * mean(shares) / seconds)


def describe(plan: Plan) -> Simulation | None:
    """What was simulated and by which costs; None for a run that was measured."""
    if plan.pretended is None:
        return None
    assert isinstance(plan.settings, VirtualSettings)
    machine, costs = plan.pretended.machine, plan.pretended.costs
    return Simulation(
        machine=SimulatedMachine(
            name=machine.name,
            cores=machine.cores,
            memory_gb=machine.memory_gb,
            core_speed=machine.core_speed,
            gpus=[f"{gpu.name}, {gpu.memory_gb:g} GB".removeprefix(", ") for gpu in machine.gpus],
            gpu_speed=machine.gpus[0].speed if machine.gpus else None,
            price_per_hour=machine.price_per_hour,
        ),
        like=plan.settings.like,
        costs=costs.source,
        costs_of=costs.machine,
        costs_at=plan.pretended.measured_at or None,
        residual=costs.residual,
        holdout=costs.holdout,
        remarks=list(plan.pretended.remarks),
        extrapolated=list(plan.pretended.extrapolated),
    )


def environment(found: Environment, plan: Plan) -> Environment:
    """The environment of a run: `found`, but for a simulated run with the machine that it pretends."""
    if plan.pretended is None:
        return found
    machine = plan.pretended.machine
    found.cpu = f"of the pretended machine {machine.name}"
    found.cores = found.cores_allowed = machine.cores
    found.memory_gb = machine.memory_gb
    found.gpus = [GpuSummary(name=gpu.name, memory_gb=gpu.memory_gb) for gpu in machine.gpus]
    return found
