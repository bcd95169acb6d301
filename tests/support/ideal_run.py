"""A run made by hand in which all is as it should be: what the truth says, found in good time on a busy GPU.

What a test wants to see fail, it spoils in the segments, the times or the telemetry: where a metric is
computed from, never in the metric.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from clipbench.analyzers.base import Segment
from clipbench.bench.clips.clip_info import ClipInfo
from clipbench.bench.enough import ENOUGH
from clipbench.bench.measuring import session
from clipbench.bench.measuring.record import Pass, Record
from clipbench.bench.planning import config
from clipbench.bench.probes.other_load import OtherWork
from clipbench.bench.runs.measurement import NotMeasured
from clipbench.bench.runs.results import Cleanup, HeldBack, Result
from clipbench.bench.runs.telemetry import (
    GpuSeries,
    GpusTelemetry,
    GpuTelemetry,
    ProcessSeries,
    SamplerCost,
    Telemetry,
)
from clipbench.executors.base import Outcome, Plan, Span
from tests.support.command_line import PROJECT
from tests.support.ideal_segments import TRUTH, segments

__all__ = ["CLIP", "GB", "TRUTH", "composed", "on_gpu", "record", "result", "segments"]

CLIP = ClipInfo(
    str(PROJECT / "clips" / "reference.mp4"), TRUTH["clip"]["sha256"], 10.0, 720, 1280, 30.0, has_audio=True
)
#: The clock of the run, at which the executor starts.
STARTED_S = 1000.0
GB = 10**9


@functools.cache
def composed(*overrides: str) -> Any:
    """The configuration of `python run.py` with these overrides, as objects."""
    from hydra import compose, initialize_config_dir
    from omegaconf import OmegaConf

    config.register()
    with initialize_config_dir(str(PROJECT / "conf"), version_base="1.3"):
        return OmegaConf.to_object(compose("config", overrides=list(overrides)))


def on_gpu(plan: Plan) -> Plan:
    """The same plan with every group and worker on the first GPU."""
    return replace(
        plan,
        groups=tuple(replace(group, device="gpu:0") for group in plan.groups),
        layout=tuple(replace(worker, device="gpu:0") for worker in plan.layout),
    )


def record(
    plan: Plan,
    found: Mapping[str, list[Segment]],
    pass_s: float = 5.0,
    repeats: int = ENOUGH,
    lost: Collection[str] = (),
    utilization: float = 90.0,
    left_bytes: float = 0.1 * GB,
) -> Record:
    """A warm-up and `repeats` passes of `pass_s` seconds in which `found` is found, but by those in `lost`.

    The GPU is busy for `utilization` percent of every pass, and `left_bytes` more of its memory are in use
    afterwards than before.
    """
    made = Record(plan, STARTED_S, NotMeasured(), workers={"main": 1})
    for number in range(1 + repeats):
        start_s = STARTED_S + number * (pass_s + 0.1)
        one = Pass(CLIP, number == 0, start_s, start_s, start_s + pass_s)
        made.passes.append(one)
        made.spans.append(Span("main", "", "decode", start_s, start_s + 0.1 * pass_s, number))
        each_s = 0.9 * pass_s / len(plan.tasks())
        for place, task in enumerate(plan.tasks()):
            name, begun_s = task.analyzer, start_s + 0.1 * pass_s + place * each_s
            made.spans.append(Span("main", name, "analyze", begun_s, begun_s + each_s, number))
            group = plan.group_of(name)
            outcome = Outcome(name, "ok", group.name, group.device, list(found[name]), analyze_s=each_s)
            if name in lost:
                outcome = Outcome(
                    name, "failed", group.name, group.device, analyze_s=each_s, reason="ValueError: planted"
                )
            one.outcomes[name] = outcome
    cleaned_s = made.ended_s() + 0.2
    made.cleanup = Cleanup(
        mode="exit",
        workers={"main": "exited"},
        cleaned_s=cleaned_s,
        observed_until_s=cleaned_s + 0.6,
        ready_again_s=1.0,
    )
    made.telemetry = telemetry(cleaned_s, utilization, left_bytes)
    return made


def result(prepared: session.Session, made: Record) -> Result:
    """What `python run.py` would make of a run that left this record."""
    return session.derive(prepared, made, "2026-01-31T12:00:00+00:00", False, OtherWork(), HeldBack())


def telemetry(cleaned_s: float, utilization: float, left_bytes: float) -> Telemetry:
    """What the sampler would leave."""
    times = [float(t) for t in np.arange(STARTED_S - 1, cleaned_s + 0.6, 0.2)]
    memory = [2 * GB if t < STARTED_S else 30 * GB if t < cleaned_s else 2 * GB + left_bytes for t in times]
    slow = times[::5]
    device = GpuTelemetry(
        ordinal=0,
        index=0,
        uuid="GPU-11111111-aaaa",
        name="NVIDIA H100 80GB HBM3",
        memory_total_bytes=80 * GB,
        compute_capability="9.0",
        mig=False,
        figures={
            "utilization_percent": GpuSeries(slow, [None] + [utilization] * (len(slow) - 1)),
            "memory_used_bytes": GpuSeries(times, memory),
        },
        reasons={"energy_j": "NVML: Not Supported", "sm_activity_percent": "this GPU has no GPM"},
    )
    return Telemetry(
        times_s=times,
        cpu_percent=[100.0] * len(times),
        rss_bytes=[GB] * len(times),
        pss_bytes=[None] * len(times),
        processes={"1": ProcessSeries("python", 0, [100.0] * len(times), [GB] * len(times))},
        gpu=GpusTelemetry(devices=[device], driver="570.00", mps=False),
        sampler=SamplerCost(interval_s=0.2, cpu_percent=0.5, start_cpu_s=0.05, gpu_cpu_s=0.01),
    )
