"""What a result says of the run as a whole: what was run, its spans, and what to beware of."""

from __future__ import annotations

import dataclasses
import os
import shlex
import uuid
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from clipbench import plugins
from clipbench.analyzers.base import Segment
from clipbench.bench import invocation
from clipbench.bench.measuring import busy, predicted
from clipbench.bench.measuring.pretending import NOTHING_RAN
from clipbench.bench.measuring.record import Pass, Record
from clipbench.bench.planning import scenario as scenarios
from clipbench.bench.planning.config import Config
from clipbench.bench.planning.remarks import remarks
from clipbench.bench.probes.other_load import OtherWork
from clipbench.bench.runs.measurement import NotMeasured
from clipbench.bench.runs.results import (
    Cleanup,
    ClipSummary,
    GroupSummary,
    HeldBack,
    PassSummary,
    RunSummary,
)
from clipbench.bench.runs.serving import ScenarioSummary
from clipbench.bench.runs.telemetry import GpuSeries, GpuTelemetry
from clipbench.executors import profiling
from clipbench.executors.base import Plan, Span
from clipbench.executors.costs import Pretended

#: How many lost clips have a warning of their own.
NAMED = 20
#: What is less than this is not worth a word: seconds asleep, cores that a limit kept from running.
ASLEEP_S, THROTTLED_CORES = 0.1, 0.02
#: And a reason for lower clocks of a GPU in less than this share of the samples.
SLOWED = 0.02


def summarize_run(
    cfg: Config,
    record: Record,
    started_at: str,
    interrupted: bool,
    others: OtherWork,
    held_back: HeldBack,
    folder: Path,
) -> RunSummary:
    """What was run, when and how. `others` watched the machine during the run, `folder` is its output."""
    plan, ran = record.plan, record.plan.pretended is None
    clips = {p.clip.path: ClipSummary(**dataclasses.asdict(p.clip)) for p in record.passes}
    return RunSummary(
        id=uuid.uuid4().hex[:12],
        started_at=started_at,
        interrupted=interrupted,
        other_cores=others.cores() if ran else None,
        other_cores_reason=others.reason if ran else NOTHING_RAN.reason,
        held_back=held_back if ran else HeldBack(),
        command=shlex.join(invocation.command_line()),
        plugins=plugins.digests(),
        grouping=cfg.grouping.name,
        stages=cfg.grouping.stages,
        executor=cfg.executor.name,
        executor_settings=executor_settings(plan),
        threads=plan.threads,
        workers=plan.workers,
        groups=group_summaries(plan),
        pids=record.workers,
        models=cfg.models.profile,
        scenario=scenario_summary(cfg, record),
        faults=list(plan.faults),
        profile=plan.profile[0] or None,
        seed=cfg.seed,
        settings={t.analyzer: dataclasses.asdict(t.settings) for t in plan.tasks()},
        clip=next(iter(clips.values()), ClipSummary(cfg.clip.path)),
        clips=list(clips.values()),
        cleanup=cleanup_since_start(record),
        passes=[summarize_pass(one, record) for one in record.completed()],
        profiles=profiling.links(folder),
        utilization=busy.of_run(record),
        simulated=predicted.describe(plan),
    )


def scenario_summary(cfg: Config, record: Record) -> ScenarioSummary:
    """How the clips were fed, with the repeats that were found to be enough where that was asked for."""
    found = scenarios.summary(cfg.scenario, record.service)
    if record.auto is not None:
        found.repeats, found.auto = record.auto.taken, record.auto
    return found


def group_summaries(plan: Plan) -> list[GroupSummary]:
    """The groups of a plan as they were placed."""
    return [
        GroupSummary(
            group.name,
            group.device,
            list(group.cpus),
            [task.analyzer for task in group.tasks],
            group.replicas,
            [worker.device for worker in plan.workers_of(group)] if group.replicas > 1 else [],
            group.threads,
            group.need if group.need != 1 else None,
        )
        for group in plan.groups
    ]


def failed(record: Record, one: Pass) -> dict[str, str]:
    """The analyzers that did not do their part in a pass, and what became of them."""
    return {
        name: "silent" if outcome.status == "ok" else outcome.status
        for name, outcome in one.outcomes.items()
        if not record.succeeded(one, outcome)
    }


def summarize_pass(one: Pass, record: Record) -> PassSummary:
    """A pass, in seconds from the start of the run."""
    times = one.start_s - record.started_s, one.end_s - record.started_s
    found = PassSummary(one.warmup, *times, one.clip.path, failed(record, one))
    if record.service is not None and not one.warmup:
        found.arrived_s = one.arrived_s - record.started_s
    return found


