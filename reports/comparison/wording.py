"""How the reports of a comparison word differences; the same on the terminal, in HTML and in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from clipbench.bench.measuring import metrics
from clipbench.reports import formatting

if TYPE_CHECKING:
    from clipbench.bench.comparing.candidates import Candidate
    from clipbench.bench.comparing.comparison import AnalyzerComparison, Comparison
    from clipbench.bench.comparing.statistics import Difference


def call_word(metric: str, call: str) -> str:
    """The call of a difference: less memory is not called faster, but better."""
    declared = metrics.find(metric)
    if declared is not None and declared.speed:
        return call
    return {"faster": "better", "slower": "worse"}.get(call, call)


def ratio(difference: Difference) -> str:
    """The ratio and its interval, such as "×0.76 (0.74 … 0.79)"; "" where there is no ratio."""
    found = difference.as_json()
    if found["ratio"] is None:
        return ""
    ends = f" ({difference.low:.3g} … {difference.high:.3g})" if found["low"] is not None else ""
    return f"×{difference.ratio:.3g}{ends}"


def interval_name(comparison: Comparison) -> str:
    """What the intervals are, such as "90 % interval"."""
    if any(difference.predicted for difference in comparison.pairs.values()):
        return "error of the costs"
    return f"{100 * comparison.confidence:.0f} % interval"


def made_with(candidate: Candidate) -> str:
    """What a candidate's times rest on, such as "2 workers, 4 threads, 0.3 cores of other work"."""
    run = candidate.first.run
    if run.simulated:
        size = (plural(run.workers, "worker"), plural(run.threads, "thread"))
        machine = run.simulated.machine
        gpus = f" × {len(machine.gpus)}" if machine.gpus else ""
        return ", ".join((f"predicted for {machine.name}{gpus}", *size))
    known = [one.result.run.other_cores for one in candidate.runs]
    others = [cores for cores in known if cores is not None]
    beside = f"{median(others):.2g} cores of other work" if others else "other work not known"
    counts = (plural(run.workers, "worker"), plural(run.threads, "thread"), plural(len(known), "run"))
    return ", ".join((*counts, beside))


def named(candidate: Candidate) -> str:
    """The name of a candidate over figures of it alone."""
    return f"{candidate.name} (predicted)" if candidate.first.run.simulated else candidate.name


def headed(comparison: Comparison, text: str) -> str:
    """A heading over figures of a comparison, which says so where any of them is a prediction."""
    simulated = [candidate for candidate in comparison.candidates if candidate.first.run.simulated]
    if not simulated:
        return text
    return (
        f"predicted: {text}" if len(simulated) == len(comparison.candidates) else f"partly predicted: {text}"
    )


#: How a difference is called that was measured, and one that was predicted.
CALLED = (
    "Below each value are its ratio to the reference, with the {interval} from a bootstrap, and the call. "
    "Faster and slower require an interval beyond the noise floor and a rank test, in a table one that is "
    "adjusted for its length, and of few runs an interval beyond what processes may differ by; same requires "
    "an interval within the margin; otherwise the call is undecided (docs/statistics.md)."
)
CALLED_PREDICTED = (
    "Below each value are its ratio to the reference, as far as the error of the costs leaves it open, and "
    "the call. Every figure is predicted, and has no noise: faster and slower are beyond that error, the same"
    " are equal, and what is between is undecided (docs/comparing.md)."
)


def how_called(comparison: Comparison) -> str:
    """What the table of metrics shows below each value, in sentences."""
    if all(candidate.first.run.simulated for candidate in comparison.candidates):
        return CALLED_PREDICTED
    return CALLED.format(interval=interval_name(comparison))


def shown_pass(comparison: Comparison) -> str:
    """Which pass of a candidate its timeline shows."""
    if all(candidate.first.run.simulated for candidate in comparison.candidates):
        return "the predicted pass of median length"
    return "the pass of median length of those that count"


def plural(number: int, thing: str) -> str:
    """A number of things: "1 worker", "2 workers"."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def change(seconds: float) -> str:
    """Seconds more or less, such as "+2.00 s" and "−0.3 ms"."""
    return f"{'−' if seconds < 0 else '+'}{formatting.seconds(abs(seconds))}"


def split_moved(
    moved: Sequence[AnalyzerComparison],
) -> tuple[list[AnalyzerComparison], list[AnalyzerComparison]]:
    """The analyzers that moved beyond noise, and the others."""
    sure = [m for m in moved if m.difference.call in ("faster", "slower")]
    return sure, [m for m in moved if m not in sure]


@dataclass(frozen=True)
class Failure:
    """What went wrong in a candidate: its name, and the rest of the sentence that begins with it."""

    name: str
    text: str


def failures(comparison: Comparison) -> list[Failure]:
    """Candidates without a result, failed runs of the others, and analyzers that were lost."""
    c = comparison
    failed = [candidate for candidate in c.candidates if candidate.failures]
    return [
        *(Failure(one.name, f"left no result: {'; '.join(one.failures)}") for one in c.failed),
        *(Failure(one.name, f"has failed runs: {'; '.join(one.failures)}") for one in failed),
        *(
            Failure(one.name, f"lost {analyzer}: {why}")
            for one in c.candidates
            for analyzer, why in one.lost().items()
        ),
    ]
