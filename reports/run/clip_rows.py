"""The clips of a run that had several, a row for each: how long each took, and what went wrong on it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from clipbench.bench.runs.results import PassSummary, Result
from clipbench.reports import formatting

#: Heads of the columns after the clip's path.
HEADS = ("length", "passes", "time", "what went wrong")


@dataclass(frozen=True)
class ClipRow:
    """One clip. `times_s` are the seconds of its measured passes; with scenario=server, its latencies.

    `lost` says why it could not be read, and `failed` how many analyses went wrong on it, by analyzer.
    """

    path: str
    duration_s: float | None
    times_s: list[float]
    failed: dict[str, int] = field(default_factory=dict)
    lost: str = ""

    @property
    def time_s(self) -> float | None:
        """The median of its times; None without any."""
        return median(self.times_s) if self.times_s else None

    @property
    def trouble(self) -> str:
        """What went wrong, such as "text_overlay ×2"; "" if nothing did."""
        if self.lost:
            return f"lost: {self.lost}"
        return ", ".join(f"{name} ×{n}" if n > 1 else name for name, n in self.failed.items())

    def cells(self) -> tuple[str, str, str, str]:
        """What stands below HEADS."""
        passes = str(len(self.times_s))
        return formatting.seconds(self.duration_s), passes, formatting.seconds(self.time_s), self.trouble


def clip_rows(result: Result) -> list[ClipRow]:
    """A row for each clip: those that were lost, then the others in the order in which they came first.

    None where the run had one clip only: its reports are about that one.
    """
    run = result.run
    if len(run.clips) + len(result.lost_clips) < 2:
        return []
    passes: dict[str, list[PassSummary]] = defaultdict(list)
    for one in run.passes:
        if one.end_s > one.start_s and not one.warmup:
            passes[one.clip].append(one)
    lost = [ClipRow(clip.path, None, [], lost=clip.reason) for clip in result.lost_clips]
    return lost + [ClipRow(c.path, c.duration_s, *measured(passes[c.path])) for c in run.clips]


def measured(passes: Sequence[PassSummary]) -> tuple[list[float], dict[str, int]]:
    """The times of the passes over one clip, and how often each analyzer went wrong in them."""
    failed: dict[str, int] = defaultdict(int)
    for name in (name for one in passes for name in one.failed):
        failed[name] += 1
    return [p.end_s - (p.start_s if p.arrived_s is None else p.arrived_s) for p in passes], dict(failed)


def about(result: Result, rows: Sequence[ClipRow], shown: int) -> str:
    """What the times are, and how many clips are not shown of the rows."""
    served = any(p.arrived_s is not None for p in result.run.passes)
    time = "from arrival to the last outcome" if served else "of a pass, from its beginning to its end"
    more = f" {len(rows) - shown} more clips are in result.json." if len(rows) > shown else ""
    return f"The time is the median {time}; warm-ups do not count.{more}"
