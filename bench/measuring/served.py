"""What became of clips that arrived one after another: latencies, goodput, the queue, and whether it grew."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist

from clipbench.bench.measuring.record import Pass, Record
from clipbench.bench.planning.percentiles import clips_needed, percentile
from clipbench.bench.planning.scenario import Service
from clipbench.bench.runs.measurement import Failed, Measured, Measurement, NotMeasured
from clipbench.bench.runs.serving import QueueLength, Served

#: A queue that only just keeps up is called growing in this share of cases.
FALSE_ALARM = 0.05
#: The length of a queue over time has at most so many values.
MOST_VALUES = 1000
NOT_ARRIVING = NotMeasured("clips did not arrive at random: see scenario=server")


def latency(percent: int) -> Callable[[Record], Measurement]:
    """The metric of this percentile of the latencies, in seconds."""

    def measure(record: Record) -> Measurement:
        if record.service is None:
            return NOT_ARRIVING
        passes = arrived(record)
        if reason := too_few(record, record.service, passes, clips_needed(percent)):
            return NotMeasured(reason)
        if grown := growth(*times_of(passes)):
            return Failed(grown)
        value = percentile([p.latency_s if p.end_s else math.inf for p in passes], percent)
        if value == math.inf:
            return Failed(f"{sum(not p.end_s for p in passes)} of {len(passes)} clips were lost on the way")
        return Measured(value)

    return measure


def goodput(record: Record) -> Measurement:
    """Clips per second that were done within the limit, every analyzer with success."""
    service, passes = record.service, arrived(record)
    if service is None:
        return NOT_ARRIVING
    if service.latency_limit_s is None:
        return NotMeasured("there is no limit to be within: scenario.latency_limit_s=30")
    if reason := too_few(record, service, passes, 1):
        return NotMeasured(reason)
    began_s = passes[0].arrived_s - service.times_s[0]
    seconds = max(max(p.end_s, p.arrived_s) for p in passes) - began_s
    return Measured(sum(in_time(record, p, service.latency_limit_s) for p in passes) / seconds)


def arrived(record: Record) -> list[Pass]:
    """The passes over clips that arrived, also those that were not completed."""
    return [p for p in record.passes if not p.warmup]


def in_time(record: Record, one: Pass, limit_s: float) -> bool:
    """Whether a clip was done within the limit, every analyzer with success."""
    done = bool(one.end_s) and one.latency_s <= limit_s
    return done and all(record.succeeded(one, outcome) for outcome in one.outcomes.values())


def too_few(record: Record, service: Service, passes: Sequence[Pass], needed: int) -> str:
    """Why there are too few latencies for a percentile that takes `needed` of them, or ""."""
    asked = len(service.times_s)
    under_way = [p for p in passes if not p.end_s and len(p.outcomes) < len(record.plan.tasks())]
    if len(passes) < asked or under_way:
        return f"the run ended when {len(passes) - len(under_way)} of {asked} clips were done"
    if asked < needed:
        return f"{asked} clips arrived, and it takes {needed}: scenario.clips={needed}"
    return ""


def times_of(passes: Sequence[Pass]) -> tuple[list[float], list[float]]:
    """When the clips that were not lost arrived, and when they were done."""
    done = [p for p in passes if p.end_s]
    return [p.arrived_s for p in done], [p.end_s for p in done]


def growth(arrivals: Sequence[float], ends: Sequence[float]) -> str:
    """Why the queue was not stable while clips arrived, or "".

    In the second half of the arrivals' time, as many clips have to be done as arrive, but for what chance
    explains: the number of a Poisson process deviates by its square root. A queue that only just keeps up
    is found to grow in FALSE_ALARM of cases; one with time to spare more rarely. `python -m studies.queues`
    shows how often this finds what.
    """
    if not arrivals:
        return ""
    first, last = min(arrivals), max(arrivals)
    middle = (first + last) / 2
    came = sum(time > middle for time in arrivals)
    done = sum(middle < time <= last for time in ends)
    if came - done <= NormalDist().inv_cdf(1 - FALSE_ALARM) * math.sqrt(came):
        return ""
    return f"the queue grew: in the second half of the time {came} clips arrived and {done} were done"


def queue_length(arrivals: Sequence[float], ends: Sequence[float], start_s: float) -> QueueLength:
    """How many clips had arrived and were not done, from the first arrival to the last end."""
    if not arrivals:
        return QueueLength([], [])
    events = sorted([(time, 1) for time in arrivals] + [(time, -1) for time in ends])
    begin, end = events[0][0], events[-1][0]
    count = min(MOST_VALUES, len(events))
    step_s = (end - begin) / count
    times, most, length, at = [], [], 0, 0
    for number in range(1, count + 1):
        until = end if number == count else begin + number * step_s
        highest = length
        while at < len(events) and events[at][0] <= until:
            length += events[at][1]
            highest = max(highest, length)
            at += 1
        times.append(round(until - start_s, 6))
        most.append(highest)
    return QueueLength(times, most)


def summarize(record: Record) -> Served | None:
    """What became of the clips that arrived; None where they did not arrive one after another."""
    service, passes = record.service, arrived(record)
    if service is None:
        return None
    times, limit_s = times_of(passes), service.latency_limit_s
    return Served(
        arrived=len(passes),
        needed=clips_needed(service.percentile),
        finished=len(times[1]),
        in_time=None if limit_s is None else sum(in_time(record, p, limit_s) for p in passes),
        growth=growth(*times),
        queue=queue_length(*times, record.started_s),
    )
