"""What repeats=auto has come to, in a line: how many passes, how wide the interval is, and why no more."""

from __future__ import annotations

from clipbench.bench.resampling import STOPPING
from clipbench.bench.runs.serving import ScenarioSummary
from clipbench.reports import formatting


def line(scenario: ScenarioSummary) -> str:
    """Such as "9 passes: the 95 % interval of rtf_warm is ±2.1 % of the median"; "" without repeats=auto.

    The interval need not have its median in the middle: ± is half of its width.
    """
    found = scenario.auto
    if found is None:
        return ""
    taken = f"{found.taken} {'pass' if found.taken == 1 else 'passes'}"
    if found.stopped == "interrupted":
        return f"interrupted after {taken}, before repeats=auto had enough"
    what = f"the {100 * STOPPING:.0f} % interval of {found.metric}"
    width = f"is {half(found.width)} of the median" if found.width is not None else "is not known"
    asked = f"asked: {half(found.interval)}"
    if found.stopped == "interval":
        return f"{taken}: {what} {width} ({asked})"
    spent = formatting.number(found.budget_s, "s")
    longer = f"scenario.budget_s={formatting.number(2 * found.budget_s or 60.0)} goes on longer"
    return f"budget of {spent} spent after {taken}: {what} {width} ({asked}; {longer})"


def half(width: float) -> str:
    """Half of a width that is a share of the median: "±2.1 %"."""
    return f"±{100 * width / 2:.2g} %"
