"""How busy the workers of a run were, from its spans; of a simulated run, cores and GPUs too."""

from __future__ import annotations

from clipbench.bench.measuring.record import Record
from clipbench.bench.runs.utilization import Utilization, Window, covered_s, union


def of_run(record: Record) -> Utilization | None:
    """The shares of the measured time in which each worker analyzed; None where nothing was measured."""
    windows = measured_windows(record)
    seconds = sum(end - start for start, end in windows)
    if not seconds:
        return None
    analyses: dict[str, list[Window]] = {worker.name: [] for worker in record.plan.layout}
    for span in record.spans:
        if span.phase == "analyze":
            analyses.setdefault(span.worker, []).append((span.start_s, span.end_s))
    found = Utilization(
        workers={worker: covered_s(own, windows) / seconds for worker, own in analyses.items()}
    )
    if record.plan.pretended is not None:
        machine = record.plan.pretended.machine
        found.cores = record.cores_s / seconds / machine.cores
        found.gpus = {
            str(gpu.index): covered_s(record.gpu_times.get(gpu.index, []), windows) / seconds
            for gpu in machine.gpus
        }
    return found


def measured_windows(record: Record) -> list[Window]:
    """The measured passes; of clips in a queue, from the first one's arrival to the last outcome."""
    passes = record.measured()
    if passes and (record.in_flight > 1 or record.service is not None):
        return [(min(one.arrived_s for one in passes), max(one.end_s for one in passes))]
    return union((one.start_s, one.end_s) for one in passes)
