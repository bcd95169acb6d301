"""The small pictures of a report, as numbers for the templates: x in percent of the width, y in pixels."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import mean, median, quantiles
from typing import Any

from clipbench.bench.runs.results import Result, TargetResult
from clipbench.reports import formatting
from clipbench.reports.drawing.telemetry_series import GPU, PROCESSES, Series, all_series
from clipbench.reports.drawing.timeline_layout import marks, round_step
from clipbench.reports.run.timeline import run_end

#: A series is drawn with at most so many steps, a row of bars with so many bars; each is then the highest of
#: the values that it stands for.
STEPS, COLUMNS = 800, 50
#: A limit is on the axis of the repeats only where these still take at least this share of it.
SHARE = 0.3


@dataclass(frozen=True)
class Strip:
    """The repeats of a metric: a dot each, the first at the top; the box is from quartile to quartile."""

    height: int
    dots: list[tuple[float, float, str]]
    box: tuple[float, float]
    median: float
    ticks: list[tuple[float, str]]
    limits: list[tuple[float, str]]
    beyond: str


def strip(values: Sequence[float], target: TargetResult | None, repeats: str = "repeat") -> Strip:
    """The repeats `values` (at least two) of a metric and the limits that `target` puts on it."""
    low, high = min(values), max(values)
    room = max(0.1 * (high - low), 0.01 * abs(high), 1e-9)
    low, high = low - room, high + room
    limits = target.limit if target and isinstance(target.limit, list) else [target.limit] if target else []
    near = [x for x in limits if (high - low) >= SHARE * (max(high, x + room) - min(low, x - room))]
    far = [x for x in limits if x not in near]
    low, high = min([low, *(x - room for x in near)]), max([high, *(x + room for x in near)])

    def place(value: float) -> float:
        return round(100 * (value - low) / (high - low), 3)

    step = round_step((high - low) / 6)
    first = math.ceil(low / step)
    quartiles = quantiles(values, n=4, method="inclusive")
    height = min(max(44, 11 * len(values)), 240)
    gap = (height - 16) / (len(values) - 1)
    return Strip(
        height=height,
        dots=[
            (place(v), round(8 + n * gap, 1), f"{repeats} {n + 1}: {formatting.number(v)}")
            for n, v in enumerate(values)
        ],
        box=(place(quartiles[0]), place(quartiles[2])),
        median=place(median(values)),
        ticks=[(place(n * step), f"{n * step:g}") for n in range(first, math.floor(high / step) + 1)],
        limits=[(place(x), f"limit {formatting.number(x)}") for x in near],
        beyond=", ".join(
            f"limit {formatting.number(x)} is {'right' if x > high else 'left'} of what is shown" for x in far
        ),
    )


def columns(values: Sequence[float]) -> list[tuple[float, float, float, str]]:
    """A bar from zero for each value: (x, width, height, tooltip), all but the last in percent."""
    parts = list(chunks(values, COLUMNS))
    most = max(values, default=0) or 1.0
    width = 100 / max(len(parts), 4)
    return [
        (
            round(n * width, 2),
            round(0.8 * width, 2),
            round(max(100 * high / most, 2), 1),
            formatting.seconds(high),
        )
        for n, high in enumerate(map(max, parts))
    ]


def chunks(values: Sequence[Any], most: int) -> Iterable[Sequence[Any]]:
    """`values` in at most `most` parts of equal length but for the last."""
    size = -(-len(values) // most)
    return (values[n : n + size] for n in range(0, len(values), size or 1))


@dataclass(frozen=True)
class Meter:
    """How an observed value stands to its limits, on a scale from zero."""

    observed: float
    limits: list[float]


def meter(target: TargetResult) -> Meter | None:
    """The scale of a target; None where nothing was observed or it has no place on one."""
    limits = target.limit if isinstance(target.limit, list) else [target.limit]
    if target.observed is None or min(*limits, target.observed) < 0:
        return None
    most = max(100.0 if target.unit == "%" else 1.3 * max(limits), target.observed) or 1.0
    return Meter(round(100 * target.observed / most, 2), [round(100 * x / most, 2) for x in limits])


@dataclass(frozen=True)
class Curve:
    """A series to draw: `area` and `line` are paths in a box of 1000 × 100."""

    name: str
    summary: str
    top: str
    area: str
    line: str


@dataclass(frozen=True)
class OverTime:
    """What was sampled, along the run, and what was done when.

    `phases`: (name, style, [(x, width)]); `passes`: (x, width, label); `absent`: (names, reason).
    """

    curves: list[Curve]
    phases: list[tuple[str, str, list[tuple[float, float]]]]
    passes: list[tuple[float, float, str]]
    ticks: list[tuple[float, str]]
    absent: list[tuple[str, str]]


def over_time(result: Result) -> OverTime:
    """All sampled series of a run, on one time axis with its phases."""
    series = all_series(result.telemetry)
    end = max([run_end(result), *(one.times_s[-1] for one in series)])
    cores = result.environment.get("cores_allowed") or 0
    step = round_step(end / 8)
    return OverTime(
        curves=[curve(one, end, cores) for one in series],
        phases=phases(result.spans, end),
        passes=marks(result, 0.0, end, end),
        ticks=[(round(100 * n * step / end, 3), f"{n * step:g} s") for n in range(int(end / step) + 1)],
        absent=absent(result.telemetry),
    )


def curve(series: Series, end: float, cores: int) -> Curve:
    """One series as steps: a value speaks for the time since the sample before it."""
    pairs = list(zip(series.times_s, series.values, strict=True))
    steps = [(part[-1][0], max(v for _, v in part)) for part in chunks(pairs, STEPS)]
    top = max(v for _, v in steps) or 1.0
    top = 100.0 if series.unit == "%" else max(top, cores) if series.unit == "cores" else 1.08 * top
    path = "".join(f"V{100 - 100 * min(v / top, 1):.1f}H{1000 * t / end:.1f}" for t, v in steps)
    since = series.times_s[1] - series.times_s[0] if len(series.times_s) > 1 else 0.0
    first = 1000 * max(series.times_s[0] - since, 0) / end
    start = f"M{first:.1f} 100"
    most = formatting.number(max(series.values), series.unit)
    summary = f"{formatting.number(mean(series.values))} on average, {most} at most"
    return Curve(
        series.name, summary, formatting.number(top, series.unit), f"{start}{path}V100Z", f"{start}{path}"
    )


def phases(spans: list[dict[str, Any]], end: float) -> list[tuple[str, str, list[tuple[float, float]]]]:
    """When anything started up, was decoded, analyzed and cleaned up, whatever the worker."""
    kinds = {
        "start-up": ("spawn", "import", "load"),
        "decode": ("decode",),
        "analyze": ("analyze",),
        "cleanup": ("cleanup",),
    }
    found = []
    for name, members in kinds.items():
        inside = merged((s["start_s"], s["end_s"]) for s in spans if s["phase"] in members)
        if inside:
            places = [(round(100 * a / end, 3), round(100 * (b - a) / end, 3)) for a, b in inside]
            found.append((name, {"start-up": "load"}.get(name, name), places))
    return found


def merged(intervals: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """The union of intervals, in order, without the gaps too short to be seen (a millisecond)."""
    union: list[tuple[float, float]] = []
    for start, end in sorted(intervals):
        if union and start <= union[-1][1] + 0.001:
            union[-1] = union[-1][0], max(union[-1][1], end)
        else:
            union.append((start, end))
    return union


def absent(telemetry: dict[str, Any]) -> list[tuple[str, str]]:
    """What was not sampled and why, those with the same reason together."""
    why: dict[str, list[str]] = {}
    nothing = telemetry.get("reason", "" if telemetry else "there was no sampler")
    for key, (name, _, _) in PROCESSES.items():
        if not any(v is not None for v in telemetry.get(key, ())):
            why.setdefault(nothing or "the run was over before the first sample", []).append(name)
    gpu = telemetry.get("gpu", {})
    devices = gpu.get("devices", ())
    for key, (name, _, _) in GPU.items():
        if not devices:
            reason = nothing or gpu.get("reason", "no GPU was found")
            why.setdefault(reason, []).append(f"GPU {name}")
        for device in devices:
            if not any(v is not None for v in device["figures"].get(key, {"values": ()})["values"]):
                reason = device["reasons"].get(key, "there was no sample of it")
                why.setdefault(reason, []).append(f"GPU {device['index']} {name}")
    return [(", ".join(names), reason) for reason, names in why.items()]
