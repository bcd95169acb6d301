"""Every metric, declared once: name, unit, better direction, meaning, and how it is computed.

The report, the targets and the gate are driven from this list. A metric that cannot be computed says why.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Literal

import analyzers
from bench.media import ClipInfo
from bench.results import MetricValue
from executors.base import Outcome, Plan, Span


@dataclass
class Pass:
    """One time through the clip, from submitting it (decoding included) to the last outcome."""

    warmup: bool
    start_s: float
    end_s: float = 0.0
    outcomes: dict[str, Outcome] = field(default_factory=dict)


@dataclass
class Record:
    """What a run measured, before any number is derived from it; times on the clock of executors.base."""

    plan: Plan
    clip: ClipInfo
    passes: list[Pass]
    spans: list[Span]
    telemetry: dict[str, Any]
    started_s: float

    def measured(self) -> list[Pass]:
        """The passes that count."""
        return [p for p in self.passes if not p.warmup]

    def last(self) -> dict[str, Outcome]:
        """The outcomes of the last pass."""
        return self.passes[-1].outcomes


@dataclass(frozen=True)
class Measured:
    """What a metric computes to: samples and their summary, or the reason why there is none."""

    value: float | None = None
    samples: tuple[float, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class Metric:
    """A declaration; `compute` never raises."""

    name: str
    unit: str
    better: Literal["lower", "higher"]
    meaning: str
    compute: Callable[[Record], Measured]

    def measure(self, record: Record) -> MetricValue:
        """This metric of `record`, as result.json has it."""
        m = self.compute(record)
        return MetricValue(self.name, m.value, self.unit, self.better, list(m.samples), m.reason)


def rtf_warm(record: Record) -> Measured:
    samples = tuple((p.end_s - p.start_s) / record.clip.duration_s for p in record.measured())
    if not samples:
        return Measured(reason="no repeat was run")
    return Measured(median(samples), samples)


def rtf_cold(record: Record) -> Measured:
    value = (record.passes[0].end_s - record.started_s) / record.clip.duration_s
    return Measured(value, (value,))


def success_rate(record: Record) -> Measured:
    samples = tuple(
        100 * sum(o.status == "ok" for o in p.outcomes.values()) / len(p.outcomes) for p in record.measured()
    )
    if not samples:
        return Measured(reason="no repeat was run")
    return Measured(sum(samples) / len(samples), samples)


def rss_peak(record: Record) -> Measured:
    if reason := record.telemetry.get("reason"):
        return Measured(reason=reason)
    if not record.telemetry["rss_bytes"]:
        return Measured(reason="the run was over before the first sample")
    return Measured(max(record.telemetry["rss_bytes"]) / 1e9)


def on_gpu(record: Record) -> Measured:
    return Measured(reason="no worker of this run was on a GPU")


def vlm_segments_per_second(record: Record) -> Measured:
    outcome = record.last().get("qwen2_vl_temporal")
    if outcome is None:
        return Measured(reason="qwen2_vl_temporal was not part of the run")
    if analyzers.discover()["qwen2_vl_temporal"].stand_in:
        return Measured(reason="qwen2_vl_temporal is a stand-in in this profile, not Qwen2-VL")
    if outcome.status != "ok":
        return Measured(reason=f"qwen2_vl_temporal {outcome.status}: {outcome.reason}")
    return Measured(len(outcome.segments) / record.clip.duration_s)


METRICS = (
    Metric(
        "rtf_warm", "", "lower", "seconds per clip second, models loaded (median of the repeats)", rtf_warm
    ),
    Metric("rtf_cold", "", "lower", "the same for the first pass, loading included", rtf_cold),
    Metric(
        "success_rate", "%", "higher", "share of the analyzers that ended ok, over the repeats", success_rate
    ),
    Metric(
        "rss_peak", "GB", "lower", "highest sampled resident memory of all processes of the run", rss_peak
    ),
    Metric("gpu_utilization", "%", "higher", "time with a kernel running, in the analysis window", on_gpu),
    Metric("gpu_memory_peak", "GB", "lower", "highest GPU memory in use above that before the run", on_gpu),
    Metric("gpu_memory_residue", "GB", "lower", "GPU memory left in use after cleanup", on_gpu),
    Metric(
        "vlm_segments_per_second",
        "1/s",
        "higher",
        "descriptions by Qwen2-VL per clip second",
        vlm_segments_per_second,
    ),
)
