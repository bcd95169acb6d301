"""What would help most: the analyzer that binds a pass, and by how much the pass would shrink without it."""

from __future__ import annotations

from dataclasses import dataclass

from clipbench.bench.measuring.bounds import Bound
from clipbench.bench.measuring.replay import Saving, bound_of_pass, savings
from clipbench.bench.runs.results import Result
from clipbench.reports import formatting
from clipbench.reports.drawing.passes import completed_passes, typical_pass

#: So many analyzers are listed.
MOST = 5
HOW = (
    "Predicted, by laying out the pieces of work of this pass again without one analyzer: the same seconds, "
    "workers and order. What the others would then compute that they now share with it is not in this."
)


@dataclass(frozen=True)
class Helping:
    """What binds the typical pass, in a `sentence`; `savings` are the greatest, `pass_s` is its length.

    `path` has the names on the critical path, first to last; it is empty for a queue of clips.
    """

    sentence: str
    pass_s: float
    savings: list[Saving]
    path: list[str]
    bound: str


def helping(result: Result) -> Helping | None:
    """What would help the typical measured pass; None without one, and where clips came when they came."""
    window = typical_pass(result)
    numbers = [
        p.number
        for p in completed_passes(result.run.passes)
        if not p.warmup and p.start_s >= window[0] and p.end_s <= window[1]
    ]
    if not numbers or result.served:
        return None
    pass_s = window[1] - window[0]
    found = savings(result, numbers)
    own = [span for span in result.spans if span.clip == numbers[0]]
    bound = bound_of_pass(result, own) if len(numbers) == 1 else None
    if not found:
        return None
    return Helping(
        sentence=said(found[0], pass_s, len(numbers)),
        pass_s=pass_s,
        savings=found[:MOST],
        path=[name.replace("_", " ") for name in bound.critical_path] if bound else [],
        bound=bound_said(bound) if bound else "",
    )


def said(first: Saving, pass_s: float, clips: int) -> str:
    """Which analyzer binds, and by how much."""
    what = "this pass" if clips == 1 else f"this queue of {clips} clips"
    if first.saved_s < 0.01 * pass_s:
        return f"No single analyzer binds: without any one of them {what} would be less than 1 % shorter."
    return (
        f"{first.analyzer.replace('_', ' ')} binds: without it {what} would take "
        f"{formatting.seconds(pass_s - first.saved_s)} instead of {formatting.seconds(pass_s)} "
        f"(−{100 * first.saved_s / pass_s:.0f} %), predicted."
    )


def bound_said(bound: Bound) -> str:
    """The critical path beside the other lower bounds on the pass."""
    spread = max(bound.analyzing_s / bound.workers, bound.busy_s / bound.machines)
    longer = "longer" if bound.critical_path_s >= spread else "shorter"
    return (
        f"{formatting.seconds(bound.critical_path_s)}, {longer} than all work spread evenly over what did it "
        f"({formatting.seconds(spread)}); the work took {formatting.seconds(bound.makespan_s)}"
    )
