"""One run, from its configuration to its result: validate, measure, and derive the result from the record."""

from __future__ import annotations

import datetime
import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from clipbench.analyzers.base import Segment
from clipbench.bench import quality
from clipbench.bench.clips.clip_path import check_clip
from clipbench.bench.errors import Exit, InputError, Interrupted
from clipbench.bench.measuring import (
    foretelling,
    metrics,
    predicted,
    quality_scores,
    run_summary,
    served,
    targets,
    verdict,
)
from clipbench.bench.measuring.analyzer_results import analyzer_results
from clipbench.bench.measuring.clip_files import FoundClips, find_clips, segments_by_file
from clipbench.bench.measuring.record import Record
from clipbench.bench.measuring.repeating import Repeating
from clipbench.bench.measuring.runner import Progress, Runner, executor_factory
from clipbench.bench.measuring.targets import Limit
from clipbench.bench.measuring.thinning import thinned_spans, thinned_telemetry
from clipbench.bench.planning import cost_store, exports, in_flight, pretrained
from clipbench.bench.planning import scenario as scenarios
from clipbench.bench.planning.auto import configured
from clipbench.bench.planning.auto.configured import FoundGrouping
from clipbench.bench.planning.config import Config
from clipbench.bench.planning.executor_settings import chosen
from clipbench.bench.planning.placement import visible
from clipbench.bench.planning.plan import check_settings, grouped, make_plan, one_of
from clipbench.bench.planning.scenario import Service
from clipbench.bench.probes import environment, held_back
from clipbench.bench.probes.other_load import OtherWork
from clipbench.bench.runs import folders
from clipbench.bench.runs.measurement import NotMeasured
from clipbench.bench.runs.results import HeldBack, LostClip, Result, quality_of
from clipbench.executors import profiling
from clipbench.executors.base import ExecutorLost, Plan
from clipbench.executors.layout import Gpu
from clipbench.executors.registry import strategy


@dataclass
class Session:
    """A validated run: the plan, the clips, the limits. Nothing slow has happened yet.

    `not_covered` are the analyzers that the grouping or the targets name and the plan does not have. `lost`
    are clips that are not there, beside `clips`; `left_out` says what else of a folder is not measured.
    `found` is the grouping that was searched for, if one was.
    `service` says when clips arrive that do so one after another.
    """

    cfg: Config
    plan: Plan
    clips: list[Path]
    limits: dict[str, Limit]
    folder: Path
    not_covered: list[str] = field(default_factory=list)
    lost: list[LostClip] = field(default_factory=list)
    left_out: str = ""
    service: Service | None = None
    found: FoundGrouping | None = None


@dataclass(frozen=True)
class Finished:
    """What a run gave: its result, its segments by file, and the exit code of an interrupt or 0."""

    result: Result
    segments: dict[str, Sequence[Segment]]
    interrupted: int


@dataclass(frozen=True)
class Checked:
    """What a configuration says of clips, their arrivals and limits, before anything is searched or made."""

    service: Service | None
    limits: dict[str, Limit]
    clips: FoundClips


def check(cfg: Config) -> Checked:
    """Check what can be without a plan, so that a plan, a search and a run refuse the same, and at once.

    Raises InputError for whatever is wrong with the configuration, the clips' names and their truth.
    """
    check_scenario(cfg)
    service = scenarios.service_of(cfg.scenario)
    limits = check_targets(cfg)
    one_of(cfg.gate.mode, ("report", "enforce", "off"), "gate.mode")
    one_of(cfg.baseline or "", ("", "save", "compare"), "baseline")
    cost_store.check_places(cfg.costs)
    exports.check_run(cfg.export, cfg.calibrate or cfg.scenario.search)
    if cfg.grouping.search:
        configured.objective_of(cfg)
        configured.check_start(cfg.grouping)
    elif cfg.objective is not None:
        raise InputError(f"objective={cfg.objective} is for a search: add grouping=auto")
    executor, settings = chosen(cfg.executor)
    check_settings(settings)
    if cfg.resume and executor.virtual:
        raise InputError("resume=true: a simulated run has nothing to go on with; leave it out")
    clips = clips_of(cfg)
    if len(clips.clips) == 1:
        check_clip(clips.clips[0])
    if cfg.clip.truth is not None:
        quality_scores.check_truth(Path(cfg.clip.truth), clips.clips)
    else:
        quality_scores.check_found(clips.clips)
    return Checked(service, limits, clips)


