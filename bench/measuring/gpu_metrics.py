"""Numbers of a run from its GPU telemetry: pure functions of the sampled series and of windows of time.

`telemetry` has its times on the clock of the windows given.
`used` are the devices that the run's workers were on, as NVML and a plan count them; None means all that the
run could see.
Every metric is a Measurement, and none raises.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import pairwise
from typing import Any

from clipbench.bench.runs.measurement import Measured, Measurement, NotMeasured
from clipbench.bench.runs.telemetry import GpuSeries, GpuTelemetry, Telemetry
from clipbench.executors.base import Span

#: Start and end in seconds.
Window = tuple[float, float]
#: A driver's sample of utilisation covers at most this: NVML says 1/6 to 1 s, and readings may be late.
LONGEST_SAMPLE_S = 2.0
#: Less of a window than this covered by samples is no measurement of the window.
COVERAGE = 0.8


def analysis_windows(spans: Iterable[Span], passes: Iterable[Window]) -> list[Window]:
    """For each pass (start, end) the time from its first analyze start to its last analyze end.

    A pass in which nothing was analyzed has none; windows that overlap (several clips in flight) are one.
    """
    analyzed = [s for s in spans if s.phase == "analyze"]
    windows: list[Window] = []
    for start, end in passes:
        within = [s for s in analyzed if start <= s.start_s and s.end_s <= end]
        if within:
            windows.append((min(s.start_s for s in within), max(s.end_s for s in within)))
    return merged(windows)


def merged(windows: Iterable[Window]) -> list[Window]:
    """The same time in windows that do not overlap, in order."""
    apart: list[Window] = []
    for start, end in sorted(windows):
        if apart and start < apart[-1][1]:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
        else:
            apart.append((start, end))
    return apart


def gpu_utilization(
    telemetry: Telemetry | NotMeasured, windows: Sequence[Window], used: Collection[int] | None = None
) -> Measurement:
    """Percent of the windows with at least one kernel running, as NVML has it; mean over the devices.

    From the samples that the driver buffers; where a device has none, from its readings of the moment.
    """

    def of(device: GpuTelemetry, window: Window) -> tuple[float | None, float]:
        buffered = mean_since(device, "utilization_percent", window, LONGEST_SAMPLE_S)
        if buffered[1] >= COVERAGE:
            return buffered
        moments = mean_since(device, "utilization_rate_percent", window, LONGEST_SAMPLE_S)
        return moments if moments[1] > buffered[1] else buffered

    return over_windows(telemetry, windows, used, of, ("utilization_percent", "utilization_rate_percent"))


def sm_activity(
    telemetry: Telemetry | NotMeasured, windows: Sequence[Window], used: Collection[int] | None = None
) -> Measurement:
    """Percent of SMs with a warp resident (GPM), averaged over the windows and the devices."""
    return activity(telemetry, "sm_activity_percent", windows, used)


def activity(
    telemetry: Telemetry | NotMeasured,
    figure: str,
    windows: Sequence[Window],
    used: Collection[int] | None = None,
) -> Measurement:
    """Any figure of GPM (clipbench.bench.probes.gpm.METRICS), averaged over the windows and the devices."""
    return over_windows(
        telemetry, windows, used, lambda device, window: mean_since(device, figure, window), (figure,)
    )


def gpu_memory_peak(
    telemetry: Telemetry | NotMeasured,
    started_s: float,
    ended_s: float,
    used: Collection[int] | None = None,
) -> Measurement:
    """GB in use at the highest sample from `started_s` to `ended_s`, above what was in use before.

    Of the device on which that is most. What was in use before is the last sample before `started_s`, the
    moment at which the executor starts; it counts other people's work on the device, and so does the peak.
    """
    return above_before(telemetry, started_s, (started_s, ended_s), max, used)


def gpu_memory_residue(
    telemetry: Telemetry | NotMeasured,
    started_s: float,
    cleaned_s: float,
    until_s: float = float("inf"),
    used: Collection[int] | None = None,
) -> Measurement:
    """GB in use after cleanup, above what was in use before `started_s`; of the device on which that is most.

    The last sample from `cleaned_s` (the end of the cleanup) to `until_s` (when workers that outlive the
    cleanup are ended). Never below 0: less in use than before is somebody else's doing.
    """
    return above_before(telemetry, started_s, (cleaned_s, until_s), lambda values: values[-1], used)


def energy_per_clip(
    telemetry: Telemetry | NotMeasured,
    windows: Sequence[Window],
    clips: int,
    used: Collection[int] | None = None,
) -> Measurement:
    """Joules that the devices together used in the windows, idle power included, for each of `clips`."""
    devices = sampled(telemetry, used)
    if isinstance(devices, NotMeasured):
        return devices
    if not windows or clips < 1:
        return NotMeasured("no repeat was measured")
    per_device: list[float] = []
    for device in devices:
        if device.mig:
            return NotMeasured(f"GPU {device.index} is in MIG mode: its energy is that of the whole card")
        used_j = [j for window in merged(windows) if (j := energy(device, window)) is not None]
        if len(used_j) < len(merged(windows)):
            return NotMeasured(why(device, ("energy_j",), "too few samples for windows this short"))
        per_device.append(sum(used_j) / clips)
    return Measured(sum(per_device))


# How they are made.


def sampled(
    telemetry: Telemetry | NotMeasured, used: Collection[int] | None
) -> list[GpuTelemetry] | NotMeasured:
    """The devices to look at, at least one, or the reason why there are none."""
    if used is not None and not used:
        return NotMeasured("no worker of this run was on a GPU")
    gpu = telemetry if isinstance(telemetry, NotMeasured) else telemetry.gpu
    if isinstance(gpu, NotMeasured):
        return gpu
    devices = [d for d in gpu.devices if used is None or d.index in used]
    if used is not None and not {d.index for d in devices}.issuperset(used):
        return NotMeasured("NVML does not show every GPU that a worker was on")
    return devices or NotMeasured("NVML shows no GPU")


def why(device: GpuTelemetry, figures: Sequence[str], otherwise: str) -> str:
    """The reason that the sampler gave for one of `figures` on a device, else `otherwise`."""
    said = [device.reasons[figure] for figure in figures if figure in device.reasons]
    return f"GPU {device.index}: {said[0] if said else otherwise}"


def series_of(device: GpuTelemetry, figure: str) -> list[tuple[float, Any]]:
    """(time, value) of a figure in order of time; empty where the device has none."""
    kept = device.figures.get(figure, GpuSeries([], []))
    return sorted(zip(kept.times_s, kept.values, strict=True), key=lambda sample: sample[0])


def mean_since(
    device: GpuTelemetry, figure: str, window: Window, longest_s: float = float("inf")
) -> tuple[float | None, float]:
    """Mean of a figure over a window, and the share of the window that samples cover.

    A sample speaks for the time since the one before it, but for no more than `longest_s`; it counts by the
    part of that time which is in the window. The first has none before it and only starts the next.
    """
    series = series_of(device, figure)
    total = covered = 0.0
    for (before, _), (t, value) in pairwise(series):
        overlap = min(t, window[1]) - max(before, t - longest_s, window[0])
        if value is not None and overlap > 0:
            total += value * overlap
            covered += overlap
    length = window[1] - window[0]
    return (total / covered if covered else None), (covered / length if length > 0 else 0.0)


def over_windows(
    telemetry: Telemetry | NotMeasured,
    windows: Sequence[Window],
    used: Collection[int] | None,
    mean: Callable[[GpuTelemetry, Window], tuple[float | None, float]],
    figures: Sequence[str],
) -> Measurement:
    """The mean over devices and windows, each window by its length, where samples cover enough of them."""
    devices = sampled(telemetry, used)
    if isinstance(devices, NotMeasured):
        return devices
    if not windows:
        return NotMeasured("no repeat was measured")
    table: list[list[float]] = []
    for device in devices:
        row = []
        for window in windows:
            value, covered = mean(device, window)
            if value is None or covered < COVERAGE:
                few = f"samples cover {100 * covered:.0f} % of the window, less than {100 * COVERAGE:.0f} %"
                return NotMeasured(why(device, figures if value is None else (), few))
            row.append(value)
        table.append(row)
    lengths = [end - start for start, end in windows]
    means = [sum(v * s for v, s in zip(row, lengths, strict=True)) / sum(lengths) for row in table]
    samples = tuple(sum(column) / len(column) for column in zip(*table, strict=True))
    return Measured(sum(means) / len(means), samples)


def above_before(
    telemetry: Telemetry | NotMeasured,
    started_s: float,
    window: Window,
    pick: Callable[[list[float]], float],
    used: Collection[int] | None,
) -> Measurement:
    """GB that `pick` takes from the samples in the window, above the last sample before `started_s`."""
    devices = sampled(telemetry, used)
    if isinstance(devices, NotMeasured):
        return devices
    per_device: list[float] = []
    for device in devices:
        series = series_of(device, "memory_used_bytes")
        before = [value for t, value in series if t < started_s]
        within = [value for t, value in series if window[0] <= t <= window[1]]
        if not before or not within:
            otherwise = f"no sample of its memory {'in the window' if before else 'before the run'}"
            return NotMeasured(why(device, ("memory_used_bytes",), otherwise))
        per_device.append(max(0.0, (pick(within) - before[-1]) / 1e9))
    return Measured(max(per_device))


def energy(device: GpuTelemetry, window: Window) -> float | None:
    """Joules between the ends of a window, between samples by interpolation; None outside them."""
    at_start, at_end = (interpolated(series_of(device, "energy_j"), t) for t in window)
    if at_start is None or at_end is None or at_end < at_start:  # a counter that fell was reset
        return None
    return at_end - at_start


def interpolated(series: Sequence[tuple[float, float]], t: float) -> float | None:
    """The value at `t` on the line between the samples around it; None outside of them."""
    for (before, low), (after, high) in pairwise(series):
        if before <= t <= after:
            share = (t - before) / (after - before) if after > before else 0.0
            return low + share * (high - low)
    return None
