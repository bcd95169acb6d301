"""repeats=auto: passes go on until the interval of the main metric is narrow enough, or the budget is spent.

The stopping rule looks only after as many passes as a call takes, and then less and less often: a rule that
stops when the data look good makes them look better than they are. docs/statistics.md says by how much.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from clipbench.bench.enough import ENOUGH
from clipbench.bench.measuring import metrics
from clipbench.bench.measuring.record import Record
from clipbench.bench.planning.scenario import ScenarioConfig
from clipbench.bench.resampling import relative_width
from clipbench.bench.runs.serving import AutoRepeats, Stopped

#: After a look at n samples comes one at this many times as many.
MORE = 1.4


@dataclass
class Repeating:
    """Decides after each measured pass whether there is another one, and says afterwards why there was none.

    `interval` is the width that is asked for, as a share of the median; `budget_s` are seconds of measured
    passes. `width` is the width at the last look, None before the first.
    """

    interval: float
    budget_s: float
    metric: str = field(default_factory=lambda: metrics.main_metrics()[0])
    width: float | None = None
    stopped: Stopped = "interrupted"
    next_look: int = ENOUGH

    @classmethod
    def of(cls, scenario: ScenarioConfig) -> Repeating | None:
        """The rule of a scenario; None where it has a number of repeats."""
        return cls(scenario.interval, scenario.budget_s) if scenario.auto else None

    def goes_on(self, record: Record) -> bool:
        """Whether another pass is to be measured after those of `record`."""
        samples = self.samples(record)
        if len(samples) >= self.next_look:
            self.width = relative_width(samples)
            self.next_look = next_look(len(samples))
            if self.width < self.interval:
                self.stopped = "interval"
                return False
        if len(record.measured()) >= ENOUGH and spent_s(record) >= self.budget_s:
            if samples:
                self.width = relative_width(samples)
            self.stopped = "budget"
            return False
        return True

    def samples(self, record: Record) -> list[float]:
        """The samples of the main metric so far."""
        declared = metrics.find(self.metric)
        return declared.measure(record).samples if declared else []

    def told(self, record: Record) -> AutoRepeats:
        """What was asked for, how many passes were taken, and why there were no more."""
        width = self.width if self.width is not None and math.isfinite(self.width) else None
        return AutoRepeats(
            taken=len(record.measured()),
            samples=len(self.samples(record)),
            stopped=self.stopped,
            metric=self.metric,
            width=width,
            interval=self.interval,
            budget_s=self.budget_s,
            spent_s=round(spent_s(record), 3),
        )


def next_look(samples: int) -> int:
    """At how many samples the interval is looked at after a look at so many."""
    return max(samples + 1, int(samples * MORE))


def spent_s(record: Record) -> float:
    """Seconds of all measured passes."""
    return sum(one.seconds for one in record.measured())
