"""Sides held against each other: what differs beyond noise, what moved, what was lost, and what to use."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from clipbench.bench import invocation
from clipbench.bench.comparing import comparability
from clipbench.bench.comparing.candidates import (
    AVERAGED,
    Side,
    aligned,
    analyzer_samples,
    load,
    metric_samples,
)
from clipbench.bench.comparing.recommendation import Advice, advise
from clipbench.bench.comparing.statistics import CONFIDENCE, Difference
from clipbench.bench.comparing.statistics import compare as tell_apart
from clipbench.bench.errors import Exit, InputError, nearest
from clipbench.bench.measuring.targets import OPERATORS
from clipbench.bench.runs.results import MetricValue, Result, TargetResult

__all__ = ["Comparison", "Moved", "Row", "Side", "compare", "load"]

#: Up to so many sides, every one is compared with every other; beyond, with the reference and the best.
ALL_PAIRS = 8
#: What a comparison is about unless another metric is named: the first of these that was measured.
MAIN = ("rtf_warm", "throughput")


@dataclass(frozen=True)
class Row:
    """A metric: its value in each side, by name, and the difference from the reference where both have it."""

    metric: str
    unit: str
    better: str
    values: dict[str, MetricValue]
    differences: dict[str, Difference]


@dataclass(frozen=True)
class Moved:
    """One analyzer in one side: medians of its seconds in the reference and there, and their difference."""

    analyzer: str
    reference_s: float
    other_s: float
    difference: Difference

    @property
    def change_s(self) -> float:
        """Seconds that it takes more than in the reference."""
        return self.other_s - self.reference_s


@dataclass(frozen=True)
class Comparison:
    """All that the reports show. What is by side is by its name.

    `sides` have runs, `failed` have none. `pairs` are the differences in `metric`, by (reference, other).
    `quality` has the figures that are not the same in all sides. `moved` is sorted by absolute change.
    `confidence` is what the intervals cover, as a fraction.
    """

    sides: list[Side]
    failed: list[Side]
    reference: Side
    metric: str
    rows: list[Row]
    quality: list[Row]
    quality_figures: int
    pairs: dict[tuple[str, str], Difference]
    moved: dict[str, list[Moved]]
    targets: dict[str, list[TargetResult]]
    noise: dict[str, tuple[float, str]]
    confidence: float
    mismatches: list[str]
    warnings: list[str]
    advice: Advice

    def exit_code(self) -> Exit:
        """What a gate makes of it: 4 where a side is slower than the reference, 5 where a side has nothing to
        compare (no result, lost analyzers, `metric` not measured), else 0."""
        calls = [self.pairs.get((self.reference.name, s.name)) for s in self.sides if s is not self.reference]
        if any(d is not None and d.call == "slower" for d in calls):
            return Exit.SLOWER
        lost = any(side.failures or side.lost() for side in self.sides)
        return Exit.NOTHING_VALID if self.failed or lost or not calls or None in calls else Exit.OK


def compare(
    sides: Sequence[Side],
    reference: str | None = None,
    metric: str | None = None,
    allow_mismatch: bool = False,
    track: Callable[[list[Side]], Iterable[Side]] = iter,
) -> Comparison:
    """Compare `sides` (of `load`) with the one called `reference`, or in which that path is; else the first.

    `track` is given the sides to go through, and can show how far that is. Raises InputError where there is
    nothing to compare, and for sides that do not match or hold runs that are no measurement, unless
    `allow_mismatch`.
    """
    usable = [side for side in sides if side.runs]
    if not usable:
        reasons = "; ".join(f"{side.name}: {', '.join(side.failures)}" for side in sides)
        raise InputError(f"there is nothing to compare: no run left a result ({reasons})")
    chosen = find(sides, reference) if reference else usable[0]
    if not chosen.runs:
        raise InputError(f"--reference {chosen.name}: it has no result ({', '.join(chosen.failures)})")
    found = refusals(usable)
    if found and not allow_mismatch:
        raise InputError(
            "these runs do not match:\n  "
            + "\n  ".join(found)
            + "\n--allow-mismatch compares them all the same"
        )
    main = main_metric(chosen, metric)
    noise = {side.name: noise_floor(side) for side in usable}
    ask = Asker(noise)
    names = [m.name for m in chosen.first.metrics if not m.name.startswith("quality.")]
    rows = {name: Row(name, *header(chosen, name), {}, {}) for name in names}
    moved = {}
    for side in track(usable):
        for row in rows.values():
            row.values[side.name] = side.metric(row.metric)
            if side is not chosen and (difference := ask.metric(chosen, side, row.metric)):
                row.differences[side.name] = difference
        if side is not chosen:
            moved[side.name] = ask.analyzers(chosen, side)
    targets = {side.name: judge(side) for side in usable}
    advice = advise(sides, main, targets, lambda one, other: ask.metric(one, other, main))
    if len(usable) <= ALL_PAIRS:
        for one, other in itertools.permutations(usable, 2):
            ask.metric(one, other, main)
    quality, figures = quality_rows(usable)
    return Comparison(
        sides=usable,
        failed=[side for side in sides if not side.runs],
        reference=chosen,
        metric=main,
        rows=[row for row in rows.values() if any(m.value is not None for m in row.values.values())],
        quality=quality,
        quality_figures=figures,
        pairs={(a, b): d for (a, b, name), d in ask.known.items() if name == main and d is not None},
        moved=moved,
        targets=targets,
        noise=noise,
        confidence=CONFIDENCE,
        mismatches=found,
        warnings=not_in_turns(usable) + comparability.warnings(usable),
        advice=dataclasses.replace(advice, sentence=f"{NOT_ALIKE}{advice.sentence}") if found else advice,
    )


#: Before a recommendation from sides that do not match.
NOT_ALIKE = "These sides do not match, so that this need not come from grouping and executor: "


class Asker:
    """Asks for differences, each once. `noise` is the noise floor of each side by its name."""

    def __init__(self, noise: dict[str, tuple[float, str]]) -> None:
        self.noise = noise
        self.known: dict[tuple[str, str, str], Difference | None] = {}

    def metric(self, reference: Side, other: Side, name: str) -> Difference | None:
        """The difference in a metric; None where a side does not have it, or where a share is no measure.

        Where not the same analyzers gave results, less time can mean less work: that is undecided.
        """
        key = (reference.name, other.name, name)
        if key not in self.known:
            first, second = reference.metric(name), other.metric(name)
            found = None
            if first.value is not None and second.value is not None and name not in AVERAGED:
                found = self.difference(reference, other, metric_samples(name), first.better)
                if unlike := reference.lost().keys() ^ other.lost().keys():
                    reason = f"not the same analyzers gave results: {', '.join(sorted(unlike))}"
                    found = dataclasses.replace(found, call="undecided", reason=reason)
            self.known[key] = found
        return self.known[key]

    def analyzers(self, reference: Side, other: Side) -> list[Moved]:
        """The analyzers that gave results in both, the one that changed by the most seconds first."""
        lost = {**reference.lost(), **other.lost()}
        moved = []
        for name in reference.first.analyzers:
            read = analyzer_samples(name)
            times = [[x for run in side.runs for x in read(run.result)] for side in (reference, other)]
            if name not in lost and all(times):
                difference = self.difference(reference, other, read, "lower")
                moved.append(Moved(name, median(times[0]), median(times[1]), difference))
        return sorted(moved, key=lambda m: -abs(m.change_s))

    def difference(
        self, reference: Side, other: Side, read: Callable[[Result], Sequence[float]], better: str
    ) -> Difference:
        """The difference of what `read` reads, beyond the noise of the noisier side."""
        first, second, paired = aligned(reference, other, read)
        noise = max(self.noise[reference.name][0], self.noise[other.name][0])
        return tell_apart(first, second, noise, paired, better)


def find(sides: Sequence[Side], wanted: str) -> Side:
    """The side of that name, or with a run at that path; InputError where there is none."""
    if named := next((side for side in sides if side.name == wanted), None):
        return named
    place = Path(wanted).resolve()
    for side in sides:
        if any(place in (path := run.path.resolve(), path.parent, path.parent.parent) for run in side.runs):
            return side
    raise InputError(f"--reference {wanted}: there is no such side{nearest(wanted, [s.name for s in sides])}")


def refusals(sides: Sequence[Side]) -> list[str]:
    """Why these sides are not to be compared: runs that are no measurement, and what differs."""
    lines = []
    for side in sides:
        for number, run in enumerate(side.runs):
            if reason := comparability.unusable(run.result):
                name = side.name if len(side.runs) == 1 else comparability.label(side, number)
                lines.append(f"{name} is no measurement: {reason} ({run.path})")
    return lines + comparability.mismatches(sides)


def not_in_turns(sides: Sequence[Side]) -> list[str]:
    """What to know of sides that did not take turns."""
    if len(sides) < 2 or (sides[0].sweep is not None and len({side.sweep for side in sides}) == 1):
        return []
    return [
        "these runs were not made in turns: what changed on the machine between them is not told apart from "
        f"what they differ in ({invocation.program()} -m grouping=a,b takes turns)"
    ]


def main_metric(reference: Side, wanted: str | None) -> str:
    """The metric that the calls are about; InputError where the reference has not measured it."""
    if wanted is None:
        return next((name for name in MAIN if reference.metric(name).value is not None), MAIN[0])
    known = [m.name for m in reference.first.metrics if m.name not in AVERAGED]
    if wanted not in known:
        raise InputError(f"--metric: there is no metric {wanted} to compare{nearest(wanted, known)}")
    if (found := reference.metric(wanted)).value is None:
        raise InputError(f"--metric: {wanted} was not measured in {reference.name}: {found.reason}")
    return wanted


def header(side: Side, name: str) -> tuple[str, str]:
    """Unit and better direction of a metric."""
    return next((m.unit, m.better) for m in side.first.metrics if m.name == name)


def noise_floor(side: Side) -> tuple[float, str]:
    """What this configuration differs from itself by on its machine, and where that is known from."""
    from clipbench.bench.comparing import calibration

    return calibration.lookup(calibration.key_of(side.first))


def judge(side: Side) -> list[TargetResult]:
    """The targets of the first run, judged by the value over all runs."""
    judged = []
    for target in side.first.targets:
        if len(side.runs) == 1 or target.status == "not_measured":
            judged.append(target)
            continue
        value = side.metric(target.metric).value
        status = "pass" if OPERATORS[target.op](value, target.limit) else "fail"
        judged.append(dataclasses.replace(target, observed=value, status=status))
    return judged


def quality_rows(sides: Sequence[Side]) -> tuple[list[Row], int]:
    """The quality figures that differ between the sides, and how many figures there are."""
    figures = [m.name for m in sides[0].first.metrics if m.name.startswith("quality.")]
    rows = []
    for name in figures:
        values: dict[str, Any] = {side.name: side.metric(name) for side in sides}
        if len({m.value for m in values.values()}) > 1:
            rows.append(Row(name, *header(sides[0], name), values, {}))
    return rows, sum(sides[0].metric(name).value is not None for name in figures)
