"""Every metric of a run as a whole, declared once: what it is, how it is computed, and how it is shown.

Reports, comparisons, targets and the gate are driven from these declarations; nothing else lists metrics by
name. A metric that cannot be computed says why. How right the analyzers were is in bench/quality.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from clipbench import plugins
from clipbench.bench.measuring import predicted, served
from clipbench.bench.measuring.analyzer_results import waits_for_all_frames
from clipbench.bench.measuring.bounds import Bound, lower_bound
from clipbench.bench.measuring.cleanup_metrics import first_offload, ready_again
from clipbench.bench.measuring.gpu_of_record import (
    energy_per_clip,
    gpu_memory_peak,
    gpu_memory_residue,
    gpu_utilization,
    sm_activity,
)
from clipbench.bench.measuring.record import Record
from clipbench.bench.planning.percentiles import CLAIMED
from clipbench.bench.runs.measurement import Failed, Measured, Measurement, NotMeasured, finite
from clipbench.bench.runs.results import MetricValue
from clipbench.executors.base import Span
from clipbench.executors.containing import described, is_the_users, traced

log = logging.getLogger(__name__)

NOTHING_WARM = NotMeasured("no repeat came after a first pass, which loads the models: scenario.warmup=1")
IN_FLIGHT = NotMeasured("several clips were under way at once: see throughput")
ARRIVING = NotMeasured("clips arrived one after another: see latency_p95 and goodput")


@dataclass(frozen=True)
class Metric(plugins.Part):
    """The declaration of a metric.

    `predicted` computes it in a simulated run, where that is not done from passes and spans as in any other.

    `analyzer` is the one that it is about, if it is about one. `main` is what a comparison is about: the
    first main metric that was measured, in the order of declaration. `speed` means that better is faster.
    `averaged` is a metric of which several runs have the mean, since a median would hide the one repeat in
    which an analyzer was lost; it is never faster or slower. `memory` decides between configurations that are
    otherwise alike. `tile` is the place among the figures that a report shows large; `heading` is that of a
    narrow column, where the value is written with `decimals`.
    """

    name: str
    unit: str
    better: Literal["lower", "higher"]
    meaning: str
    compute: Callable[[Record], Measurement]
    analyzer: str = ""
    main: bool = False
    speed: bool = False
    averaged: bool = False
    memory: bool = False
    tile: int | None = None
    heading: str = ""
    decimals: int = 2
    predicted: Callable[[Record], Measurement] | None = None

    def measure(self, record: Record) -> MetricValue:
        """This metric of `record`, as result.json has it; where computing it fails, that is the reason."""
        measured: Measurement
        try:
            compute = self.compute
            if self.predicted is not None and record.plan.pretended is not None:
                compute = self.predicted
            measured = finite(compute(record))
        except BaseException as error:  # a plugin's: no measurement may be lost with it
            if is_the_users(error):
                raise
            log.warning("%s could not be computed: %s", self.name, traced(error))
            measured = NotMeasured(f"computing it raised {described(error)}")
        return MetricValue.of(self.name, self.unit, self.better, measured)


def rtf_warm(record: Record) -> Measurement:
    if record.service is not None:
        return ARRIVING
    if record.in_flight > 1:
        return IN_FLIGHT
    samples = tuple(p.seconds / p.clip.duration_s for p in record.warm())
    if not samples:
        return NOTHING_WARM
    return Measured(median(samples), samples)


def rtf_cold(record: Record) -> Measurement:
    if not record.completed():
        return NotMeasured("no pass was completed")
    first = record.completed()[0]
    if first.resumed:
        return NotMeasured("the run went on with one that was ended: it did only what was left")
    value = (first.end_s - record.started_s) / first.clip.duration_s
    return Measured(value, (value,))


def throughput(record: Record) -> Measurement:
    if record.service is not None:
        return ARRIVING
    if record.in_flight == 1:
        return NotMeasured("one clip at a time: use scenario=offline")
    if record.warm() != record.measured() or not record.warm():
        return NOTHING_WARM
    queue = record.warm()
    seconds = max(p.end_s for p in queue) - min(p.start_s for p in queue)
    return Measured(sum(p.clip.duration_s for p in queue) / seconds)


def success_rate(record: Record) -> Measurement:
    samples = tuple(
        100 * sum(record.succeeded(p, o) for o in p.outcomes.values()) / len(p.outcomes)
        for p in record.measured()
    )
    if not samples:
        return NotMeasured("no repeat was run")
    return Measured(sum(samples) / len(samples), samples)


def efficiency(record: Record) -> Measurement:
    if record.service is not None:
        return ARRIVING
    if record.in_flight > 1:
        return IN_FLIGHT
    warm = {id(one) for one in record.warm()}
    if not warm:
        return NOTHING_WARM
    work = work_by_pass(record)
    numbers = [number for number, one in enumerate(record.passes) if id(one) in warm]
    samples = tuple(bound_of(record, work[number]).efficiency for number in numbers)
    return Measured(median(samples), samples)


def work_by_pass(record: Record) -> dict[int, list[Span]]:
    """Number of a pass → its decoding and its analyses."""
    found: dict[int, list[Span]] = defaultdict(list)
    for span in record.spans:
        if span.phase in ("analyze", "decode"):
            found[span.clip].append(span)
    return found


def bound_of(record: Record, spans: Sequence[Span]) -> Bound:
    """The lower bound of the work of one pass on the workers and cores that there were."""
    tasks = record.plan.tasks()
    upstream = {t.analyzer: (*t.upstream, *t.after) for t in tasks}
    frames = {t.analyzer for t in tasks if waits_for_all_frames(t)}
    return lower_bound(spans, upstream, record.plan.workers, frames)


def rss_peak(record: Record) -> Measurement:
    if isinstance(record.telemetry, NotMeasured):
        return record.telemetry
    if not record.telemetry.rss_bytes:
        return NotMeasured("the run was over before the first sample")
    return Measured(max(record.telemetry.rss_bytes) / 1e9)


def vlm_rate(record: Record) -> Measurement:
    outcome = record.last_outcomes().get("qwen2_vl_temporal")
    if outcome is None:
        return NotMeasured("qwen2_vl_temporal was not part of the run")
    task = next(t for t in record.plan.tasks() if t.analyzer == "qwen2_vl_temporal")
    if task.stand_in:
        return NotMeasured("qwen2_vl_temporal is a stand-in in this profile, not Qwen2-VL")
    if outcome.status != "ok":
        return Failed(f"qwen2_vl_temporal {outcome.status}: {outcome.reason}")
    return Measured(len(outcome.segments) / record.completed()[-1].clip.duration_s)


METRICS = (
    Metric(
        "rtf_warm", "", "lower", "seconds per clip second, models loaded (median)", rtf_warm,
        main=True, speed=True, tile=1, heading="RTF warm", decimals=3,
    ),
    Metric(
        "rtf_cold", "", "lower", "the same for the first pass, loading included", rtf_cold,
        speed=True, tile=3, heading="RTF cold",
    ),
    Metric(
        "throughput", "", "higher", "clip seconds finished per second, with a queue of clips", throughput,
        main=True, speed=True, tile=2, heading="throughput",
    ),
    *(
        Metric(
            f"latency_p{percent}", "s", "lower", f"from arrival to last outcome, for {percent} of 100 clips",
            served.latency(percent), main=percent == 95, speed=True, tile=8 if percent == 95 else None,
        )
        for percent in CLAIMED
    ),
    Metric(
        "goodput", "1/s", "higher", "clips finished within the limit on their latency, per second",
        served.goodput, speed=True, tile=9,
    ),
    Metric(
        "efficiency", "", "higher", "lower bound of the makespan / makespan (median)", efficiency,
        tile=5, heading="efficiency",
    ),
    Metric(
        "success_rate", "%", "higher", "share of the analyzers that did their part", success_rate,
        averaged=True, tile=6, heading="ok %", decimals=0,
    ),
    Metric(
        "rss_peak", "GB", "lower", "highest resident memory of all processes together", rss_peak,
        memory=True, tile=7, predicted=predicted.rss_peak,
    ),
    Metric(
        "ready_again_s", "s", "lower", "from after cleanup until the next clip could start", ready_again,
        speed=True, heading="ready again s", decimals=1,
    ),
    Metric(
        "first_offload_s", "s", "lower", "the first time that models are parked in pinned host memory",
        first_offload, heading="offload s", decimals=1, predicted=predicted.nothing,
    ),
    Metric(
        "gpu_utilization", "%", "higher", "time with a kernel running, in the analysis window",
        gpu_utilization, tile=4, heading="GPU %", decimals=0, predicted=predicted.gpu_utilization,
    ),
    Metric(
        "sm_activity", "%", "higher", "SMs with a warp resident, while analyzing", sm_activity,
        heading="SM %", decimals=0, predicted=predicted.nothing,
    ),
    Metric(
        "gpu_memory_peak", "GB", "lower", "highest GPU memory in use above that before the run",
        gpu_memory_peak, memory=True, heading="peak GB", decimals=1, predicted=predicted.gpu_memory_peak,
    ),
    Metric(
        "gpu_memory_residue", "GB", "lower", "GPU memory left in use after cleanup", gpu_memory_residue,
        heading="left GB", predicted=predicted.nothing,
    ),
    Metric(
        "energy_per_clip", "J", "lower", "energy that the GPUs used for one clip", energy_per_clip,
        heading="J/clip", decimals=0, predicted=predicted.nothing,
    ),
    Metric(
        "vlm_segments_per_second", "1/s", "higher", "descriptions by Qwen2-VL per clip second", vlm_rate,
        analyzer="qwen2_vl_temporal", predicted=predicted.nothing,
    ),
)  # fmt: skip


def discover() -> list[Metric]:
    """Every metric of a run as a whole: clipbench's own, then those of plugins.

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


def main_metrics() -> list[str]:
    """The names of the main metrics, the first choice first."""
    return [metric.name for metric in discover() if metric.main]


def memory_metrics() -> list[str]:
    """The names of the metrics of memory, that of a GPU first, since it is the scarcer one."""
    return sorted(
        (metric.name for metric in discover() if metric.memory), key=lambda n: not n.startswith("gpu")
    )


def is_averaged(name: str) -> bool:
    """Whether several runs have the mean of a metric, and not the median."""
    metric = find(name)
    return metric is not None and metric.averaged


def find(name: str) -> Metric | None:
    """The declaration of a metric; None for a quality figure, and for one of a plugin that is not here."""
    return next((metric for metric in discover() if metric.name == name), None)
