"""Every metric, declared once: name, unit, better direction, meaning, and how it is computed.

The report, the targets and the gate are driven from this list. A metric that cannot be computed says why.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import Literal

from clipbench import plugins
from clipbench.bench.clips.clip_info import ClipInfo
from clipbench.bench.measuring import gpu_metrics
from clipbench.bench.measuring.bounds import Bound, lower_bound
from clipbench.bench.runs.results import Cleanup, MetricValue
from clipbench.bench.runs.telemetry import NotMeasured, Telemetry
from clipbench.executors.base import Outcome, Plan, Span
from clipbench.plugins import Part


@dataclass
class Pass:
    """One time through a clip, from submitting it (decoding included) to the last outcome."""

    warmup: bool
    start_s: float
    end_s: float = 0.0
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    clip: ClipInfo | None = None


@dataclass
class Record:
    """What a run measured, before any number is derived from it; times on the clock of `executors.base.now`.

    `workers` are their processes, `cleanup` what runner.Run saw after it.
    """

    plan: Plan
    passes: list[Pass]
    spans: list[Span]
    telemetry: Telemetry | NotMeasured
    started_s: float
    workers: dict[str, int] = field(default_factory=dict)
    cleanup: Cleanup | None = None
    in_flight: int = 1

    def complete(self) -> list[Pass]:
        """The passes that came to their end."""
        return [p for p in self.passes if p.end_s]

    def measured(self) -> list[Pass]:
        """The passes that count: complete, and no warm-up."""
        return [p for p in self.complete() if not p.warmup]

    def warm(self) -> list[Pass]:
        """The passes that count and did not have to load the models: the first one does."""
        return [p for p in self.measured() if p is not self.passes[0]]

    def ended_s(self) -> float:
        """When the last complete pass was over."""
        return max((p.end_s for p in self.complete()), default=self.started_s)

    def last(self) -> dict[str, Outcome]:
        """The outcomes of the last complete pass."""
        return self.complete()[-1].outcomes if self.complete() else {}


NOTHING_WARM = "no repeat came after a first pass, which loads the models: scenario.warmup=1"


@dataclass(frozen=True)
class Measured:
    """What a metric computes to: samples and their summary, or the reason why there is none."""

    value: float | None = None
    samples: tuple[float, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class Metric(Part):
    """A declaration; `compute` never raises. `analyzer` is the one that it is about, if it is about one."""

    name: str
    unit: str
    better: Literal["lower", "higher"]
    meaning: str
    compute: Callable[[Record], Measured]
    analyzer: str = ""

    def measure(self, record: Record) -> MetricValue:
        """This metric of `record`, as result.json has it."""
        m = self.compute(record)
        return MetricValue(self.name, m.value, self.unit, self.better, list(m.samples), m.reason)


def rtf_warm(record: Record) -> Measured:
    if record.in_flight > 1:
        return Measured(reason="several clips were under way at once: see throughput")
    samples = tuple((p.end_s - p.start_s) / p.clip.duration_s for p in record.warm())
    if not samples:
        return Measured(reason=NOTHING_WARM)
    return Measured(median(samples), samples)


def rtf_cold(record: Record) -> Measured:
    if not record.complete():
        return Measured(reason="no pass was completed")
    first = record.complete()[0]
    value = (first.end_s - record.started_s) / first.clip.duration_s
    return Measured(value, (value,))


def throughput(record: Record) -> Measured:
    if record.in_flight == 1:
        return Measured(reason="one clip at a time: use scenario=offline")
    if record.warm() != record.measured() or not record.warm():
        return Measured(reason=NOTHING_WARM)
    queue = record.warm()
    seconds = max(p.end_s for p in queue) - min(p.start_s for p in queue)
    return Measured(sum(p.clip.duration_s for p in queue) / seconds)


def success_rate(record: Record) -> Measured:
    samples = tuple(
        100 * sum(o.status == "ok" for o in p.outcomes.values()) / len(p.outcomes) for p in record.measured()
    )
    if not samples:
        return Measured(reason="no repeat was run")
    return Measured(sum(samples) / len(samples), samples)


def efficiency(record: Record) -> Measured:
    bounds = [bound_of(record, number) for number, p in enumerate(record.passes) if p in record.warm()]
    if record.in_flight > 1:
        return Measured(reason="several clips were under way at once: see throughput")
    if not bounds:
        return Measured(reason=NOTHING_WARM)
    samples = tuple(bound.efficiency for bound in bounds)
    return Measured(median(samples), samples)


def bound_of(record: Record, number: int) -> Bound:
    """The lower bound of one pass on the workers and cores that there were."""
    spans = [s for s in record.spans if s.clip == number and s.phase in ("analyze", "decode")]
    tasks = record.plan.tasks()
    upstream = {t.analyzer: (*t.upstream, *t.after) for t in tasks}
    frames = {t.analyzer for t in tasks if t.frames}
    return lower_bound(spans, upstream, record.plan.workers, frames)


def rss_peak(record: Record) -> Measured:
    if isinstance(record.telemetry, NotMeasured):
        return Measured(reason=record.telemetry.reason)
    if not record.telemetry.rss_bytes:
        return Measured(reason="the run was over before the first sample")
    return Measured(max(record.telemetry.rss_bytes) / 1e9)


def ready_again(record: Record) -> Measured:
    if not record.cleanup:
        return Measured(reason="the run ended before cleanup")
    return Measured(record.cleanup.ready_again_s)


def on_gpu(compute: Callable[[Record, list, set[int]], gpu_metrics.Figure]) -> Callable[[Record], Measured]:
    """A metric of the GPUs that the plan's groups are on; given the record, its windows and those GPUs."""

    def measure(record: Record) -> Measured:
        used = {int(g.device.removeprefix("gpu:")) for g in record.plan.layout if g.device != "cpu"}
        if not used:
            return Measured(reason="no worker of this run was on a GPU")
        if isinstance(record.telemetry, NotMeasured):
            return Measured(reason=record.telemetry.reason)
        windows = gpu_metrics.analysis_windows(
            record.spans, [(p.start_s, p.end_s) for p in record.measured()]
        )
        figure = compute(record, windows, used)
        return Measured(figure.value, tuple(figure.samples), figure.reason)

    return measure


