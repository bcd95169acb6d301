"""Comparisons of results that were made up: for what compares and runs nothing."""

from __future__ import annotations

from pathlib import Path

from clipbench.bench.comparing import comparison
from clipbench.bench.comparing.candidates import Candidate
from clipbench.bench.comparing.comparison import Comparison
from clipbench.bench.comparing.statistics import Call
from clipbench.bench.runs.results import Result
from tests.support.stored_results import times, written

#: Samples of something that is slower than the default of a made-up result.
SLOW = times(1.5)


def candidates_of(folder: Path, **results: Result) -> list[Candidate]:
    """A candidate for each result, named by its keyword; the results are written into `folder`."""
    return comparison.load(f"{name}={written(one, folder / name)}" for name, one in results.items())


def compared(
    folder: Path,
    allow: bool = False,
    reference: str | None = None,
    metric: str | None = None,
    **results: Result,
) -> Comparison:
    """The comparison of a candidate for each result."""
    return comparison.compare(candidates_of(folder, **results), reference, metric, allow)


def call(made: Comparison, name: str, reference: str | None = None) -> Call:
    """The call on a candidate against the reference."""
    return made.pairs[reference or made.reference.name, name].call