def prepare(cfg: Config, folder: Path) -> Session:
    """Validate the configuration and the output folder.

    Raises InputError for whatever is wrong with the configuration, the clips' names or the folder, and for
    pretrained weights that are neither here nor can be fetched.
    """
    checked = check(cfg)
    clips, limits, found = checked.clips, checked.limits, searched(cfg)
    cfg = configured.resolved(cfg, found) if found else cfg
    plan = make_plan(cfg, visible_here(), str(folder.resolve()))
    there, about = [task.analyzer for task in plan.tasks()], about_analyzers()
    missing = targets.not_covered(limits, about, grouped(cfg.grouping), there)
    limits = targets.applicable(limits, about, there)
    if plan.pretended is not None:
        limits = {name: limit for name, limit in limits.items() if quality_of(name) is None}
    if package := profiling.lacking(plan.profile[0]):
        raise InputError(f"profile={plan.profile[0]} requires {package}: pip install {package}")
    folders.check_folder(folder)
    if plan.pretended is None:
        pretrained.fetch(plan)
    lost, left_out = clips.lost, clips.left_out
    return Session(cfg, plan, clips.clips, limits, folder, missing, lost, left_out, checked.service, found)


def visible_here() -> tuple[Gpu, ...]:
    """The GPUs that this run may use."""
    return visible(environment.gpus(), os.environ.get("CUDA_VISIBLE_DEVICES"))


def searched(cfg: Config) -> FoundGrouping | None:
    """The grouping that is found for a configuration; None where it names one."""
    if cfg.grouping.search:
        return configured.search(cfg, clips_of(cfg).clips)
    return None


def clips_of(cfg: Config) -> FoundClips:
    """The clips of a configuration; raises InputError where there are none."""
    several = cfg.scenario.name in scenarios.SEVERAL_CLIPS
    return find_clips(cfg.clip.path) if several else FoundClips([Path(cfg.clip.path)])


def check_scenario(cfg: Config) -> None:
    """Apply `repeats`, and raise InputError for a scenario that cannot be run."""
    scenario = cfg.scenario
    if cfg.repeats is not None:
        scenario.repeats = cfg.repeats
    scenarios.check(scenario)
    if scenario.in_flight is None:
        in_flight.resolve(cfg, len(visible_here()))
    if scenario.auto and (scenario.at_once > 1 or cfg.resume or cfg.calibrate):
        scenario.repeats = scenario.least  # of what goes on at once, or is to be alike, the number is fixed
    if cfg.resume and (scenario.warmup, scenario.repeats) != (0, 1):
        raise InputError(
            "resume=true is for a single pass over a clip: add scenario.warmup=0 scenario.repeats=1"
        )


def check_targets(cfg: Config) -> dict[str, Limit]:
    """The limits by metric; raises InputError for a malformed one, and for a metric that does not exist."""
    where = f"conf/targets/{cfg.targets.name}.yaml"
    known = [metric.name for metric in metrics.discover()] + quality.metric_names()
    limits = limits_of(cfg, known)
    required = [name for name in cfg.gate.require if not (name == "baseline" and cfg.baseline == "compare")]
    targets.check_names(limits, required, known, where, cfg.gate.allow_unmeasured)
    return limits


def limits_of(cfg: Config, known: Sequence[str]) -> dict[str, Limit]:
    """The limits by metric, of those that are `known`; raises InputError for a malformed one."""
    asked = cfg.targets.limits
    limits = targets.parse(asked, f"conf/targets/{cfg.targets.name}.yaml")
    return targets.spread(limits, known, targets.taken_away(asked))


