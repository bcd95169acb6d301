"""What was sampled while a run went on, as result.json has it: times in seconds from the start of the run."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from clipbench.bench.runs.measurement import NotMeasured


def since(origin_s: float, times_s: list[float]) -> list[float]:
    """Times counted from `origin_s`, to the millisecond."""
    return [round(t - origin_s, 3) for t in times_s]


@dataclass
class ProcessSeries:
    """One process; its values are those of the samples from number `first` on, None where it was not found.

    `cpu_percent` is of one core, since the sample before.
    """

    name: str
    first: int
    cpu_percent: list[float | None]
    rss_bytes: list[int | None]


@dataclass
class ProcessMemory:
    """The memory of one process at a mark; None where it could not be read."""

    name: str
    rss_bytes: int
    pss_bytes: int | None = None


@dataclass
class Mark:
    """The memory of each process, by its id, at one moment of the run."""

    time_s: float
    processes: dict[str, ProcessMemory] = field(default_factory=dict)


@dataclass
class GpuSeries:
    """The samples of one figure (gpu_sampler.FIGURES) of one GPU: mostly numbers, or None."""

    times_s: list[float]
    values: list[Any]


@dataclass(kw_only=True)
class GpuTelemetry:
    """One GPU: `index` is NVML's number, `ordinal` CUDA's. A figure without a series has its reason."""

    index: int
    ordinal: int | None = None
    name: str | None = None
    uuid: str | None = None
    memory_total_bytes: int | None = None
    compute_capability: str | None = None
    mig: bool | None = None
    figures: dict[str, GpuSeries] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)

    def since(self, origin_s: float) -> GpuTelemetry:
        """The same with every time counted from `origin_s`."""
        figures = {
            name: GpuSeries(since(origin_s, one.times_s), one.values) for name, one in self.figures.items()
        }
        return dataclasses.replace(self, figures=figures)


@dataclass(kw_only=True)
class GpusTelemetry:
    """All GPUs that the run could see."""

    devices: list[GpuTelemetry]
    driver: str | None = None
    mps: bool | None = None
    warnings: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class SamplerCost:
    """What sampling took: percent of one core, and seconds of CPU for its start and for NVML."""

    interval_s: float
    cpu_percent: float
    start_cpu_s: float | None = None
    gpu_cpu_s: float | None = None


@dataclass(kw_only=True)
class Telemetry:
    """Series over the whole run, a value for each of `times_s`.

    `cpu_percent` (of one core, since the sample before) and `rss_bytes` are sums over the processes: a page
    that they share counts once for each. In `pss_bytes` it counts once in all; it is None where it was not
    read. `processes` are by process id, `marks` by the name of the moment. In the result of a long run, each
    value stands for up to `samples_together` neighbouring samples.
    """

    times_s: list[float]
    cpu_percent: list[float]
    rss_bytes: list[int]
    pss_bytes: list[int | None] = field(default_factory=list)
    processes: dict[str, ProcessSeries] = field(default_factory=dict)
    marks: dict[str, Mark] = field(default_factory=dict)
    gpu: GpusTelemetry | NotMeasured = field(default_factory=NotMeasured)
    sampler: SamplerCost | None = field(default=None, metadata={"optional": True})
    samples_together: int = 1

    def since(self, origin_s: float) -> Telemetry:
        """The same with every time counted from `origin_s`, to the millisecond."""
        gpu = self.gpu
        if isinstance(gpu, GpusTelemetry):
            gpu = dataclasses.replace(gpu, devices=[device.since(origin_s) for device in gpu.devices])
        marks = {
            name: Mark(round(one.time_s - origin_s, 3), one.processes) for name, one in self.marks.items()
        }
        return dataclasses.replace(self, times_s=since(origin_s, self.times_s), marks=marks, gpu=gpu)

    def gpus(self) -> list[GpuTelemetry]:
        """The GPUs that were sampled; none where they were not."""
        return self.gpu.devices if isinstance(self.gpu, GpusTelemetry) else []
