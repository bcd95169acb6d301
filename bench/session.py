"""One run, from its configuration to its result: validate, measure, derive, judge."""

from __future__ import annotations

import dataclasses
import datetime
import os
import random
import shlex
import sys
import uuid
from pathlib import Path
from typing import Any

import analyzers
import models
from analyzers.base import Segment
from bench import environment, media, quality, results, targets
from bench.errors import Exit, InputError, nearest
from bench.metrics import METRICS, Record
from bench.plan import make_plan
from bench.results import AnalyzerResult, MetricValue, Result, TargetResult
from bench.runner import Progress, executor_factory, measure
from executors import names as executor_names

#: What a verdict about the whole pipeline takes.
PIPELINE = 20


def run(cfg: Any, folder: Path, progress: Progress) -> tuple[Result, dict[str, list[Segment]]]:
    """Run `cfg` (the configuration as objects); returns the result and the last pass's segments.

    Raises InputError, before anything slow, for what is wrong with the configuration, the clip or `folder`.
    """
    executor = cfg.executor.name
    if executor not in executor_names():
        raise InputError(
            f"executor.name: there is no executor {executor}{nearest(executor, executor_names())}"
        )
    for key in ("warmup", "repeats"):
        if getattr(cfg.scenario, key) < 0:
            raise InputError(
                f"scenario.{key}={getattr(cfg.scenario, key)} makes no sense: it takes 0 or more"
            )
    if cfg.scenario.warmup + cfg.scenario.repeats == 0:
        raise InputError("scenario.warmup and scenario.repeats are both 0: there is nothing to run")
    where = f"conf/targets/{cfg.targets.name}.yaml"
    limits = targets.parse(cfg.targets.limits, where)
    names = [metric.name for metric in METRICS] + quality.metric_names()
    targets.check_names(limits, cfg.gate.require, names, where)
    plan = make_plan(cfg)
    clip = Path(cfg.clip.path)
    if cfg.clip.truth is not None and not Path(cfg.clip.truth).exists():
        raise InputError(f"clip.truth: there is no file {cfg.clip.truth}")
    results.check_folder(folder)
    random.seed(cfg.seed)

    started_at = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    record = measure(
        plan, clip, cfg.scenario.warmup, cfg.scenario.repeats, progress, executor_factory(executor)
    )
    segments = {name: o.segments for name, o in record.last().items() if o.status == "ok"}
    truth, reason = quality.load_truth(
        clip, Path(cfg.clip.truth) if cfg.clip.truth else None, record.clip.sha256
    )
    settings = {task.analyzer: task.settings for task in plan.tasks()}
    figures = quality.score(segments, settings, truth, reason, record.clip.duration_s)
    metrics = [metric.measure(record) for metric in METRICS] + figures
    known = analyzers.discover()
    stand_ins = {task.analyzer for task in plan.tasks() if known[task.analyzer].stand_in}
    judged = targets.judge(limits, metrics, stand_ins)
    verdict, why = decide(record, judged)
    return Result(
        run={
            "id": uuid.uuid4().hex[:12],
            "started_at": started_at,
            "command": shlex.join([Path(sys.executable).name, *sys.argv]),
            "grouping": cfg.grouping.name,
            "executor": executor,
            "threads": plan.threads,
            "models": cfg.models.profile,
            "scenario": dataclasses.asdict(cfg.scenario),
            "seed": cfg.seed,
            "clip": media.describe(record.clip),
            "passes": [
                {
                    "warmup": p.warmup,
                    "start_s": p.start_s - record.started_s,
                    "end_s": p.end_s - record.started_s,
                }
                for p in record.passes
            ],
        },
        environment=environment.describe(),
        metrics=metrics,
        targets=judged,
        verdict=verdict,
        verdict_reason=why,
        analyzers={task.analyzer: summarise(task.analyzer, record, figures) for task in plan.tasks()},
        spans=[
            {
                **dataclasses.asdict(s),
                "start_s": s.start_s - record.started_s,
                "end_s": s.end_s - record.started_s,
            }
            for s in record.spans
        ],
        telemetry=shift(record.telemetry, record.started_s),
        warnings=warn(record),
    ), segments