def about_analyzers() -> dict[str, str]:
    """Metric → analyzer, for the metrics that are about a single one."""
    return {metric.name: metric.analyzer for metric in metrics.discover() if metric.analyzer} | {
        figure.metric: figure.analyzer for figure in quality.discover()
    }


def run(session: Session, progress: Progress, measured: Callable[[], None] = lambda: None) -> Finished:
    """Measure. `measured` is called when everything that an interrupt could end is over.

    Raises InputError for a clip that cannot be read, if there is no other.
    """
    cfg, scenario = session.cfg, session.cfg.scenario
    random.seed(cfg.seed)
    started_at = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    runner = Runner(
        session.plan,
        progress,
        executor_factory(cfg.executor.name),
        cfg.clip.chunk_s,
        Path(cfg.resume_store) if cfg.resume else None,
        wakes(session),
    )
    runner.record.lost += session.lost
    interrupted, others, watch = 0, OtherWork(strategy(cfg.executor.name).children), held_back.Watch()
    try:
        fed = scenario.warmup, scenario.least, scenario.at_once
        runner.measure(session.clips, *fed, session.service, Repeating.of(scenario))
        measured()
    except Interrupted as interrupt:
        interrupted = interrupt.code
    except ExecutorLost as error:
        measured()
        interrupted, session.left_out = Exit.NOTHING_VALID, f"the run was interrupted: {error}"
    held = watch.found() if session.plan.pretended is None else HeldBack()
    result = derive(session, runner.record, started_at, bool(interrupted), others, held)
    return Finished(result, segments_by_file(runner.record, session.clips), interrupted)


def wakes(session: Session) -> bool:
    """Whether workers are made ready again after the cleanup, which takes as long as their start."""
    asked = {*session.limits, *session.cfg.gate.require}
    return session.cfg.scenario.wake or "ready_again_s" in asked


def derive(
    session: Session,
    record: Record,
    started_at: str,
    interrupted: bool,
    others: OtherWork,
    held: HeldBack,
) -> Result:
    """The result of a run, from what was observed."""
    cfg, telemetry = session.cfg, record.telemetry
    scores = quality_scores.score(record, cfg.clip.truth)
    record.silent = scores.silent
    measured = [metric.measure(record) for metric in metrics.discover()] + scores.figures
    evaluated = targets.evaluate(session.limits, measured, stand_ins(session.plan))
    required = targets.not_measured(cfg.gate.require, measured, evaluated)
    decision = verdict.decide(
        record, evaluated, cfg.targets.minimum, required, session.not_covered, interrupted
    )
    return Result(
        run=run_summary.summarize_run(cfg, record, started_at, interrupted, others, held, session.folder),
        environment=predicted.environment(environment.describe(), record.plan),
        metrics=measured,
        targets=evaluated,
        verdict=decision.verdict,
        verdict_reason=decision.reason,
        analyzers=analyzer_results(record, scores.figures),
        spans=thinned_spans(run_summary.spans_since_start(record)),
        telemetry=telemetry
        if isinstance(telemetry, NotMeasured)
        else thinned_telemetry(telemetry.since(record.started_s)),
        warnings=run_summary.warnings(record)
        + run_summary.held_back_warnings(held)
        + run_summary.gpu_clock_warnings([] if isinstance(telemetry, NotMeasured) else telemetry.gpus())
        + [line for line in (session.left_out, scores.reason if scores.unexpected else "") if line],
        lost_clips=list(record.lost),
        served=served.summarize(record),
        prediction=foretelling.of_run(session.found, record.plan, measured) if session.found else None,
    )


def stand_ins(plan: Plan) -> set[str]:
    """The analyzers that only stand in for a model which their profile does not have."""
    return {task.analyzer for task in plan.tasks() if task.stand_in}
