"""What the sampler measured, as series to draw: of the processes, and of every GPU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clipbench.bench.runs.telemetry import NotMeasured, Telemetry

#: Key in telemetry → name, unit, factor to that unit.
PROCESSES = {"cpu_percent": ("CPU", "cores", 0.01), "rss_bytes": ("memory", "GB", 1e-9)}
GPU = {
    "utilization_percent": ("utilisation", "%", 1.0),
    "sm_activity_percent": ("SM activity", "%", 1.0),
    "memory_used_bytes": ("memory", "GB", 1e-9),
    "power_w": ("power", "W", 1.0),
}


@dataclass(frozen=True)
class Series:
    """Sampled values over time: times in seconds from the start of the run, and a value for each."""

    name: str
    unit: str
    times_s: tuple[float, ...]
    values: tuple[float, ...]


def all_series(telemetry: Telemetry | NotMeasured) -> list[Series]:
    """Every series in the telemetry of a result, without the samples that have no value."""
    if isinstance(telemetry, NotMeasured):
        return []
    found = [series(*PROCESSES[key], telemetry.times_s, getattr(telemetry, key)) for key in PROCESSES]
    for device in telemetry.gpus():
        for key, (name, unit, factor) in GPU.items():
            if sampled := device.figures.get(key):
                named = f"GPU {device.index} {name}"
                found.append(series(named, unit, factor, sampled.times_s, sampled.values))
    return [one for one in found if one.values]


def series(
    name: str, unit: str, factor: float, times: Sequence[float], values: Sequence[float | None]
) -> Series:
    """One series, in its unit."""
    pairs = [(t, v * factor) for t, v in zip(times, values, strict=False) if v is not None]
    return Series(name, unit, tuple(t for t, _ in pairs), tuple(v for _, v in pairs))
