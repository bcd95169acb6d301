"""The two forms of everything that is measured: it was, or there is a reason why not."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class NotMeasured:
    """The reason why something was not measured, in a few words."""

    reason: str = "not recorded"


@dataclass(frozen=True)
class Measured:
    """A measured number. `samples` are the raw ones that it summarizes, such as one per repeat."""

    value: float
    samples: tuple[float, ...] = ()


@dataclass(frozen=True)
class Failed(NotMeasured):
    """Not measured because what was to be measured failed: its targets are missed, and not left open.

    An analyzer that was lost, and one that gave nothing that could be compared with what is there, are such.
    """


#: What a metric computes to. It is never 0 where nothing was measured.
Measurement = Measured | NotMeasured


def finite(measurement: Measurement) -> Measurement:
    """A measurement in plain numbers; not measured where its value is infinite or not a number."""
    if isinstance(measurement, NotMeasured):
        return measurement
    value = float(measurement.value)
    if not math.isfinite(value):
        return NotMeasured(f"its value is {value}")
    return Measured(value, tuple(float(sample) for sample in measurement.samples))
