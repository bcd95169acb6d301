"""What the sampler saw, as series to draw: of the processes, and of every GPU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

#: Key in telemetry → name, unit, factor to that unit.
PROCESSES = {"cpu_percent": ("CPU", "cores", 0.01), "rss_bytes": ("memory", "GB", 1e-9)}
GPU = {
    "utilization_percent": ("utilisation", "%", 1.0),
    "sm_activity_percent": ("SM activity", "%", 1.0),
    "memory_used_bytes": ("memory", "GB", 1e-9),
    "power_w": ("power", "W", 1.0),
}


class Series(NamedTuple):
    """A figure over time: times in seconds from the start of the run, and a value for each."""

    name: str
    unit: str
    times_s: tuple[float, ...]
    values: tuple[float, ...]


def all_series(telemetry: dict[str, Any]) -> list[Series]:
    """Every series there is in `telemetry` (of a result), without the samples that have no value."""
    rows = [(key, PROCESSES, "", telemetry.get("times_s", ()), telemetry.get(key)) for key in PROCESSES]
    for device in telemetry.get("gpu", {}).get("devices", ()):
        for key in GPU:
            figure = device["figures"].get(key, {"times_s": (), "values": ()})
            rows.append((key, GPU, f"GPU {device['index']} ", figure["times_s"], figure["values"]))
    found = (made(*table[key], prefix, times, values or ()) for key, table, prefix, times, values in rows)
    return [series for series in found if series.values]


def made(
    name: str, unit: str, factor: float, prefix: str, times: Sequence[float], values: Sequence[float | None]
) -> Series:
    """One series, in its unit."""
    pairs = [(t, v * factor) for t, v in zip(times, values, strict=False) if v is not None]
    return Series(prefix + name, unit, tuple(t for t, _ in pairs), tuple(v for _, v in pairs))
