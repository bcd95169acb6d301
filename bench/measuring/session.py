"""One run, from its configuration to its result: validate, measure, derive, judge."""

from __future__ import annotations

import dataclasses
import datetime
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from clipbench.analyzers.base import Segment
from clipbench.bench import quality
from clipbench.bench.clips.clip_info import sha256
from clipbench.bench.errors import Exit, InputError
from clipbench.bench.measuring import targets
from clipbench.bench.measuring.metrics import Record, discover
from clipbench.bench.measuring.runner import Progress, Run, executor_factory
from clipbench.bench.measuring.summary import decide, describe_run, spans, summarise, warn
from clipbench.bench.planning import pretrained
from clipbench.bench.planning.placement import visible
from clipbench.bench.planning.plan import grouped, make_plan, one_of
from clipbench.bench.probes import environment
from clipbench.bench.probes.other_load import OtherWork
from clipbench.bench.runs import storage
from clipbench.bench.runs.results import MetricValue, Result
from clipbench.bench.runs.telemetry import NotMeasured
from clipbench.executors import profiling
from clipbench.executors.base import Plan
from clipbench.executors.registry import strategy

VIDEO = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".mpg", ".ts")


class Interrupted(BaseException):
    """Ctrl-C or SIGTERM; `code` is what to exit with."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclasses.dataclass
class Session:
    """A validated run: the plan, the clips, the limits. Nothing slow has happened yet.

    `not_covered` are the analyzers that the grouping or the targets name and the plan does not have.
    """

    cfg: Any
    plan: Plan
    clips: list[Path]
    limits: dict[str, tuple[str, Any]]
    folder: Path
    not_covered: list[str] = dataclasses.field(default_factory=list)


def prepare(cfg: Any, folder: Path) -> Session:
    """Validate `cfg` (the configuration as objects) and `folder`.

    Raises InputError for whatever is wrong with the configuration, the clips' names or the folder, and for
    pretrained weights that are neither here nor to be had.
    """
    scenario = cfg.scenario
    if cfg.repeats is not None:
        scenario.repeats = cfg.repeats
    for key, least in (("warmup", 0), ("repeats", 0), ("in_flight", 1)):
        if getattr(scenario, key) < least:
            raise InputError(
                f"scenario.{key}={getattr(scenario, key)} makes no sense: it takes {least} or more"
            )
    if scenario.warmup + scenario.repeats == 0:
        raise InputError("scenario.warmup and scenario.repeats are both 0: there is nothing to run")
    where = f"conf/targets/{cfg.targets.name}.yaml"
    limits = targets.parse(cfg.targets.limits, where)
    metrics = [metric.name for metric in discover()] + quality.metric_names()
    required = [name for name in cfg.gate.require if not (name == "baseline" and cfg.baseline == "compare")]
    targets.check_names(limits, required, metrics, where)
    gpus = visible(environment.gpus(), os.environ.get("CUDA_VISIBLE_DEVICES"))
    plan = make_plan(cfg, gpus, str(folder.resolve()))
    there, about = [task.analyzer for task in plan.tasks()], about_analyzers()
    missing = targets.not_covered(limits, about, grouped(cfg.grouping), there)
    limits = targets.applicable(limits, about, there)
    if package := profiling.lacking(plan.profile[0]):
        raise InputError(f"profile={plan.profile[0]} requires {package}: pip install {package}")
    one_of(cfg.gate.mode, ("report", "enforce"), "gate.mode")
    clips = find_clips(cfg.clip.path) if scenario.name == "offline" else [Path(cfg.clip.path)]
    if cfg.clip.truth is not None:
        check_truth(Path(cfg.clip.truth), clips)
    storage.check_folder(folder)
    pretrained.fetch(plan)
    return Session(cfg, plan, clips, limits, folder, missing)


def about_analyzers() -> dict[str, str]:
    """Metric → analyzer, for the metrics that are about a single one."""
    return {metric.name: metric.analyzer for metric in discover() if metric.analyzer} | {
        figure.metric: figure.analyzer for figure in quality.discover()
    }


def check_truth(truth: Path, clips: list[Path]) -> None:
    """Raise InputError, before anything is measured, for a ground truth that is not that of the clip."""
    if not truth.exists():
        raise InputError(f"clip.truth: there is no file {truth}")
    if len(clips) > 1:
        raise InputError(
            f"clip.truth: {truth} is for one clip, and there are {len(clips)}; a .json of the same name "
            "beside each is found by itself"
        )
    if clips[0].is_file():  # one that cannot be read is refused where it is opened
        quality.load_truth(clips[0], truth, sha256(clips[0]), quality.keys_of_plugins())


def find_clips(path: str) -> list[Path]:
    """The clips that a file, a folder or a pattern names, in order of name."""
    place = Path(path)
    if place.is_file():  # also one with brackets in its name
        return [place]
    if place.is_dir():
        found = [p for p in place.iterdir() if p.suffix.lower() in VIDEO]
    elif any(c in path for c in "*?["):
        root = Path(place.anchor or ".")
        found = list(root.glob(str(place.relative_to(place.anchor)) if place.anchor else path))
    else:
        return [place]
    if not found:
        raise InputError(f"clip.path: {path} holds no video; it takes {', '.join(VIDEO)}")
    return sorted(found)


def run(
    session: Session, progress: Progress, measured: Callable[[], None] = lambda: None
) -> tuple[Result, dict[str, list[Segment]], int]:
    """Measure; returns the result, each analyzer's segments, and the exit code of an interrupt or 0.

    Segments are by analyzer, for several clips by "clip/analyzer". `measured` is called when all that an
    interrupt could end is over. Raises InputError for a clip that cannot be read.
    """
    cfg, scenario = session.cfg, session.cfg.scenario
    random.seed(cfg.seed)
    started_at = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    measuring = Run(session.plan, progress, executor_factory(cfg.executor.name))
    interrupted, others = 0, OtherWork(strategy(cfg.executor.name).children)
    try:
        measuring.measure(session.clips, scenario.warmup, scenario.repeats, scenario.in_flight)
        measured()
    except Interrupted as interrupt:
        interrupted = interrupt.code
    record = measuring.record
    figures, why_none = score(session, record)
    metrics = [metric.measure(record) for metric in discover()] + figures
    stand_ins = {task.analyzer for task in session.plan.tasks() if task.stand_in}
    judged = targets.judge(session.limits, metrics, stand_ins)
    absent = targets.not_measured(cfg.gate.require, metrics, judged)
    profiled = bool(session.plan.profile[0])
    verdict, why = decide(
        record, judged, bool(interrupted), profiled, cfg.targets.minimum, absent, session.not_covered
    )
    result = Result(
        run=describe_run(cfg, record, started_at, bool(interrupted), others, session.folder),
        environment=environment.describe(),
        metrics=metrics,
        targets=judged,
        verdict=verdict,
        verdict_reason=why,
        analyzers={task.analyzer: summarise(task.analyzer, record, figures) for task in session.plan.tasks()},
        spans=spans(record),
        telemetry=record.telemetry
        if isinstance(record.telemetry, NotMeasured)
        else record.telemetry.since(record.started_s),
        warnings=warn(record) + ([why_none] if why_none not in ("", *quality.EXPECTED) else []),
    )
    return result, segments_of(record, session.clips), interrupted


def segments_of(record: Record, clips: list[Path]) -> dict[str, list[Segment]]:
    """What the last pass over each clip found, by the name of the file to write it to."""
    found: dict[str, list[Segment]] = {}
    folders: dict[str, str] = {}
    for clip in map(str, clips):  # clips of one name, from several folders or in several formats
        name = Path(clip).stem
        name = name if name not in folders.values() else Path(clip).name
        folders.setdefault(clip, name if name not in folders.values() else f"{name}-{len(folders) + 1}")
    for one in record.complete():
        prefix = f"{folders[one.clip.path]}/" if len(clips) > 1 else ""
        found |= {f"{prefix}{name}": o.segments for name, o in one.outcomes.items() if o.status == "ok"}
    return found


def score(session: Session, record: Record) -> tuple[list[MetricValue], str]:
    """Quality over the clips that have a truth (the mean of each figure), and why there is none otherwise."""
    settings = {task.analyzer: task.settings for task in session.plan.tasks()}
    meaningless = random_results(session.plan)
    named = Path(session.cfg.clip.truth) if session.cfg.clip.truth else None
    scored, reason = [], quality.NO_PASS
    for one in {p.clip.path: p for p in record.complete()}.values():
        truth, reason = quality.load_truth(
            Path(one.clip.path), named, one.clip.sha256, quality.keys_of_plugins()
        )
        if truth is not None:
            found = {name: o.segments for name, o in one.outcomes.items() if o.status == "ok"}
            scored.append(quality.score(found, settings, truth, "", one.clip.duration_s, meaningless))
    if not scored:
        return quality.score({}, settings, None, reason, 0.0), reason
    for same in zip(*scored, strict=True):
        values = [m.value for m in same if m.value is not None]
        if values:
            same[0].value, same[0].reason = sum(values) / len(values), ""
    return scored[0], ""


def random_results(plan: Plan) -> dict[str, str]:
    """Analyzer → why its results mean nothing: those of random weights, and those made from them."""
    reasons: dict[str, str] = {}
    for task in plan.tasks():
        of_random = [name for name in task.upstream if name in reasons]
        if task.random:
            reasons[task.analyzer] = "its weights are random"
        elif of_random:
            reasons[task.analyzer] = f"it reads {of_random[0]}, whose results mean nothing: random weights"
    return reasons


def exit_code(result: Result, gate: Any) -> Exit:
    """What the run exits with: 0 unless the gate is enforced."""
    if gate.mode != "enforce":
        return Exit.OK
    if result.verdict == "invalid":
        return Exit.NOTHING_VALID
    if result.verdict == "fail":
        return Exit.TARGET_MISSED
    return Exit.OK
