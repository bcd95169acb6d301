"""How clips were fed to a run, and what became of those that arrived one after another."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

#: Metadata of a field that is not in the file if it is None.
LEFT_OUT = {"optional": True}


#: Why the passes of repeats=auto came to an end.
Stopped = Literal["interval", "budget", "interrupted"]


@dataclass(frozen=True)
class AutoRepeats:
    """What `repeats=auto` has come to.

    `taken` passes were measured, of which `samples` count for `metric`. `width` is that of the 95 % interval
    of its median at the last look, as a share of the median (None where nobody looked), and `interval` the
    one that was asked for. The measured passes took `spent_s` of the `budget_s` seconds.
    """

    taken: int
    samples: int
    stopped: Stopped
    metric: str
    width: float | None
    interval: float
    budget_s: float
    spent_s: float
    asked: str = "auto"


@dataclass
class ScenarioSummary:
    """How the clips were fed. What is left out by default is of scenario=server alone, but for `auto`.

    `repeats` were measured; with `auto`, that many were found to be enough.

    `rate` is in clips per second, `arrivals` a digest of the times if they are from a file, `clips` how many
    were to arrive, `seed` that of their times, `percentile` the one that was to be claimed, in percent.
    """

    name: str
    warmup: int
    repeats: int
    in_flight: int = 1
    rate: float | None = field(default=None, metadata=LEFT_OUT)
    arrivals: str | None = field(default=None, metadata=LEFT_OUT)
    clips: int | None = field(default=None, metadata=LEFT_OUT)
    seed: int | None = field(default=None, metadata=LEFT_OUT)
    percentile: int | None = field(default=None, metadata=LEFT_OUT)
    latency_limit_s: float | None = field(default=None, metadata=LEFT_OUT)
    auto: AutoRepeats | None = field(default=None, metadata=LEFT_OUT)


@dataclass(frozen=True)
class QueueLength:
    """How many clips had arrived and were not done, over time.

    `clips` has the most in each interval that ends at `times_s`, in seconds from the start of the run.
    """

    times_s: list[float]
    clips: list[int]


@dataclass(frozen=True)
class Served:
    """What became of the clips that arrived.

    `arrived` of them did until the run was over, `needed` are those that the claimed percentile takes,
    `finished` those that were done, and `in_time` those of them that were done within the limit and on which
    no analyzer failed (None without a limit). `growth` says why the queue was not stable; "" where it was.
    """

    arrived: int
    needed: int
    finished: int
    in_time: int | None
    growth: str
    queue: QueueLength
