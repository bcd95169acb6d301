"""The result of a run: the shape of result.json as dataclasses, whose fields are its keys.

A field with a default may be missing in the results of earlier versions; None then means unknown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from clipbench.bench.runs import baseline_outcome
from clipbench.bench.runs.foretold import RunPrediction
from clipbench.bench.runs.measurement import Failed, Measurement, NotMeasured
from clipbench.bench.runs.serving import LEFT_OUT, ScenarioSummary, Served
from clipbench.bench.runs.simulation import Simulation
from clipbench.bench.runs.telemetry import Telemetry
from clipbench.bench.runs.utilization import Utilization
from clipbench.executors.base import Span
from clipbench.executors.faults import Fault

SCHEMA = 1

Better = Literal["lower", "higher"]
Verdict = Literal["pass", "incomplete", "fail", "invalid"]


@dataclass
class MetricValue:
    """A measured number, or None with the reason why there is none. `samples` are raw, one per repeat.

    `failed` says that there is none because what was to be measured failed: a target on it is missed.
    """

    name: str
    value: float | None
    unit: str
    better: Better
    samples: list[float] = field(default_factory=list)
    reason: str = ""
    failed: bool = False

    @classmethod
    def of(cls, name: str, unit: str, better: Better, measured: Measurement) -> MetricValue:
        """The metric `name` with what was measured, or with the reason why nothing was."""
        if isinstance(measured, NotMeasured):
            return cls(name, None, unit, better, [], measured.reason, isinstance(measured, Failed))
        return cls(name, measured.value, unit, better, list(measured.samples))


def quality_of(metric: str) -> str | None:
    """The analyzer that a quality figure is about; None for a metric of the run as a whole."""
    return metric.split(".")[1] if metric.startswith("quality.") else None


@dataclass
class TargetResult:
    """A limit and how the run stands to it. `limit` is a number, or [low, high] for `between`."""

    metric: str
    op: str
    limit: float | list[float]
    observed: float | None
    unit: str
    status: Literal["pass", "fail", "not_measured"]
    reason: str = ""


@dataclass
class AnalyzerResult:
    """One analyzer over all measured passes; `analyze_s` has one value per pass, in seconds.

    `waits_for` are the analyzers that its end comes after, `whole_frames` says whether it also waits for all
    frames of the clip: with the spans, that is what the lower bound on a pass's time is made from.
    `segments` is how many were found in the last pass; None with a reason where nothing was looked for.
    """

    status: str
    model: list[str]
    weights: dict[str, str]
    stand_in: str | None
    group: str
    worker: str
    device: str
    load_s: float | None
    analyze_s: list[float]
    segments: int | None
    headline: str
    quality: dict[str, float | None] = field(default_factory=dict)
    reason: str = ""
    error: str = ""
    retried: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    waits_for: list[str] = field(default_factory=list)
    whole_frames: bool = False


@dataclass
class GroupSummary:
    """One group of the grouping, as it was placed: `device` and `cpus` are those of its first worker.

    With more `replicas` than one, `devices` has the device of each of its workers. `threads` are those that
    it asks for, None where it leaves them to the executor; `need` what it needs of the cores, None for 1.
    """

    name: str
    device: str
    cpus: list[int]
    analyzers: list[str]
    replicas: int = 1
    devices: list[str] = field(default_factory=list)
    threads: int | None = field(default=None, metadata={"optional": True})
    need: float | None = field(default=None, metadata={"optional": True})


@dataclass
class ClipSummary:
    """One clip, with width and height as shown. Of one that was never opened only the path is known."""

    path: str
    sha256: str | None = None
    duration_s: float | None = None
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    has_audio: bool | None = None
    frames: int | None = None
    tracks: str = ""
    remarks: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class LostClip:
    """A clip of a queue that could not be read, and what is wrong with it; the others were measured."""

    path: str
    reason: str


@dataclass
class PassSummary:
    """One time through a clip, in seconds from the start of the run; `clip` is the clip's path.

    `failed` has the analyzers that did not do their part, and what became of them: a status, or "silent" for
    one that ended ok and found nothing where the truth has something. `arrived_s` is when the clip arrived,
    with scenario=server.
    """

    warmup: bool
    start_s: float
    end_s: float
    clip: str = ""
    failed: dict[str, str] = field(default_factory=dict)
    arrived_s: float | None = field(default=None, metadata=LEFT_OUT)


@dataclass(kw_only=True)
class Cleanup:
    """What the workers were left as, by `executor.cleanup`, and how long until they were ready again.

    `cleaned_s` is when the cleanup was over, after `took_s` seconds (None: by an earlier version), and
    `observed_until_s` when the workers were woken; `ready_again_s` is None where they were not.
    """

    mode: str
    workers: dict[str, str]
    cleaned_s: float
    observed_until_s: float
    ready_again_s: float | None
    took_s: float | None = field(default=None, metadata={"optional": True})


@dataclass(frozen=True, kw_only=True)
class HeldBack:
    """What held a whole run back; None for what the system does not tell.

    `suspended_s` is how long the machine was asleep meanwhile, which no other time includes;
    `throttled_cores` how many cores' work a limit of the container kept from running, as a mean over time;
    `too_hot` how often a core was slowed down because of its heat.
    """

    suspended_s: float | None = None
    throttled_cores: float | None = None
    too_hot: int | None = None


@dataclass(kw_only=True)
class RunSummary:
    """What was run, when and how. `settings` are those of each analyzer, `pids` the processes of the workers.

    `stages` says whether the groups waited for each other. `executor_settings` are those that bear on what
    was measured, beside `threads` and `workers`.

    `plugins` are the files of the user's own parts, with the beginning of their SHA-256.

    `other_cores` is how many cores other work kept busy meanwhile, `held_back` what else slowed the run down.
    `profiles` are files in the run's folder.

    `utilization` is how busy workers were in the measured passes. `simulated` is None for a run that was
    measured; else every figure of the run is a prediction.
    """

    id: str
    started_at: str
    interrupted: bool = False
    other_cores: float | None = None
    other_cores_reason: str = ""
    held_back: HeldBack = HeldBack()
    command: str
    plugins: dict[str, str] = field(default_factory=dict)
    grouping: str
    stages: bool | None = None
    executor: str
    executor_settings: dict[str, Any] | None = None
    threads: int
    workers: int
    groups: list[GroupSummary] = field(default_factory=list)
    pids: dict[str, int] = field(default_factory=dict)
    models: str
    scenario: ScenarioSummary
    faults: list[Fault] = field(default_factory=list)
    profile: str | None = None
    seed: int | None = None
    settings: dict[str, dict[str, Any]] | None = None
    clip: ClipSummary
    clips: list[ClipSummary] = field(default_factory=list)
    cleanup: Cleanup | NotMeasured = field(default_factory=NotMeasured)
    passes: list[PassSummary] = field(default_factory=list)
    profiles: dict[str, list[str]] = field(default_factory=dict)
    utilization: Utilization | None = field(default=None, metadata={"optional": True})
    simulated: Simulation | None = field(default=None, metadata={"optional": True})
    baseline: baseline_outcome.Saved | baseline_outcome.Compared | None = field(
        default=None, metadata={"optional": True}
    )

    def cores_withheld(self) -> float | None:
        """The cores that others used, or that a limit kept from the run; None where that is not known."""
        if self.other_cores is None:
            return None
        return self.other_cores + (self.held_back.throttled_cores or 0.0)


@dataclass(kw_only=True)
class GpuSummary:
    """One NVIDIA GPU of the machine."""

    name: str
    memory_gb: float
    uuid: str | None = None
    driver: str | None = None
    #: Its instances, where it is in MIG mode.
    instances: list[GpuSummary] | None = field(default=None, metadata=LEFT_OUT)


@dataclass(kw_only=True)
class Environment:
    """The machine, its software and the state of the code."""

    machine: str
    cpu: str | None = None
    cores: int | None = None
    cores_allowed: int
    memory_gb: float | None = None
    gpus: list[GpuSummary] | NotMeasured = field(default_factory=NotMeasured)
    os: str | None = None
    python: str | None = None
    packages: dict[str, str | None] = field(default_factory=dict)
    clipbench: str | None = None  # its version
    git_commit: str | None = None
    git_dirty: bool | None = None

    def gpu_list(self) -> list[GpuSummary]:
        """The GPUs; none where they could not be seen."""
        return self.gpus if isinstance(self.gpus, list) else []


@dataclass
class Result:
    """Everything that a run leaves. Times of spans are in seconds from the start of the run."""

    run: RunSummary
    environment: Environment
    metrics: list[MetricValue]
    targets: list[TargetResult]
    verdict: Verdict
    verdict_reason: str
    analyzers: dict[str, AnalyzerResult]
    spans: list[Span]
    telemetry: Telemetry | NotMeasured
    warnings: list[str] = field(default_factory=list)
    lost_clips: list[LostClip] = field(default_factory=list)
    served: Served | None = field(default=None, metadata=LEFT_OUT)
    prediction: RunPrediction | None = field(default=None, metadata=LEFT_OUT)
    schema: int = SCHEMA

    def metric(self, name: str) -> MetricValue:
        """The metric called `name`; KeyError where the run has none of that name."""
        for metric in self.metrics:
            if metric.name == name:
                return metric
        raise KeyError(name)
