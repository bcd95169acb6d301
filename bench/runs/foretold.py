"""What was predicted of a run before it was made, and what was then measured."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Foretold:
    """A prediction of one metric, with the interval from `low` to `high` and where that comes from.

    `measured` and the relative `error` of the prediction, measured / predicted - 1, are there after a run,
    None where the metric was not measured.
    """

    metric: str
    unit: str
    predicted: float
    low: float | None = None
    high: float | None = None
    source: str = ""
    measured: float | None = None
    error: float | None = None


@dataclass(frozen=True)
class PastError:
    """The relative error of an earlier prediction: measured / predicted - 1."""

    metric: str
    error: float
    at: str
    grouping: str
    executor: str


@dataclass(frozen=True)
class RunPrediction:
    """The prediction of a run whose grouping was found by a search.

    `binds` says what holds the clips up, `bound` how far the grouping is from what none can beat, `tried`
    what was tried, `costs` what all of it was computed from; `beware` are lines on what it does not know.
    """

    objective: str
    metrics: list[Foretold]
    binds: str
    bound: str
    tried: str
    costs: str
    beware: list[str] = field(default_factory=list)
