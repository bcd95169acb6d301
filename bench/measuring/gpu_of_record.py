"""The metrics of the GPUs that a run used, from its record."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from clipbench.bench.measuring import gpu_metrics
from clipbench.bench.measuring.gpu_metrics import Window
from clipbench.bench.measuring.record import Record
from clipbench.bench.runs.measurement import Measurement, NotMeasured

NO_CLEANUP = NotMeasured("the run ended before cleanup")


def on_gpu(
    compute: Callable[[Record, Sequence[Window], set[int]], Measurement],
) -> Callable[[Record], Measurement]:
    """A metric of the GPUs that workers were on; computed from the record, its analysis windows and those."""

    def measure(record: Record) -> Measurement:
        if not (used := record.gpus()):
            return NotMeasured("no worker of this run was on a GPU")
        passes = [(p.start_s, p.end_s) for p in record.measured()]
        return compute(record, gpu_metrics.analysis_windows(record.spans, passes), used)

    return measure


@on_gpu
def gpu_utilization(record: Record, windows: Sequence[Window], used: set[int]) -> Measurement:
    return gpu_metrics.gpu_utilization(record.telemetry, windows, used)


@on_gpu
def sm_activity(record: Record, windows: Sequence[Window], used: set[int]) -> Measurement:
    return gpu_metrics.sm_activity(record.telemetry, windows, used)


@on_gpu
def gpu_memory_peak(record: Record, _: Sequence[Window], used: set[int]) -> Measurement:
    return gpu_metrics.gpu_memory_peak(record.telemetry, record.started_s, record.ended_s(), used)


@on_gpu
def gpu_memory_residue(record: Record, _: Sequence[Window], used: set[int]) -> Measurement:
    if record.cleanup is None:
        return NO_CLEANUP
    observed = record.cleanup.cleaned_s, record.cleanup.observed_until_s
    return gpu_metrics.gpu_memory_residue(record.telemetry, record.started_s, *observed, used)


@on_gpu
def energy_per_clip(record: Record, _: Sequence[Window], used: set[int]) -> Measurement:
    passes = [(p.start_s, p.end_s) for p in record.measured()]
    return gpu_metrics.energy_per_clip(record.telemetry, passes, len(passes), used)
