"""comparison.html: a comparison to show to others, in one file that loads nothing from elsewhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from clipbench.bench.runs.results import Result, TargetResult, quality_of
from clipbench.bench.runs.utilization import Window
from clipbench.reports import formatting, load
from clipbench.reports.comparison import front, wording
from clipbench.reports.drawing.charts import sample_strips
from clipbench.reports.drawing.html_page import template_environment
from clipbench.reports.drawing.passes import typical_pass
from clipbench.reports.drawing.timeline_svg import timeline_svg

if TYPE_CHECKING:
    from markupsafe import Markup

    from clipbench.bench.comparing.candidates import Candidate
    from clipbench.bench.comparing.comparison import Comparison

#: There is a table of every pair for up to this many candidates.
MAX_CANDIDATES_IN_PAIRS = 8
#: Call → the sign that goes with its colour.
CALL_SIGNS = {"faster": "▲", "better": "▲", "slower": "▼", "worse": "▼", "same": "=", "undecided": "?"}


@dataclass(frozen=True)
class CandidateTimeline:
    """The typical pass of one candidate: its length in words, the picture, and whether it is `predicted`."""

    name: str
    length: str
    svg: Markup
    predicted: bool


@dataclass(frozen=True)
class TargetRow:
    """One target, and how it stands in each candidate that has it, by name."""

    target: TargetResult
    by_candidate: dict[str, TargetResult]

    @property
    def missed(self) -> bool:
        """Whether any candidate misses it."""
        return any(t.status == "fail" for t in self.by_candidate.values())

    @property
    def met(self) -> bool:
        """Whether all candidates that have it meet it."""
        return all(t.status == "pass" for t in self.by_candidate.values())


def render(comparison: Comparison) -> str:
    """The page."""
    c = comparison
    targets = target_rows(c)
    template = template_environment().get_template("comparison.html.j2")
    return template.render(
        c=c,
        candidates=c.candidates,
        load=load.of_candidates(c),
        others=[candidate for candidate in c.candidates if candidate is not c.reference],
        wording=wording,
        call_signs=CALL_SIGNS,
        interval_name=wording.interval_name(c),
        strips=sample_strips(c),
        timelines=timelines(c),
        moved={name: wording.split_moved(rows) for name, rows in c.analyzers.items()},
        missed_targets=[row for row in targets if row.missed],
        other_targets=folded([row for row in targets if not row.missed]),
        counted_targets=len([row for row in targets if not row.missed]),
        environment=formatting.environment_rows(c.reference.first.environment),
        lost=[
            (candidate.name, name, why)
            for candidate in c.candidates
            for name, why in candidate.lost().items()
        ],
        failures=wording.failures(c),
        all_pairs=2 < len(c.candidates) <= MAX_CANDIDATES_IN_PAIRS,
        **front_parts(c),
    )


def front_parts(comparison: Comparison) -> dict[str, object]:
    """What front.html.j2 shows; nothing where there is no front."""
    found = comparison.front
    if found is None:
        return {}
    return {
        "front_title": front.TITLE,
        "front_heads": front.heads(found),
        "front_rows": front.rows(found),
        "front_chart": front.chart(found),
        "front_legend": front.legend(comparison, found),
    }


def timelines(comparison: Comparison) -> list[CandidateTimeline]:
    """The typical pass of each candidate, all on one time axis."""
    found = [(candidate, *median_run(candidate)) for candidate in comparison.candidates]
    found = [(candidate, result, window) for candidate, result, window in found if result.spans]
    longest = max((window[1] - window[0] for _, _, window in found), default=0.0)
    return [
        CandidateTimeline(
            candidate.name,
            formatting.seconds(window[1] - window[0]),
            timeline_svg(result, window, longest),
            result.run.simulated is not None,
        )
        for candidate, result, window in found
    ]


def median_run(candidate: Candidate) -> tuple[Result, Window]:
    """The run whose typical pass is nearest to the median over the candidate's runs, and that pass."""
    found = [(run.result, typical_pass(run.result)) for run in candidate.runs]
    middle = median(end - start for _, (start, end) in found)
    return min(found, key=lambda one: abs(one[1][1] - one[1][0] - middle))


def target_rows(comparison: Comparison) -> list[TargetRow]:
    """Each target with how it stands in each candidate; those that a candidate misses come first."""
    found: dict[str, dict[str, TargetResult]] = {}
    for name, targets in comparison.targets.items():
        for target in targets:
            found.setdefault(target.metric, {})[name] = target
    rows = [TargetRow(next(iter(by_candidate.values())), by_candidate) for by_candidate in found.values()]
    return sorted(rows, key=lambda row: not row.missed)


def folded(rows: Sequence[TargetRow]) -> list[TargetRow]:
    """The rows, with one for all that every candidate meets on the same figure of at least three analyzers.

    It is called "quality.*.coverage", and observed is each candidate's worst.
    """
    alike: dict[tuple[str, str, str, tuple[str, ...]], list[TargetRow]] = {}
    for row in rows:
        if row.met and quality_of(row.target.metric):
            t = row.target
            key = t.metric.rpartition(".")[2], t.op, str(t.limit), tuple(row.by_candidate)
            if all(str(other.limit) == key[2] for other in row.by_candidate.values()):
                alike.setdefault(key, []).append(row)
    together = {id(row) for each in alike.values() if len(each) >= formatting.LEAST_ALIKE for row in each}
    shown = [row for row in rows if id(row) not in together]
    for (figure, op, _, names), each in alike.items():
        if len(each) < formatting.LEAST_ALIKE:
            continue
        worst = min if op.startswith(">") else max
        found = {
            name: dataclasses.replace(
                each[0].by_candidate[name],
                metric=f"quality.*.{figure}",
                observed=worst(row.by_candidate[name].observed or 0.0 for row in each),
                reason=f"{len(each)} analyzers",
            )
            for name in names
        }
        shown.append(TargetRow(found[names[0]], found))
    return shown
