"""What else the machine had to do, in words that stand beside a verdict or a recommendation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clipbench.bench.probes.other_load import is_busy

if TYPE_CHECKING:
    from clipbench.bench.comparing.comparison import Comparison
    from clipbench.bench.runs.results import Result


def of_run(result: Result) -> str:
    """How many cores other work took during a run; "" for a simulated one."""
    run, cores = result.run, result.environment.cores_allowed
    return "" if run.simulated else f"load: {taken(run.other_cores, cores, run.other_cores_reason)}"


def of_candidates(comparison: Comparison) -> str:
    """The same for each candidate of a comparison; "" where all are simulated."""
    from clipbench.bench.comparing.doubts import other_cores

    said = [
        f"{taken(other_cores(one), one.first.environment.cores_allowed)} during {one.name}"
        for one in comparison.candidates
        if not one.first.run.simulated
    ]
    return f"load: {'; '.join(said)}" if said else ""


def taken(others: float | None, cores: int, reason: str = "") -> str:
    """How many of the cores other work took, and whether that is too many for times to mean much."""
    if others is None:
        return f"what other work took is not known{f' ({reason})' if reason else ''}"
    busy = "a busy machine: " if is_busy(others, cores) else ""
    return f"{busy}other work took {others:.2g} of {cores} cores"
