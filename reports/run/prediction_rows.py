"""The prediction of a run in rows and sentences, for every kind of report."""

from __future__ import annotations

from dataclasses import dataclass

from clipbench.bench.runs.foretold import Foretold, RunPrediction
from clipbench.reports import formatting

HEADS = ("metric", "predicted", "interval", "measured", "error", "the interval is from")
#: The heads of what only a run gives that was measured.
OF_A_RUN = ("measured", "error")


@dataclass(frozen=True)
class PredictionRow:
    """One metric: what was predicted, in which interval, what was measured, and whether that is within."""

    metric: str
    predicted: str
    interval: str
    measured: str
    error: str
    source: str
    within: bool | None

    def cells(self, measured: bool = True) -> tuple[str, ...]:
        """The texts, in the order of `heads`."""
        found = (self.metric, self.predicted, self.interval, self.measured, self.error, self.source)
        return (
            found
            if measured
            else tuple(cell for head, cell in zip(HEADS, found, strict=True) if head not in OF_A_RUN)
        )


def heads(measured: bool = True) -> tuple[str, ...]:
    """The heads of the table: without those of a run where none was `measured`."""
    return HEADS if measured else tuple(head for head in HEADS if head not in OF_A_RUN)


def title(measured: bool = True) -> str:
    """The heading over the table."""
    return "Predicted and measured" if measured else "Predicted by the search for a grouping"


def prediction_rows(prediction: RunPrediction) -> list[PredictionRow]:
    """A row for each metric that was predicted."""
    return [row(one) for one in prediction.metrics]


def row(one: Foretold) -> PredictionRow:
    """The row of one metric."""
    interval, within = "–", None
    if one.low is not None and one.high is not None:
        interval = f"{formatting.number(one.low)} … {formatting.number(one.high, one.unit)}"
        within = None if one.measured is None else one.low <= one.measured <= one.high
    return PredictionRow(
        one.metric,
        formatting.number(one.predicted, one.unit),
        interval,
        "not measured" if one.measured is None else formatting.number(one.measured, one.unit),
        "–" if one.error is None else f"{one.error:+.1%}",
        one.source,
        within,
    )


def sentences(prediction: RunPrediction) -> list[tuple[str, str]]:
    """What else is to be said of a prediction, each with its heading."""
    return [
        ("what binds", prediction.binds),
        ("distance", prediction.bound),
        ("tried", prediction.tried),
        ("computed from", prediction.costs),
        *(("beware", line) for line in prediction.beware),
    ]
