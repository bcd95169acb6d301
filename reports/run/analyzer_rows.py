"""The analyzers of a run as the terminal, report.md and report.html show them, a row for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from clipbench.bench import quality
from clipbench.bench.runs.results import AnalyzerResult, MetricValue, Result, TargetResult, quality_of

#: Figures that every analyzer has → their value where all is well.
ALL_WELL = {"malformed": 0, "duplicates": 0, "coverage": 1}


@dataclass(frozen=True)
class QualityFigure:
    """One quality figure of an analyzer, with the target on it where there is one.

    `meaning` is "" for the figure of a plugin that is not at hand when a report is written again.
    """

    label: str
    metric: MetricValue
    target: TargetResult | None
    meaning: str

    @property
    def is_usual(self) -> bool:
        """Whether it says no more than that all is well, as it should of every analyzer."""
        return self.label in ALL_WELL and ALL_WELL[self.label] == self.metric.value

    @property
    def explanation(self) -> str:
        """What the figure says, which way is better, and why it was not measured."""
        better = f"{self.meaning} {self.metric.better.capitalize()} is better.".lstrip()
        return f"{better} Not measured: {self.metric.reason}" if self.metric.reason else better


@dataclass(frozen=True)
class AnalyzerRow:
    """One analyzer. `seconds` is the median of its measured passes, `share` its percentage of their sum.

    Of a `simulated` one there is nothing that was found, not even how much.
    """

    name: str
    outcome: AnalyzerResult
    seconds: float | None
    share: float
    quality: list[QualityFigure]
    simulated: bool = False

    @property
    def ok(self) -> bool:
        return self.outcome.status == "ok"

    @property
    def models(self) -> str:
        """The networks of the analyzer; "algorithm" where it has none."""
        return ", ".join(self.outcome.model) or "algorithm"

    @property
    def finding(self) -> str:
        """What the analyzer found, or why it found nothing."""
        a = self.outcome
        if not self.ok:
            return a.reason or a.status
        if self.simulated:
            return "– (predicted)"
        return f"{a.segments} × {a.headline}" if a.segments else a.reason or "nothing"


def analyzer_rows(result: Result) -> list[AnalyzerRow]:
    """A row for each analyzer: first those that failed, then the slowest."""
    times = {name: median(a.analyze_s) if a.analyze_s else None for name, a in result.analyzers.items()}
    total = sum(seconds for seconds in times.values() if seconds) or 1.0
    targets = {target.metric: target for target in result.targets}
    rows = [
        AnalyzerRow(
            name,
            a,
            times[name],
            100 * (times[name] or 0.0) / total,
            quality_figures(name, result, targets),
            simulated=result.run.simulated is not None,
        )
        for name, a in result.analyzers.items()
    ]
    return sorted(rows, key=lambda row: (row.ok, -(row.seconds or 0.0)))


def quality_figures(
    analyzer: str, result: Result, targets: Mapping[str, TargetResult]
) -> list[QualityFigure]:
    """The quality figures of one analyzer, also those that were not measured."""
    prefix = f"quality.{analyzer}."
    meanings = {figure.metric: figure.meaning for figure in quality.discover()}
    return [
        QualityFigure(
            m.name.removeprefix(prefix).replace("_", " "), m, targets.get(m.name), meanings.get(m.name, "")
        )
        for m in result.metrics
        if m.name.startswith(prefix)
    ]


def run_metrics(result: Result) -> list[MetricValue]:
    """The metrics of the run as a whole; quality figures belong to the analyzers."""
    return [metric for metric in result.metrics if quality_of(metric.name) is None]
