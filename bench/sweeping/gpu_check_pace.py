"""How a GPU check divides its time: what a run may take, and which runs still fit."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from clipbench.bench.sweeping.sweep import Job, Sweep

#: So many runs are begun, however long those before them take.
LEAST_RUNS = 8
#: The share of the budget that one run may take: what hangs costs no more than that.
LARGEST_SHARE = 1 / 3


@dataclass
class PacedSweep(Sweep):
    """The sweep of a GPU check: its budget is for `LEAST_RUNS` of its jobs at least.

    A job may take `LARGEST_SHARE` of the budget, and no more than leaves each of those that are still to be
    begun half of its equal share. Where jobs take so long that fewer would fit, the later ones have one
    repeat (`repeats` is what was asked for). Once `LEAST_RUNS` are made, a job begins only if it fits by what
    those before it took, so that no time is spent on one that would be cut off.
    """

    @property
    def total_s(self) -> float:
        """The budget in seconds."""
        assert self.budget_s is not None, "a paced sweep has a budget"
        return self.budget_s

    @property
    def least(self) -> int:
        """How many jobs are to be begun in any case."""
        return min(LEAST_RUNS, len(self.jobs))

    @property
    def owed(self) -> int:
        """How many of these are still to be begun, the next one included."""
        return max(0, self.least - len(self.turns))

    @property
    def usual_s(self) -> float:
        """What a job has taken so far, in the middle; 0 before the first one."""
        return statistics.median(turn.seconds for turn in self.turns.values()) if self.turns else 0.0

    def fits(self, job: Job, left_s: float | None) -> bool:
        # The last one is shorter than the others, and nothing comes after it.
        sure = self.owed > 0 or job is self.jobs[-1]
        return left_s is not None and left_s > (0.0 if sure else self.usual_s)

    def limit_s(self, left_s: float | None) -> float:
        limit_s = self.total_s * max(LARGEST_SHARE, 1 / len(self.jobs))
        if self.owed > 1 and left_s is not None:
            limit_s = min(limit_s, left_s - (self.owed - 1) * self.total_s / self.least / 2)
        return limit_s

    def limit_said(self, limit_s: float) -> str:
        return f"the {limit_s:.0f} s that it may take of {self.total_s:g}"

    def repeats_of(self, job: Job, number: int, left_s: float | None) -> int:
        wanted = super().repeats_of(job, number, left_s)
        longest_s = max((turn.seconds for turn in self.turns.values() if turn.state == "done"), default=0.0)
        pressed = self.owed * longest_s > (left_s or 0.0)
        return max(1, wanted // self.repeats) if pressed else wanted