def executor_settings(plan: Plan) -> dict[str, Any]:
    """The executor's settings that bear on what is measured, beside threads and workers.

    Time limits are left out: a measurement that reaches one has failed.
    """
    aside = ("threads", "workers", "timeout_s", "load_timeout_s")
    return {name: value for name, value in dataclasses.asdict(plan.settings).items() if name not in aside}


def cleanup_since_start(record: Record) -> Cleanup | NotMeasured:
    """The cleanup, in seconds from the start of the run."""
    if record.cleanup is None:
        return NotMeasured("the run ended before cleanup")
    return dataclasses.replace(
        record.cleanup,
        cleaned_s=record.cleanup.cleaned_s - record.started_s,
        observed_until_s=record.cleanup.observed_until_s - record.started_s,
    )


def spans_since_start(record: Record) -> list[Span]:
    """All spans in order, in seconds from the start of the run."""
    return [
        dataclasses.replace(
            span,
            start_s=round(span.start_s - record.started_s, 6),
            end_s=round(span.end_s - record.started_s, 6),
        )
        for span in sorted(record.spans, key=lambda span: span.start_s)
    ]


def warnings(record: Record) -> list[str]:
    """What a reader should know before believing the numbers."""
    found = [f"lost: {clip.path}: {clip.reason}" for clip in record.lost[:NAMED]]
    if len(record.lost) > NAMED:
        found.append(
            f"lost: {len(record.lost) - NAMED} more clips; lost_clips in result.json has all of them"
        )
    found += remarks(record.plan)
    clips = {one.clip.path: one.clip for one in record.passes}
    found += [f"{Path(path).name}: {remark}" for path, clip in clips.items() for remark in clip.remarks]
    found += [f"a fault was planted: {fault.kind} in {fault.analyzer}" for fault in record.plan.faults]
    found += [
        f"{name} found nothing in {Path(path).name}, where the truth has something: it counts as failed"
        for path, name in sorted(record.silent)
    ]
    found += [
        f"{name} gave different segments in different passes of the same clip"
        for name in record.last_outcomes()
        if segments_differ(record, name)
    ]
    if record.plan.pretended is not None:
        return found + simulation_warnings(record.plan.pretended)
    cores = record.plan.threads * record.plan.workers
    load = os.getloadavg()[0]
    if load > 2 * cores + 1:
        found.append(f"other work was running on this machine (load average {load:.1f}): times are too long")
    return found


def simulation_warnings(pretended: Pretended) -> list[str]:
    """What a reader should know before believing a prediction."""
    return [*pretended.remarks, *(f"extrapolated: {line}" for line in pretended.extrapolated)]


def held_back_warnings(held: HeldBack) -> list[str]:
    """What held the run back, in words."""
    found = []
    if (held.suspended_s or 0.0) > ASLEEP_S:
        found.append(
            f"the machine was asleep for {held.suspended_s:.1f} s meanwhile, which no time here includes: "
            "what was under way then took longer or shorter than it says"
        )
    if (held.throttled_cores or 0.0) > THROTTLED_CORES:
        found.append(
            f"a limit of this container's CPU time kept {held.throttled_cores:.2f} cores' work from running: "
            "times are those of that limit; give it more, or start fewer threads with executor.threads"
        )
    if held.too_hot:
        found.append(f"cores were slowed down {held.too_hot} times because they were too hot: let them cool")
    return found


def gpu_clock_warnings(gpus: Sequence[GpuTelemetry]) -> list[str]:
    """Why the clocks of GPUs were not at their highest, and how often."""
    found = []
    for gpu in gpus:
        samples = [s for s in gpu.figures.get("throttle_reasons", GpuSeries([], [])).values if s is not None]
        counts = Counter(reason for sample in samples for reason in sample if reason != "GpuIdle")
        if often := [(why, n / len(samples)) for why, n in counts.items() if n > SLOWED * len(samples)]:
            shares = ", ".join(f"{why} in {100 * share:.0f} %" for why, share in often)
            found.append(f"GPU {gpu.index} was not at its highest clocks: {shares} of the samples")
    return found


def segments_differ(record: Record, analyzer: str) -> bool:
    """Whether two passes over the same clip gave different segments."""
    first: dict[str, Sequence[Segment]] = {}
    for one in record.completed():
        outcome = one.outcomes.get(analyzer)
        if outcome is None or outcome.status != "ok":
            continue
        if first.setdefault(one.clip.path, outcome.segments) != outcome.segments:
            return True
    return False
