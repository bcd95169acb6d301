"""The metrics of what comes after the last clip: cleaning up, and being ready again."""

from __future__ import annotations

from clipbench.bench.measuring.gpu_of_record import NO_CLEANUP
from clipbench.bench.measuring.record import Record
from clipbench.bench.runs.measurement import Measured, Measurement, NotMeasured

NOT_WOKEN = NotMeasured(
    "workers were not woken after the cleanup: scenario.wake=true, or a limit on it, does that"
)
ON_NO_GPU = NotMeasured("no worker of this run was on a GPU, and there is nothing to park")
NOT_PARKED = NotMeasured("models were not parked in host memory: executor.cleanup=offload does that")


def ready_again(record: Record) -> Measurement:
    """Seconds from after the cleanup until the next clip could start."""
    if record.cleanup is None:
        return NO_CLEANUP
    if record.cleanup.ready_again_s is None:
        return NOT_WOKEN
    return Measured(record.cleanup.ready_again_s)


def first_offload(record: Record) -> Measurement:
    """Seconds that the first offload takes: later ones find the host memory pinned and filled."""
    if not record.gpus():
        return ON_NO_GPU
    if record.cleanup is None:
        return NO_CLEANUP
    if record.cleanup.mode != "offload" or record.cleanup.took_s is None:
        return NOT_PARKED
    return Measured(record.cleanup.took_s)
