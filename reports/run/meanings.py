"""What each figure of a run means and which way is better, for whoever points at it or prints the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clipbench.bench import quality
from clipbench.bench.measuring import metrics
from clipbench.bench.runs.results import MetricValue, Result, TargetResult, quality_of
from clipbench.reports import formatting


@dataclass(frozen=True)
class Meaning:
    """The definition of one figure in sentences, and what is good: which way is better, and its target.

    `definition` is "" for the figure of a plugin that is not at hand when a report is written again.
    """

    metric: str
    definition: str
    good: str

    @property
    def text(self) -> str:
        """Both together."""
        return f"{self.definition} {self.good}".strip()


def meanings(result: Result) -> list[Meaning]:
    """The meaning of every figure of `result`, in its order: those of the whole run before quality."""
    declared = {metric.name: metric.meaning for metric in metrics.discover()}
    declared |= {figure.metric: figure.meaning for figure in quality.discover()}
    return [
        meaning(metric, declared.get(metric.name, ""), result.targets)
        for metric in sorted(result.metrics, key=lambda m: quality_of(m.name) is not None)
    ]


def meaning(metric: MetricValue, declared: str, targets: Sequence[TargetResult]) -> Meaning:
    """The meaning of one figure, of which `declared` is the definition in its declaration."""
    definition = f"{declared[:1].upper()}{declared[1:].rstrip('.')}" if declared else ""
    if definition and metric.unit:
        definition += f", in {metric.unit}"
    limits = [formatting.limit(target) for target in targets if target.metric == metric.name]
    good = f"{metric.better.capitalize()} is better"
    if limits:
        good += f"; the target is {' and '.join(limits)}"
    return Meaning(metric.name, f"{definition}." if definition else "", f"{good}.")


def explained(found: Sequence[Meaning], metric: str) -> str:
    """What to say of `metric` where a reader points at it; "" where it is not among the figures found.

    A name such as "quality.*.coverage" stands for the same figure of several analyzers.
    """
    for one in found:
        same = metric.startswith("quality.*.") and one.metric.rpartition(".")[2] == metric.rpartition(".")[2]
        if one.metric == metric or same:
            return one.text
    return ""
