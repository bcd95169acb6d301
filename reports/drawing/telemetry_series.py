"""What the sampler measured, as series to draw: of the processes, and of every GPU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clipbench.bench.runs.measurement import NotMeasured
from clipbench.bench.runs.telemetry import Telemetry


@dataclass(frozen=True)
class Quantity:
    """What is sampled: its name and unit in reports, and the factor from telemetry's unit to that one."""

    name: str
    unit: str
    factor: float = 1.0


CPU = Quantity("CPU", "cores", 0.01)
MEMORY = Quantity("memory", "GB", 1e-9)
#: Figure of a GPU in telemetry → what it is.
GPU = {
    "utilization_percent": Quantity("utilisation", "%"),
    "sm_activity_percent": Quantity("SM activity", "%"),
    "memory_used_bytes": Quantity("memory", "GB", 1e-9),
    "power_w": Quantity("power", "W"),
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
    found = [
        series(quantity.name, quantity, telemetry.times_s, values)
        for quantity, values in process_values(telemetry)
    ]
    for device in telemetry.gpus():
        for figure, quantity in GPU.items():
            if sampled := device.figures.get(figure):
                name = f"GPU {device.index} {quantity.name}"
                found.append(series(name, quantity, sampled.times_s, sampled.values))
    return [one for one in found if one.values]


def process_values(telemetry: Telemetry) -> list[tuple[Quantity, Sequence[float | None]]]:
    """The values that were sampled of the run's processes."""
    return [(CPU, telemetry.cpu_percent), (MEMORY, telemetry.rss_bytes)]


def series(name: str, quantity: Quantity, times: Sequence[float], values: Sequence[float | None]) -> Series:
    """One series, in the unit of reports."""
    pairs = [(t, v * quantity.factor) for t, v in zip(times, values, strict=False) if v is not None]
    return Series(name, quantity.unit, tuple(t for t, _ in pairs), tuple(v for _, v in pairs))


def not_sampled(telemetry: Telemetry | NotMeasured) -> list[tuple[str, str]]:
    """What was not sampled and why: (names, reason), those with the same reason together."""
    if isinstance(telemetry, NotMeasured):
        everything = [CPU.name, MEMORY.name, *(f"GPU {quantity.name}" for quantity in GPU.values())]
        return [(", ".join(everything), telemetry.reason)]
    names: dict[str, list[str]] = {}
    for quantity, values in process_values(telemetry):
        if all(v is None for v in values):
            names.setdefault("the run ended before the first sample", []).append(quantity.name)
    for figure, quantity in GPU.items():
        if not telemetry.gpus():
            reason = telemetry.gpu.reason if isinstance(telemetry.gpu, NotMeasured) else "no GPU was found"
            names.setdefault(reason, []).append(f"GPU {quantity.name}")
        for device in telemetry.gpus():
            if figure not in device.figures or all(v is None for v in device.figures[figure].values):
                reason = device.reasons.get(figure, "it was never sampled")
                names.setdefault(reason, []).append(f"GPU {device.index} {quantity.name}")
    return [(", ".join(each), reason) for reason, each in names.items()]
