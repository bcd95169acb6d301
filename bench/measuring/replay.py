"""What a pass would take without one of its analyzers: a prediction, by replaying what was measured.

The pieces of work of the pass are laid out again, in the order that each worker had them, with the seconds
that they took; each begins as soon after what it waits for as it did. With every analyzer, that is the
measured pass to the microsecond. Without one, its pieces are left out, and what comes after moves up.

That the others might have gone to other workers, or run faster with less beside them, would shorten the pass
further; that they would have to compute what they now share with the one left out would make it longer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError

from clipbench.bench.measuring.bounds import Bound, lower_bound
from clipbench.bench.measuring.waits import waits
from clipbench.bench.runs.results import AnalyzerResult, Result
from clipbench.executors.base import Span

#: Seconds by which a piece of work may seem to begin before what it waited for has ended.
ROUNDING_S = 1e-6


@dataclass(frozen=True)
class Saving:
    """By how much a pass would be shorter without an analyzer; all in seconds, `saved_s` predicted."""

    analyzer: str
    own_s: float
    saved_s: float


def savings(result: Result, clips: Sequence[int]) -> list[Saving]:
    """The saving by each analyzer of the passes `clips` (their numbers from 0), the greatest first."""
    work = [s for s in result.spans if s.clip in clips and s.phase in ("decode", "analyze")]
    if not work:
        return []
    whole_s = replayed(work, result.analyzers)
    found = [
        Saving(
            name,
            sum(s.end_s - s.start_s for s in work if s.analyzer == name and s.phase == "analyze"),
            max(0.0, whole_s - replayed(work, result.analyzers, without=name)),
        )
        for name in dict.fromkeys(s.analyzer for s in work if s.phase == "analyze")
    ]
    return sorted(found, key=lambda one: (-one.saved_s, -one.own_s))


def replayed(work: Sequence[Span], analyzers: Mapping[str, AnalyzerResult], without: str = "") -> float:
    """Seconds from the start of the first of these pieces of work to the end of the last, replayed."""
    work = sorted(work, key=lambda s: (s.start_s, s.end_s))
    before: dict[int, list[Span]] = defaultdict(list)
    for first, then in waits(work, analyzers):
        before[id(then)].append(first)
    own: dict[str, list[Span]] = defaultdict(list)
    free: dict[int, float] = {}  # id of a span → when its worker is free after it
    ends: dict[int, float] = {}  # id of a span → its end, of those that are not left out
    for span in work:
        earlier = own[span.worker]
        previous = next((s for s in reversed(earlier) if s.end_s <= span.start_s + ROUNDING_S), None)
        earlier.append(span)
        gone = span.phase == "analyze" and span.analyzer == without
        if gone:
            free[id(span)] = free[id(previous)] if previous else span.start_s
            continue
        waited = [s for s in before[id(span)] if s.end_s <= span.start_s + ROUNDING_S]
        measured = [s.end_s for s in waited] + ([previous.end_s] if previous else [])
        now = [ends[id(s)] for s in waited if id(s) in ends] + ([free[id(previous)]] if previous else [])
        lag = span.start_s - max(measured) if measured else 0.0
        start = max(now, default=work[0].start_s) + lag if measured else span.start_s
        free[id(span)] = ends[id(span)] = start + span.end_s - span.start_s
    return max(ends.values(), default=work[0].start_s) - work[0].start_s


def bound_of_pass(result: Result, spans: Sequence[Span]) -> Bound | None:
    """The lower bound of one pass of `result`, whose `spans` these are; None where it did no work."""
    upstream = {name: a.waits_for for name, a in result.analyzers.items()}
    frames = {name for name, a in result.analyzers.items() if a.whole_frames}
    try:
        return lower_bound(spans, upstream, max(1, result.run.workers), frames)
    except (ValueError, CycleError):  # the latter: of a result that was edited by hand
        return None
