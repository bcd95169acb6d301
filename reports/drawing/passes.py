"""The passes of a run as reports show them, and which of them a timeline looks at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median_low

from clipbench.bench.runs.results import PassSummary, Result
from clipbench.bench.runs.utilization import Window


@dataclass(frozen=True)
class PassGroup:
    """One pass, or several that overlap because a queue of clips was processed.

    `number` counts the measured groups of the run from 1; a warm-up has the number of the group before it.
    """

    warmup: bool
    start_s: float
    end_s: float
    clips: int
    number: int

    @property
    def window(self) -> Window:
        return self.start_s, self.end_s

    @property
    def length_s(self) -> float:
        return self.end_s - self.start_s


@dataclass(frozen=True)
class NumberedPass:
    """A pass, with its number from 0."""

    number: int
    warmup: bool
    start_s: float
    end_s: float


def completed_passes(passes: Iterable[PassSummary]) -> list[NumberedPass]:
    """The passes that were completed (an interrupted one was not), each with its `number` from 0."""
    return [
        NumberedPass(number, one.warmup, one.start_s, one.end_s)
        for number, one in enumerate(passes)
        if one.end_s > one.start_s
    ]


def pass_groups(result: Result) -> list[PassGroup]:
    """The completed passes in order, with those that overlap as one group."""
    groups: list[PassGroup] = []
    measured = 0
    for one in completed_passes(result.run.passes):
        last = groups[-1] if groups else None
        if last and last.warmup == one.warmup and one.start_s < last.end_s:
            groups[-1] = replace(last, end_s=max(last.end_s, one.end_s), clips=last.clips + 1)
        else:
            measured += not one.warmup
            groups.append(PassGroup(one.warmup, one.start_s, one.end_s, 1, measured))
    return groups


def groups_in(groups: Sequence[PassGroup], window: Window) -> list[PassGroup]:
    """The groups that overlap `window`, cut to it."""
    cut = (replace(g, start_s=max(g.start_s, window[0]), end_s=min(g.end_s, window[1])) for g in groups)
    return [group for group in cut if group.start_s < group.end_s]


def last_pass(result: Result) -> Window:
    """The last measured pass, else the last pass, else the whole run."""
    groups = pass_groups(result)
    if chosen := [group for group in groups if not group.warmup] or groups:
        return chosen[-1].window
    return 0.0, run_end(result)


def typical_pass(result: Result) -> Window:
    """The measured pass (or queue of clips) of median length; without measured passes, `last_pass`."""
    measured = [group for group in pass_groups(result) if not group.warmup]
    if not measured:
        return last_pass(result)
    length = median_low([group.length_s for group in measured])
    return next(group.window for group in measured if group.length_s == length)


def run_end(result: Result) -> float:
    """The end of the last span or pass, in seconds from the start of the run; 1 where there is none."""
    ends = [span.end_s for span in result.spans] + [group.end_s for group in pass_groups(result)]
    return max(ends, default=1.0)