def summarise(name: str, record: Record, figures: list[MetricValue]) -> AnalyzerResult:
    """One analyzer's row: the last pass's findings, every measured pass's time, the worst status."""
    passes = record.measured() or record.passes
    outcomes = [p.outcomes[name] for p in passes]
    worst = next((o for o in outcomes if o.status != "ok"), outcomes[-1])
    task = next(t for t in record.plan.tasks() if t.analyzer == name)
    analyzer = analyzers.discover()[name](task.settings)
    loads = [s.end_s - s.start_s for s in record.spans if s.analyzer == name and s.phase == "load"]
    prefix = f"quality.{name}."
    return AnalyzerResult(
        status=worst.status,
        model=list(analyzer.models()),
        weights={model: digest for model in analyzer.models() if (digest := weights_digest(model))},
        stand_in=analyzer.stand_in,
        group=record.plan.group_of(name).name,
        worker=worst.worker,
        device=worst.device,
        load_s=loads[0] if loads else None,
        analyze_s=[o.analyze_s for o in outcomes if o.analyze_s is not None],
        segments=len(worst.segments),
        headline=worst.headline,
        quality={m.name.removeprefix(prefix): m.value for m in figures if m.name.startswith(prefix)},
        reason=worst.reason,
        error=worst.error,
    )


def weights_digest(model: str) -> str | None:
    """The SHA-256 on the model's card; None for a file of the user's own."""
    try:
        return models.card(model).sha256
    except models.ModelError:
        return None


def shift(telemetry: dict[str, Any], origin_s: float) -> dict[str, Any]:
    """`telemetry` with its times from the start of the run."""
    if "times_s" not in telemetry:
        return telemetry
    return {**telemetry, "times_s": [round(t - origin_s, 3) for t in telemetry["times_s"]]}


def decide(record: Record, judged: list[TargetResult]) -> tuple[str, str]:
    """The verdict and its reason. Invalid: too little was measured for the targets to mean anything."""
    ran = len(record.plan.tasks())
    if not record.measured():
        return "invalid", "no repeat was measured"
    if not any(o.status == "ok" for p in record.measured() for o in p.outcomes.values()):
        return "invalid", "no analyzer succeeded"
    if ran < PIPELINE:
        return "invalid", f"only {ran} of {PIPELINE} analyzers ran"
    failed = [t.metric for t in judged if t.status == "fail"]
    if failed:
        return "fail", f"missed: {', '.join(failed)}"
    if not any(t.status == "pass" for t in judged):
        return "invalid", "no target was measured"
    absent = sum(t.status == "not_measured" for t in judged)
    return "pass", f"{len(judged) - absent} of {len(judged)} targets are met, {absent} were not measured"


def warn(record: Record) -> list[str]:
    """What a reader should know before believing the numbers."""
    warnings = []
    for name in record.last():
        found = [p.outcomes[name].segments for p in record.passes if p.outcomes[name].status == "ok"]
        if any(other != found[0] for other in found[1:]):
            warnings.append(f"{name} gave different segments in different passes of the same clip")
    load = os.getloadavg()[0]
    if load > 2 * record.plan.threads + 1:
        warnings.append(
            f"other work was running on this machine (load average {load:.1f}): times are too long"
        )
    return warnings


def exit_code(result: Result, gate: Any) -> Exit:
    """What the run exits with: 0 unless the gate is enforced."""
    if gate.mode != "enforce":
        return Exit.OK
    absent = {m.name for m in result.metrics if m.value is None}
    if result.verdict == "invalid":
        return Exit.NOTHING_VALID
    if result.verdict == "fail" or absent.intersection(gate.require):
        return Exit.TARGET_MISSED
    return Exit.OK
