"""`python run.py -m …`: run the jobs of a sweep in turns, compare them, and print the comparison."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from clipbench.bench.comparing import comparison
from clipbench.bench.errors import Interrupted
from clipbench.bench.runs import storage
from clipbench.bench.sweeping import verdict
from clipbench.commands import interrupts
from clipbench.reports import terminal
from clipbench.reports.comparison import console as comparison_console
from clipbench.reports.comparison import files
from clipbench.reports.formatting import one_line
from clipbench.reports.live.sweep_progress import sweep_progress

if TYPE_CHECKING:
    from clipbench.bench.comparing.comparison import Comparison
    from clipbench.bench.sweeping.sweep import Sweep


def conduct(sweep: Sweep) -> int:
    """Run a sweep and compare its jobs; returns the exit code."""
    for note in sweep.notes:
        print(f"clipbench: {one_line(note)}", file=sys.stderr)
    code: int
    interrupts.accept()
    try:
        predicted = {job.name for job in sweep.jobs if job.predicted}
        with sweep_progress(terminal.console(stderr=True), sweep.progress, predicted) as display:
            sweep.run(display)
        code, lines = verdict.verdict(sweep.jobs, compare(sweep))
        for line in lines:
            print(f"clipbench: {one_line(line)}", file=sys.stderr)
    except Interrupted as stop:
        code = stop.code
        line = f"interrupted; continue with: {sweep.resumption}"
        print(f"clipbench: {one_line(line)}", file=sys.stderr)
    storage.link_latest(sweep.folder, Path("multirun"))
    return code


def compare(sweep: Sweep) -> Comparison | None:
    """Compare the jobs of a sweep, print and write the comparison; None where no job left a result.

    Jobs may differ in whatever was swept over: the report names it, beside grouping and executor.
    """
    candidates = comparison.load([sweep.folder])
    if not any(candidate.runs for candidate in candidates):
        return None
    made = comparison.compare(candidates, allow_mismatch=True)
    comparison_console.show(made, terminal.console(), files.write(made, sweep.folder))
    return made
