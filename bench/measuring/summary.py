"""From what a run measured to what its result says: rows, verdict, warnings."""

from __future__ import annotations

import dataclasses
import os
import shlex
import uuid
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from clipbench.analyzers import weights
from clipbench.bench import invocation
from clipbench.bench.measuring.gpu_metrics import Window, merged
from clipbench.bench.measuring.metrics import Record
from clipbench.bench.planning.config import MinimumConfig
from clipbench.bench.planning.plan import absent_upstream
from clipbench.bench.probes.other_load import OtherWork
from clipbench.bench.runs.results import (
    AnalyzerResult,
    Cleanup,
    ClipSummary,
    GroupSummary,
    MetricValue,
    PassSummary,
    RunSummary,
    ScenarioSummary,
    TargetResult,
)
from clipbench.bench.runs.telemetry import NotMeasured
from clipbench.executors import profiling
from clipbench.executors.base import Outcome, Plan, Span

#: How many analyzers a verdict lists by name.
NAMED = 5


def describe_run(
    cfg: Any, record: Record, started_at: str, interrupted: bool, others: OtherWork, folder: Path
) -> RunSummary:
    """What was run, on what, as what."""
    plan = record.plan
    clips = {p.clip.path: ClipSummary(**dataclasses.asdict(p.clip)) for p in record.passes}
    scenario = cfg.scenario
    return RunSummary(
        id=uuid.uuid4().hex[:12],
        started_at=started_at,
        interrupted=interrupted,
        other_cores=others.cores(),
        other_cores_reason=others.reason,
        command=shlex.join(invocation.command_line()),
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
            for p in record.complete()
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


def summarise(name: str, record: Record, figures: list[MetricValue]) -> AnalyzerResult:
    """One analyzer's row: the last pass's findings, every measured pass's time, the worst status."""
    passes = record.measured() or record.complete() or record.passes
    outcomes = [p.outcomes[name] for p in passes if name in p.outcomes]
    group = record.plan.group_of(name)
    if not outcomes:
        device = group.device_of(name)
        outcomes = [Outcome(name, "skipped", group.name, device, reason="the run was interrupted")]
    worst = next((o for o in outcomes if o.status != "ok"), outcomes[-1])
    task = next(t for t in group.tasks if t.analyzer == name)
    loads = [s.end_s - s.start_s for s in record.spans if s.analyzer == name and s.phase == "load"]
    prefix = f"quality.{name}."
    return AnalyzerResult(
        status=worst.status,
        model=list(task.models),
        weights={model: digest for model in task.models if (digest := weights_digest(model))},
        stand_in=task.stand_in,
        group=group.name,
        worker=worst.worker,
        device=worst.device or group.device_of(name),
        load_s=loads[0] if loads else None,
        analyze_s=[o.analyze_s for o in outcomes if o.analyze_s is not None],
        segments=len(worst.segments),
        headline=worst.headline,
        quality={m.name.removeprefix(prefix): m.value for m in figures if m.name.startswith(prefix)},
        reason=worst.reason,
        error=worst.error,
        retried=worst.retried,
        facts=worst.facts,
    )


def weights_digest(model: str) -> str | None:
    """The SHA-256 on the model's card; None for a file of the user's own."""
    try:
        return weights.card(model).sha256
    except weights.ModelError:
        return None


def spans(record: Record) -> list[Span]:
    """All spans, in seconds from the start of the run."""
    return [
        dataclasses.replace(
            s,
            start_s=round(s.start_s - record.started_s, 6),
            end_s=round(s.end_s - record.started_s, 6),
        )
        for s in sorted(record.spans, key=lambda s: s.start_s)
    ]


def decide(
    record: Record,
    judged: list[TargetResult],
    interrupted: bool = False,
    profiled: bool = False,
    minimum: MinimumConfig | None = None,
    absent: Collection[str] = (),
    not_covered: Collection[str] = (),
) -> tuple[str, str]:
    """The verdict and its reason. Invalid: less was measured than a verdict needs.

    `absent` are metrics that the gate requires and that were not measured: each counts as a missed target.
    `not_covered` are analyzers that the grouping or the targets name and that the run does not have: without
    them a verdict is partial, unless `minimum` says how many are enough.
    """
    if interrupted:
        return "invalid", "the run was interrupted"
    if profiled:
        return "invalid", "a profiler was attached: its times are no measurement"
    counted = record.measured() or record.complete()
    if not any(o.status == "ok" for p in counted for o in p.outcomes.values()):
        return "invalid", "no analyzer succeeded"
    if lacking := too_little(record, minimum or MinimumConfig()):
        return "invalid", f"too little was measured: {', '.join(lacking)}"
    failed = [t.metric for t in judged if t.status == "fail"]
    lost = sorted({o.analyzer for p in record.measured() for o in p.outcomes.values() if o.status != "ok"})
    without = f"; without {', '.join(lost)}" if lost else ""
    missed = [f"missed: {', '.join(failed)}"] if failed else []
    missed += [f"required, but not measured: {', '.join(sorted(absent))}"] if absent else []
    if missed:
        return "fail", f"{'; '.join(missed)}{without}"
    if not any(t.status == "pass" for t in judged):
        return "invalid", "no target was measured"
    unknown = sum(t.status == "not_measured" for t in judged)
    met = f"{len(judged) - unknown} of {len(judged)} targets are met, {unknown} were not measured"
    if not_covered and (minimum is None or minimum.analyzers is None):
        return "partial", f"{coverage(record, not_covered)}; {met}{without}"
    return "pass", met + without


def coverage(record: Record, not_covered: Collection[str]) -> str:
    """What a run covers, for people: "covers 2 of 20 analyzers (color_analysis, cut_analysis)"."""
    names, missing = [task.analyzer for task in record.plan.tasks()], list(not_covered)
    shorter, word = (names, "") if len(names) <= len(missing) else (missing, "without ")
    more = f" and {len(shorter) - NAMED} more" if len(shorter) > NAMED else ""
    listed = f"{word}{', '.join(sorted(shorter)[:NAMED])}{more}"
    return f"covers {len(names)} of {len(names) + len(missing)} analyzers ({listed})"


def too_little(record: Record, minimum: MinimumConfig) -> list[str]:
    """What there is less of than `minimum` asks for: "2 of 3 repeats"."""
    passes = [(p.start_s, p.end_s) for p in record.measured()]
    return lacking(len(record.plan.tasks()), [passes], minimum)


def lacking(count: int, runs: Sequence[Sequence[Window]], minimum: MinimumConfig) -> list[str]:
    """What there is less of than `minimum` asks for, in `count` analyzers over these runs: for each the start
    and end of its measured passes, in seconds by a clock of its own."""
    found: dict[str, float] = {
        "analyzers": count,
        "repeats": sum(map(len, runs)),
        "seconds": round(sum(end - start for passes in runs for start, end in merged(passes)), 1),
    }
    least = {key: getattr(minimum, key) or 0 for key in found}
    return [f"{found[key]:g} of {least[key]:g} {key}" for key in found if found[key] < least[key]]


def warn(record: Record) -> list[str]:
    """What a reader should know before believing the numbers."""
    warnings = absent_upstream(record.plan)
    for fault in record.plan.faults:
        warnings.append(f"a fault was planted: {fault.kind} in {fault.analyzer}")
    for name in record.last():
        by_clip: dict[str, list] = {}
        for p in record.complete():
            if (outcome := p.outcomes.get(name)) and outcome.status == "ok":
                by_clip.setdefault(p.clip.path, []).append(outcome.segments)
        if any(other != same[0] for same in by_clip.values() for other in same[1:]):
            warnings.append(f"{name} gave different segments in different passes of the same clip")
    cores = record.plan.threads * record.plan.workers
    load = os.getloadavg()[0]
    if load > 2 * cores + 1:
        warnings.append(
            f"other work was running on this machine (load average {load:.1f}): times are too long"
        )
    return warnings
