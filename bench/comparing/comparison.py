"""A comparison of candidates: what differs beyond noise, which analyzers, what was lost, and what to use."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from clipbench.bench import invocation
from clipbench.bench.comparing import calibration, mismatches, pareto, predictions
from clipbench.bench.comparing.calibration import NoiseFloor
from clipbench.bench.comparing.candidates import Candidate, load
from clipbench.bench.comparing.differences import AnalyzerComparison, Differences
from clipbench.bench.comparing.judged_targets import judge_targets
from clipbench.bench.comparing.pareto import Front
from clipbench.bench.comparing.recommendation import Recommendation, recommend
from clipbench.bench.comparing.statistics import Difference
from clipbench.bench.errors import Exit, InputError, nearest
from clipbench.bench.measuring import metrics
from clipbench.bench.resampling import CONFIDENCE
from clipbench.bench.runs.results import MetricValue, TargetResult, quality_of

__all__ = ["AnalyzerComparison", "Candidate", "Comparison", "MetricComparison", "compare", "load"]

#: Up to so many candidates, each is compared with each; beyond, with the reference and the best only.
ALL_PAIRS = 8
#: Before a recommendation from candidates that do not match.
NOT_ALIKE = "These candidates do not match, so this need not come from grouping and executor: "


@dataclass(frozen=True)
class MetricComparison:
    """A metric: its value in each candidate, by name, and its difference from the reference."""

    metric: str
    unit: str
    better: Literal["lower", "higher"]
    values: dict[str, MetricValue]
    differences: dict[str, Difference]


@dataclass(frozen=True)
class Comparison:
    """All that the reports of a comparison show. What is by candidate is by its name.

    `candidates` have runs, `failed` have none. `pairs` are the differences in `metric`, by (reference,
    other). `quality` has the figures that are not the same in all candidates. `analyzers` is sorted by
    absolute change. `confidence` is what the intervals cover, as a fraction. `front` places predictions by
    latency and cost. `of_commits` says that candidates are commits, and not configurations to choose from.
    """

    candidates: list[Candidate]
    failed: list[Candidate]
    reference: Candidate
    metric: str
    metrics: list[MetricComparison]
    quality: list[MetricComparison]
    quality_figures: int
    pairs: dict[tuple[str, str], Difference]
    analyzers: dict[str, list[AnalyzerComparison]]
    targets: dict[str, list[TargetResult]]
    noise: dict[str, NoiseFloor]
    confidence: float
    mismatches: list[str]
    warnings: list[str]
    recommendation: Recommendation
    front: Front | None = None
    of_commits: bool = False

    def exit_code(self) -> Exit:
        """The exit code of a gate: 4 if a candidate is slower than the reference, 5 if one has nothing to
        compare (no result, lost analyzers, `metric` not measured), else 0."""
        others = [one for one in self.candidates if one is not self.reference]
        calls = [self.pairs.get((self.reference.name, other.name)) for other in others]
        if any(d is not None and d.call == "slower" for d in calls):
            return Exit.SLOWER
        lost = any(one.failures or one.lost() for one in self.candidates)
        return Exit.NOTHING_VALID if self.failed or lost or not calls or None in calls else Exit.OK


def compare(
    candidates: Sequence[Candidate],
    reference: str | None = None,
    metric: str | None = None,
    allow_mismatch: bool = False,
    track: Callable[[list[Candidate]], Iterable[Candidate]] = iter,
) -> Comparison:
    """Compare `candidates` (of `load`) with the one called `reference`, or at that path; else with the first.

    `track` is given the candidates to iterate over, and can show the progress. Raises InputError if there is
    nothing to compare, and for candidates that do not match or hold runs that measured nothing, unless
    `allow_mismatch`.
    """
    usable = [one for one in candidates if one.runs]
    if not usable:
        reasons = "; ".join(f"{one.name}: {', '.join(one.failures)}" for one in candidates)
        raise InputError(f"there is nothing to compare: no run left a result ({reasons})")
    chosen = find(candidates, reference) if reference else usable[0]
    if not chosen.runs:
        raise InputError(f"--reference {chosen.name}: it has no result ({', '.join(chosen.failures)})")
    refused = mismatches.refusals(usable)
    if refused and not allow_mismatch:
        listed = "\n  ".join(refused)
        raise InputError(f"these runs do not match:\n  {listed}\n--allow-mismatch compares them all the same")
    main = main_metric(chosen, metric)
    noise = {
        one.name: predictions.floor_of(one.first)
        if predictions.are_predictions(one)
        else calibration.lookup(one.first)
        for one in usable
    }
    differences = Differences(noise)
    compared, analyzers = against_reference(chosen, track(usable), differences, main)
    targets = {one.name: judge_targets(one) for one in usable}
    recommended = recommend(candidates, main, targets, lambda a, b: differences.of_metric(a, b, main), chosen)
    if refused:
        recommended = dataclasses.replace(recommended, sentence=f"{NOT_ALIKE}{recommended.sentence}")
    if len(usable) <= ALL_PAIRS:
        for one, other in itertools.permutations(usable, 2):
            differences.of_metric(one, other, main)
    quality, figures = differing_quality(usable)
    return Comparison(
        candidates=usable,
        failed=[one for one in candidates if not one.runs],
        reference=chosen,
        metric=main,
        metrics=[one for one in compared if any(m.value is not None for m in one.values.values())],
        quality=quality,
        quality_figures=figures,
        pairs=differences.in_metric(main),
        analyzers=analyzers,
        targets=targets,
        noise=noise,
        confidence=CONFIDENCE,
        mismatches=refused,
        warnings=not_in_turns(usable) + mismatches.warnings(usable),
        recommendation=recommended,
        front=pareto.front_of(usable, recommended.left_out),
    )


def against_reference(
    reference: Candidate, candidates: Iterable[Candidate], differences: Differences, main: str
) -> tuple[list[MetricComparison], dict[str, list[AnalyzerComparison]]]:
    """Every metric in every candidate, and the analyzers of each against those of the reference.

    The metric `main` is a comparison of its own; the others stand in a table, and are called together.
    """
    compared = [
        MetricComparison(m.name, m.unit, m.better, {}, {})
        for m in reference.first.metrics
        if quality_of(m.name) is None
    ]
    analyzers = {}
    for candidate in candidates:
        for one in compared:
            one.values[candidate.name] = candidate.metric(one.metric)
        if candidate is reference:
            continue
        others = [one.metric for one in compared if one.metric != main]
        found: dict[str, Difference | None] = {**differences.of_metrics(reference, candidate, others)}
        found[main] = differences.of_metric(reference, candidate, main)
        for one in compared:
            if difference := found.get(one.metric):
                one.differences[candidate.name] = difference
        analyzers[candidate.name] = differences.of_analyzers(reference, candidate)
    return compared, analyzers


def find(candidates: Sequence[Candidate], wanted: str) -> Candidate:
    """The candidate of that name, or with a run at that path; raises InputError if there is none."""
    if same := next((one for one in candidates if one.name == wanted), None):
        return same
    place = Path(wanted).resolve()
    for one in candidates:
        if any(place in (path := run.path.resolve(), path.parent, path.parent.parent) for run in one.runs):
            return one
    names = [one.name for one in candidates]
    raise InputError(f"--reference {wanted}: there is no such candidate{nearest(wanted, names)}")


def not_in_turns(candidates: Sequence[Candidate]) -> list[str]:
    """A warning if the candidates did not take turns; predictions need none."""
    if len(candidates) < 2 or predictions.are_predictions(*candidates):
        return []
    if candidates[0].sweep is not None and len({one.sweep for one in candidates}) == 1:
        return []
    return [
        "these runs were not made in turns: what changed on the machine between them looks like a difference "
        f"between the candidates ({invocation.program()} -m grouping=a,b takes turns)"
    ]


def main_metric(reference: Candidate, wanted: str | None) -> str:
    """The metric that the comparison is about; raises InputError if the reference has not measured it."""
    if wanted is None:
        names = metrics.main_metrics()
        return next((name for name in names if reference.metric(name).value is not None), names[0])
    known = [m.name for m in reference.first.metrics if not metrics.is_averaged(m.name)]
    if wanted not in known:
        raise InputError(f"--metric: there is no metric {wanted} to compare{nearest(wanted, known)}")
    if (found := reference.metric(wanted)).value is None:
        raise InputError(f"--metric: {wanted} was not measured in {reference.name}: {found.reason}")
    return wanted


def differing_quality(candidates: Sequence[Candidate]) -> tuple[list[MetricComparison], int]:
    """The quality figures that differ between the candidates, and how many figures were measured."""
    first = candidates[0]
    figures = [m for m in first.first.metrics if quality_of(m.name)]
    differing = []
    for figure in figures:
        values = {one.name: one.metric(figure.name) for one in candidates}
        if len({m.value for m in values.values()}) > 1:
            differing.append(MetricComparison(figure.name, figure.unit, figure.better, values, {}))
    return differing, sum(first.metric(figure.name).value is not None for figure in figures)
