"""What a result says of the run as a whole: what was run, its spans, and what to beware of."""

from __future__ import annotations

import dataclasses
import os
import shlex
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from clipbench import plugins
from clipbench.analyzers.base import Segment
from clipbench.bench import invocation
from clipbench.bench.measuring.record import Record
from clipbench.bench.planning.config import Config
from clipbench.bench.planning.plan import absent_upstream
from clipbench.bench.probes.other_load import OtherWork
from clipbench.bench.runs.measurement import NotMeasured
from clipbench.bench.runs.results import (
    Cleanup,
    ClipSummary,
    GroupSummary,
    PassSummary,
    RunSummary,
    ScenarioSummary,
)
from clipbench.executors import profiling
from clipbench.executors.base import Plan, Span

#: How many lost clips have a warning of their own.
NAMED = 20


def summarize_run(
    cfg: Config, record: Record, started_at: str, interrupted: bool, others: OtherWork, folder: Path
) -> RunSummary:
    """What was run, when and how. `others` watched the machine during the run, `folder` is its output."""
    plan, scenario = record.plan, cfg.scenario
    clips = {p.clip.path: ClipSummary(**dataclasses.asdict(p.clip)) for p in record.passes}
    return RunSummary(
        id=uuid.uuid4().hex[:12],
        started_at=started_at,
        interrupted=interrupted,
        other_cores=others.cores(),
        other_cores_reason=others.reason,
        command=shlex.join(invocation.command_line()),
        plugins=plugins.digests(),
        grouping=cfg.grouping.name,
        stages=cfg.grouping.stages,
        executor=cfg.executor.name,
        executor_settings=executor_settings(plan),
        threads=plan.threads,
        workers=plan.workers,
        groups=[
            GroupSummary(g.name, g.device, list(g.cpus), [t.analyzer for t in g.tasks]) for g in plan.groups
        ],
        pids=record.workers,
        models=cfg.models.profile,
        scenario=ScenarioSummary(scenario.name, scenario.warmup, scenario.repeats, scenario.in_flight),
        faults=list(plan.faults),
        profile=plan.profile[0] or None,
        seed=cfg.seed,
        settings={t.analyzer: dataclasses.asdict(t.settings) for t in plan.tasks()},
        clip=next(iter(clips.values()), ClipSummary(cfg.clip.path)),
        clips=list(clips.values()),
        cleanup=cleanup_since_start(record),
        passes=[
            PassSummary(p.warmup, p.start_s - record.started_s, p.end_s - record.started_s, p.clip.path)
            for p in record.completed()
        ],
        profiles=profiling.links(folder),
    )


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
    found += absent_upstream(record.plan)
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
    cores = record.plan.threads * record.plan.workers
    load = os.getloadavg()[0]
    if load > 2 * cores + 1:
        found.append(f"other work was running on this machine (load average {load:.1f}): times are too long")
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
