"""python run.py grouping=optimized: run the analyzers of one grouping under one executor, and report."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from omegaconf import DictConfig
    from rich.console import Console

    from clipbench.bench.comparing.comparison import Comparison
    from clipbench.bench.measuring.session import Session
    from clipbench.bench.runs.results import Result
    from clipbench.bench.sweeping.sweep import Sweep

# Libraries read these when they are first imported: OpenMP threads that spin while they wait take the
# cores from the other libraries' threads.
os.environ.setdefault("GOMP_SPINCOUNT", "0")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# CUDA is to number the GPUs as NVML and a plan do.
os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
os.environ["HYDRA_FULL_ERROR"] = "1"  # raise configuration errors, so that the words for them are ours

PROJECT = Path(__file__).resolve().parent


def execute(cfg: DictConfig) -> int:
    """One job: run it, print the report, write the result; returns the exit code."""
    from hydra.core.hydra_config import HydraConfig
    from omegaconf import OmegaConf
    from rich.console import Console

    from clipbench.bench.comparing import baselines
    from clipbench.bench.errors import InputError
    from clipbench.bench.measuring import session
    from clipbench.bench.planning import description as planned
    from clipbench.bench.runs import remeasure, results
    from clipbench.reports.comparison import baseline_console as baseline_report
    from clipbench.reports.live.run_progress import live
    from clipbench.reports.run import console as report
    from clipbench.reports.run import html, junit, markdown, timeline, trace
    from clipbench.reports.run import plan as plan_report

    console = Console()
    if not console.is_terminal:
        console.width = max(console.width, 160)  # in a log, nothing is to be cut off
    folder = Path(HydraConfig.get().runtime.output_dir)
    options = OmegaConf.to_object(cfg)
    if options.plan:
        plan_report.show(planned.describe(options), console)
        return 0
    prepared = session.prepare(options, folder)
    kept = baselines.check(prepared)
    listen()
    if options.calibrate:
        return calibrate(prepared, console)
    with live(Console(stderr=True), options.progress) as progress:
        result, segments, interrupted = session.run(prepared, progress, measured=ignore)

    def again() -> Result:
        console.print("slower than the baseline: measuring again, in a fresh process, before that is said")
        with baseline_report.waiting(Console(stderr=True), options.progress, "measuring again"):
            return remeasure.measure(folder / "confirmation")

    outcome = None
    if kept and not interrupted:
        try:
            listen()
            outcome = baselines.conclude(options.baseline, kept, result, again)
            ignore()
        except session.Interrupted as stop:
            interrupted = stop.code
    try:
        path = results.write(result, segments, folder)
    except InputError:
        report.show(result, console)  # what was measured is not lost with the disk's last byte
        raise
    try:
        trace.write(result, folder / "trace.json")
        timeline.draw(result, folder / "timeline.png")
        for kind in (html, markdown, junit):
            kind.write(result, folder)
    except OSError as error:
        line = f"hydra.run.dir: {error.filename or folder} cannot be written to ({error.strerror})"
        raise InputError(line) from error
    finally:
        report.show(result, console, path)
        if outcome:
            baseline_report.show(outcome, console)
    results.link_latest(folder, PROJECT / "outputs")
    by_baseline = baselines.exit_code(outcome, options.gate)
    return max(interrupted, session.exit_code(result, options.gate), by_baseline)


def calibrate(prepared: Session, console: Console) -> int:
    """Measure the configuration against itself and keep the noise floor; returns the exit code."""
    from rich.console import Console

    from clipbench.bench.comparing import calibration
    from clipbench.bench.errors import Exit
    from clipbench.bench.measuring.session import Interrupted
    from clipbench.bench.runs import remeasure
    from clipbench.reports.comparison import baseline_console as baseline_report

    def measure(number: int) -> Result:
        what = f"run {number} of {calibration.RUNS}"
        with baseline_report.waiting(Console(stderr=True), prepared.cfg.progress, what):
            return remeasure.measure(prepared.folder / f"run-{number}")

    calibration.check(prepared)
    try:
        found = calibration.calibrate(measure)
    except Interrupted as stop:
        print("clipbench: interrupted; nothing was calibrated", file=sys.stderr)
        return stop.code
    except remeasure.Unmeasured as error:
        complain(f"nothing was calibrated: {error}")
        return Exit.NOTHING_VALID
    baseline_report.show_calibration(found, str(calibration.store), console)
    return Exit.OK


def conduct(sweep: Sweep) -> int:
    """A sweep: its jobs take turns, and then they are compared; returns the exit code."""
    from rich.console import Console

    from clipbench.bench.measuring.session import Interrupted
    from clipbench.bench.runs import results
    from clipbench.bench.sweeping import verdict
    from clipbench.reports.live.sweep_progress import live

    for note in sweep.notes:
        print(f"clipbench: {note}", file=sys.stderr)
    listen()
    try:
        with live(Console(stderr=True), sweep.progress) as display:
            sweep.run(display)
        code, lines = verdict.verdict(sweep.jobs, compare(sweep))
        for line in lines:
            print(f"clipbench: {line}", file=sys.stderr)
    except Interrupted as stop:
        code = stop.code
        print(f"clipbench: interrupted; go on with: {sweep.resumption()}", file=sys.stderr)
    results.link_latest(sweep.folder, PROJECT / "multirun")
    return code


def compare(sweep: Sweep) -> Comparison | None:
    """Compare the jobs of a sweep, print that and write it down; None where no job has left a result.

    Jobs may differ in whatever was swept over: the report says in what, beside grouping and executor.
    """
    from rich.console import Console

    from clipbench.bench.comparing import comparison
    from clipbench.reports.comparison import console as comparison_console
    from clipbench.reports.comparison import html as report

    sides = comparison.load([sweep.folder])
    if not any(side.runs for side in sides):
        return None
    made = comparison.compare(sides, allow_mismatch=True)
    console = Console()
    if not console.is_terminal:
        console.width = max(console.width, 160)  # in a log, nothing is to be cut off
    comparison_console.show(made, console, report.write(made, sweep.folder))
    return made


def interrupt(number: int, _: object) -> None:
    """Ctrl-C or SIGTERM, once: end the run and write down what there is. A second one has no say."""
    from clipbench.bench.measuring.session import Interrupted

    ignore()
    raise Interrupted(128 + number)


def listen() -> None:
    """From now on Ctrl-C and SIGTERM interrupt."""
    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGINT, interrupt)


def ignore() -> None:
    """From now on they do not: what was measured is being written, which takes a moment."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def main() -> int:
    """Run with `sys.argv`; returns the exit code. A crash of the harness itself raises, which is 1."""
    if {"-h", "--help"}.intersection(sys.argv[1:]):
        from clipbench.bench.planning.help import help_text

        print(help_text(PROJECT / "conf"))
        return 0

    import hydra
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    from clipbench.analyzers import BrokenAnalyzer
    from clipbench.bench.errors import Exit, InputError
    from clipbench.bench.measuring.session import Interrupted
    from clipbench.bench.planning import config
    from clipbench.bench.planning.config_errors import explain
    from clipbench.bench.sweeping import hydra_sweeper
    from clipbench.executors.base import ExecutorUnavailable

    code: int = Exit.OK
    begun = False

    @hydra.main(version_base="1.3", config_path=str(PROJECT / "conf"), config_name="config")
    def job(cfg: DictConfig) -> None:
        nonlocal code, begun
        begun = True
        try:
            code = max(code, execute(cfg))
        except (InputError, ExecutorUnavailable) as error:
            code = complain(str(error))

    def sweep(planned: Sweep) -> None:
        nonlocal code
        code = conduct(planned)

    def checking(jobs: list) -> Iterable:
        from clipbench.reports.live.sweep_progress import checking

        return checking(jobs)

    try:
        config.register()
        hydra_sweeper.register(sweep, checking)
        job()
    except (BrokenAnalyzer, InputError) as error:
        return complain(str(error))
    except (HydraException, OmegaConfBaseException) as error:
        return complain(explain(error))
    except Interrupted as stop:
        return stop.code
    except OSError as error:
        if begun or error.filename is None:
            raise
        # Hydra could not make the run's folder.
        return complain(f"hydra.run.dir: {error.filename} cannot be written to ({error.strerror})")
    return code


def complain(line: str) -> int:
    """Print one line on stderr; returns the exit code for bad input."""
    print(f"clipbench: {line}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