def gpu_memory_residue(record: Record, _: list, used: set[int]) -> gpu_metrics.Figure:
    if not record.cleanup:
        return gpu_metrics.Figure(None, "the run ended before cleanup")
    seen = record.cleanup.cleaned_s, record.cleanup.observed_until_s
    return gpu_metrics.gpu_memory_residue(record.telemetry, record.started_s, *seen, used)


gpu_utilization = on_gpu(lambda r, windows, used: gpu_metrics.gpu_utilization(r.telemetry, windows, used))
sm_activity = on_gpu(lambda r, windows, used: gpu_metrics.sm_activity(r.telemetry, windows, used))
gpu_peak = on_gpu(lambda r, _, used: gpu_metrics.gpu_memory_peak(r.telemetry, r.started_s, r.ended_s(), used))
gpu_residue = on_gpu(gpu_memory_residue)


def energy_per_clip(record: Record, _: list, used: set[int]) -> gpu_metrics.Figure:
    passes = [(p.start_s, p.end_s) for p in record.measured()]
    return gpu_metrics.energy_per_clip(record.telemetry, passes, len(passes), used)


gpu_energy = on_gpu(energy_per_clip)


def vlm_rate(record: Record) -> Measured:
    outcome = record.last().get("qwen2_vl_temporal")
    if outcome is None:
        return Measured(reason="qwen2_vl_temporal was not part of the run")
    task = next(t for t in record.plan.tasks() if t.analyzer == "qwen2_vl_temporal")
    if task.stand_in:
        return Measured(reason="qwen2_vl_temporal is a stand-in in this profile, not Qwen2-VL")
    if outcome.status != "ok":
        return Measured(reason=f"qwen2_vl_temporal {outcome.status}: {outcome.reason}")
    return Measured(len(outcome.segments) / record.complete()[-1].clip.duration_s)


METRICS = (
    Metric("rtf_warm", "", "lower", "seconds per clip second, models loaded (median)", rtf_warm),
    Metric("rtf_cold", "", "lower", "the same for the first pass, loading included", rtf_cold),
    Metric("throughput", "", "higher", "clip seconds finished per second, with a queue of clips", throughput),
    Metric("efficiency", "", "higher", "lower bound of the makespan / makespan (median)", efficiency),
    Metric("success_rate", "%", "higher", "share of the analyzers that ended ok", success_rate),
    Metric("rss_peak", "GB", "lower", "highest sampled resident memory of all processes", rss_peak),
    Metric("ready_again_s", "s", "lower", "from after cleanup until the next clip could start", ready_again),
    Metric(
        "gpu_utilization",
        "%",
        "higher",
        "time with a kernel running, in the analysis window",
        gpu_utilization,
    ),
    Metric("sm_activity", "%", "higher", "SMs with a warp resident, while analyzing", sm_activity),
    Metric("gpu_memory_peak", "GB", "lower", "highest GPU memory in use above that before the run", gpu_peak),
    Metric("gpu_memory_residue", "GB", "lower", "GPU memory left in use after cleanup", gpu_residue),
    Metric("energy_per_clip", "J", "lower", "energy that the GPUs used for one clip", gpu_energy),
    Metric(
        "vlm_segments_per_second",
        "1/s",
        "higher",
        "descriptions by Qwen2-VL per clip second",
        vlm_rate,
        analyzer="qwen2_vl_temporal",
    ),
)


def discover() -> list[Metric]:
    """Every metric: clipbench's own, then those that plugins declare.

    Raises PluginError if a plugin's metric has the name of another one.
    """
    found = {metric.name: metric for metric in METRICS}
    for module in plugins.modules():
        for metric in plugins.instances(Metric, [module]):
            if found.setdefault(metric.name, metric) is not metric:
                file = plugins.file_of(module)
                raise plugins.PluginError(
                    f"{file}: there is another metric called {metric.name}; rename yours"
                )
    return list(found.values())
