"""`python run.py calibrate=true`: measure a configuration against itself and keep the noise floor."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from clipbench.bench.comparing import calibration
from clipbench.bench.errors import Exit, Interrupted
from clipbench.bench.measuring import metrics, session
from clipbench.bench.planning.scenario import AUTO
from clipbench.bench.runs import folders, remeasure
from clipbench.commands import interrupts
from clipbench.reports import terminal
from clipbench.reports.comparison import baseline_console
from clipbench.reports.formatting import one_line
from clipbench.reports.live.run_progress import waiting

if TYPE_CHECKING:
    from clipbench.bench.planning.config import Config
    from clipbench.bench.runs.results import Result


def calibrate(cfg: Config, folder: Path, console: Console) -> int:
    """Measure `cfg` several times, each in a fresh process below `folder`; returns the exit code."""
    asked = cfg.scenario.repeats if cfg.repeats is None else cfg.repeats
    calibration.check(session.prepare(cfg, folder))
    repeats = f"repeats={cfg.scenario.least}"
    if asked == AUTO:
        console.print(f"repeats=auto: the runs of a calibration are alike, with {repeats}", markup=False)
    folders.claim(folder)

    def measure(number: int) -> Result:
        what = f"run {number} of {calibration.RUNS}"
        with waiting(terminal.console(stderr=True), cfg.progress, what):
            return remeasure.measure_again(folder / f"run-{number}", metrics.main_metrics(), repeats)

    interrupts.accept()
    try:
        found = calibration.calibrate(measure)
    except Interrupted as stop:
        print("clipbench: interrupted; nothing was calibrated", file=sys.stderr)
        return stop.code
    except remeasure.Unmeasured as error:
        print(f"clipbench: nothing was calibrated: {one_line(str(error))}", file=sys.stderr)
        return Exit.NOTHING_VALID
    baseline_console.show_calibration(found, str(calibration.store), console)
    return Exit.OK
