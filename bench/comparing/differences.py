"""The differences between candidates, in a metric, in a table of metrics and in one of analyzers."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from clipbench.bench.comparing import by_run, other_work, predictions
from clipbench.bench.comparing.by_run import UNKNOWN, Spread
from clipbench.bench.comparing.calibration import METRIC, NoiseFloor
from clipbench.bench.comparing.candidates import Candidate, analyzer_samples, metric_samples, sides_of
from clipbench.bench.comparing.statistics import Difference
from clipbench.bench.measuring import metrics
from clipbench.bench.runs.results import MetricValue


@dataclass(frozen=True)
class AnalyzerComparison:
    """An analyzer in a candidate: its median seconds there and in the reference, and their difference."""

    analyzer: str
    reference_s: float
    other_s: float
    difference: Difference

    @property
    def change_s(self) -> float:
        """The seconds that it takes more than in the reference."""
        return self.other_s - self.reference_s


class Differences:
    """The differences between candidates, those in single metrics computed once.

    `noise` is the noise floor of each candidate by name.
    """

    def __init__(self, noise: dict[str, NoiseFloor]) -> None:
        self.noise = noise
        self.known: dict[tuple[str, str, str], Difference | None] = {}

    def of_metric(self, reference: Candidate, other: Candidate, name: str) -> Difference | None:
        """The difference in a metric; None if either has no value, and for metrics that are averaged.

        It is undecided if not the same analyzers gave results: less time can mean less work.
        """
        key = (reference.name, other.name, name)
        if key not in self.known:
            self.known[key] = self.of_metrics(reference, other, [name]).get(name)
        return self.known[key]

    def of_metrics(
        self, reference: Candidate, other: Candidate, names: Sequence[str]
    ) -> dict[str, Difference]:
        """The differences in the metrics of a table, as `of_metric` has one; how many there are counts."""
        values = {name: (reference.metric(name), other.metric(name)) for name in names}
        named = {name: first for name, (first, _) in values.items() if comparable(name, *values[name])}
        family = {
            name: sides_of(reference, other, metric_samples(name), first.better)
            for name, first in named.items()
        }
        if predictions.are_predictions(reference, other):
            differences = predictions.compare_family(family, self.floor(reference, other))
        else:
            spreads = self.spreads(reference, other, measured=list(named) == [METRIC])
            differences = by_run.compare_family(family, self.floor(reference, other), spreads, "metrics")
        by = other_work_factor(reference, other)
        for name, first in named.items():
            if (metric := metrics.find(name)) is not None and metric.speed:
                differences[name] = other_work.told(differences[name], by, first.better)
        if unlike := reference.lost().keys() ^ other.lost().keys():
            reason = f"not the same analyzers gave results: {', '.join(sorted(unlike))}"
            return {
                name: dataclasses.replace(d, call="undecided", reason=reason)
                for name, d in differences.items()
            }
        return differences

    def of_analyzers(self, reference: Candidate, other: Candidate) -> list[AnalyzerComparison]:
        """The analyzers that gave results in both, the one that changed by the most seconds first; each is
        called with regard to how many there are."""
        lost = {**reference.lost(), **other.lost()}
        sides = {}
        for name in reference.first.analyzers:
            read = analyzer_samples(name)
            if name not in lost and reference.samples(read) and other.samples(read):
                sides[name] = sides_of(reference, other, read)
        if predictions.are_predictions(reference, other):
            found = predictions.compare_family(sides, self.floor(reference, other))
        else:
            spreads = self.spreads(reference, other, measured=False)
            found = by_run.compare_family(sides, self.floor(reference, other), spreads, "analyzers")
        by = other_work_factor(reference, other)
        moved = [
            AnalyzerComparison(
                name,
                median(reference.samples(analyzer_samples(name))),
                median(other.samples(analyzer_samples(name))),
                other_work.told(difference, by),
            )
            for name, difference in found.items()
        ]
        return sorted(moved, key=lambda one: -abs(one.change_s))

    def floor(self, reference: Candidate, other: Candidate) -> float:
        """The noise floor of the noisier candidate."""
        return max(self.noise[reference.name].value, self.noise[other.name].value)

    def spreads(self, reference: Candidate, other: Candidate, measured: bool) -> list[Spread]:
        """How far runs of the two lie apart; figures that a calibration has not `measured` are taken to vary
        as uncalibrated ones do, at the least."""
        own = [self.noise[one.name].spread for one in (reference, other)]
        return own if measured else [*own, UNKNOWN]

    def in_metric(self, name: str) -> dict[tuple[str, str], Difference]:
        """The differences in the metric `name` that were computed, by (reference, other)."""
        return {(a, b): d for (a, b, metric), d in self.known.items() if metric == name and d is not None}


def comparable(name: str, first: MetricValue, second: MetricValue) -> bool:
    """Whether both have a value of a metric that can be faster or slower."""
    return first.value is not None and second.value is not None and not metrics.is_averaged(name)


def other_work_factor(reference: Candidate, other: Candidate) -> float | None:
    """The factor by which other work may have lengthened the runs of `other`, compared with the reference."""
    before, now = ([run.result.run.cores_withheld() for run in one.runs] for one in (reference, other))
    return other_work.factor(before, now, reference.first.environment.cores_allowed)
