"""Measure one configuration, print the report, and write it down: what `python run.py` does."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from clipbench.bench.comparing import baseline_comparison, baselines
from clipbench.bench.errors import InputError, Interrupted
from clipbench.bench.measuring import foretelling, metrics, session, shot_frames, targets, verdict
from clipbench.bench.planning.remarks import contexts_left
from clipbench.bench.runs import folders, kept_frames, remeasure, storage
from clipbench.bench.runs.kept_frames import KeptFrames
from clipbench.commands import export, interrupts
from clipbench.executors import leftovers
from clipbench.executors.containing import described
from clipbench.reports import terminal
from clipbench.reports.comparison import baseline_console
from clipbench.reports.live.run_progress import run_progress, waiting
from clipbench.reports.planning import console as planning_console
from clipbench.reports.run import console as report
from clipbench.reports.run import html, junit, markdown, timeline, trace

if TYPE_CHECKING:
    from rich.console import Console

    from clipbench.analyzers.base import Segment
    from clipbench.bench.planning.config import Config
    from clipbench.bench.runs.results import Result

log = logging.getLogger(__name__)


def measure(cfg: Config, folder: Path, console: Console) -> int:
    """Run `cfg` with `folder` as its output folder; returns the exit code.

    Raises InputError for a bad configuration or clip, and where the folder cannot be written to.
    """
    if removed := leftovers.remove():  # also where the run is refused: it is in everybody's way
        log.warning("clipbench: %s", removed)
    prepared = prepare(cfg, folder, console)
    kept = baselines.check(prepared)
    for line in contexts_left(prepared.plan):
        console.print(line, markup=False, soft_wrap=True)
    folders.claim(folder)
    interrupts.accept()
    predicted = prepared.plan.pretended is not None
    with run_progress(terminal.console(stderr=True), cfg.progress, predicted) as progress:
        finished = session.run(prepared, progress, measured=interrupts.ignore)
    result, interrupted = finished.result, finished.interrupted

    def confirm() -> Result:
        console.print("slower than the baseline: measuring again in a fresh process to confirm")
        with waiting(terminal.console(stderr=True), cfg.progress, "measuring again"):
            return remeasure.measure_again(folder / "confirmation", metrics.main_metrics())

    outcome = None
    if kept and not interrupted:
        try:
            interrupts.accept()
            outcome = baseline_comparison.conclude(kept, result, confirm, cfg.baseline == "save")
            interrupts.ignore()
        except Interrupted as stop:
            interrupted = stop.code

    def add_frames() -> None:
        if cfg.report.frames and not interrupted:
            keep_frames(cfg, prepared, finished, folder)

    write(result, finished.segments, folder, console, cfg.verbose, add_frames)
    if line := foretelling.keep_errors(cfg, result):
        console.print(line, markup=False)
    if outcome:
        baseline_console.show(outcome, console)
    storage.link_latest(folder, Path("outputs"))
    if not interrupted:
        interrupted = exported(cfg, folder, console)
    left_open = targets.not_allowed(result.targets, cfg.gate.allow_unmeasured)
    if left_open and cfg.gate.mode == "enforce" and result.verdict == "incomplete":
        line = f"exit code 5: gate.allow_unmeasured does not name {', '.join(left_open)}"
        console.print(line, markup=False)
    by_baseline = baseline_comparison.exit_code(outcome, cfg.gate)
    by_clips = verdict.exit_code_of_clips(result, cfg.gate)
    return max(interrupted, verdict.exit_code(result, cfg.gate), by_clips, by_baseline)


def keep_frames(cfg: Config, prepared: session.Session, finished: session.Finished, folder: Path) -> None:
    """Write the frames that the report shows.

    Whatever goes wrong costs the frames alone, for the clip is read anew and may be anything by now. A signal
    ends the reading; the run is whole without them, and no interrupted one.
    """
    reason = ""
    try:
        interrupts.accept()
        with waiting(terminal.console(stderr=True), cfg.progress, "reading frames for the report"):
            shot_frames.keep(prepared.plan, prepared.clips, finished.result, finished.segments, folder)
    except Interrupted:
        Interrupted.arrived = 0
        reason = "interrupted while they were read"
    except Exception as error:
        reason = described(error)
        log.debug("reading the frames again failed", exc_info=True)
    finally:
        interrupts.ignore()
    if reason:
        log.warning("clipbench: report.html has no frames: %s", reason)
        with contextlib.suppress(OSError):
            kept_frames.write(KeptFrames([], len(prepared.clips), reason), {}, folder)


def exported(cfg: Config, folder: Path, console: Console) -> int:
    """Export the run in `folder` as `cfg` asks; returns the exit code of a signal that ended that, else 0."""
    try:
        interrupts.accept()
        for line in export.after_run(cfg.export, folder):
            console.print(line, markup=False, soft_wrap=True)
        interrupts.ignore()
    except Interrupted as stop:
        return stop.code
    return 0


def prepare(cfg: Config, folder: Path, console: Console) -> session.Session:
    """The session of a configuration; a grouping that is searched for is shown with its prediction."""
    stderr, searching = terminal.console(stderr=True), cfg.progress and cfg.grouping.search
    with waiting(stderr, searching, "searching for a grouping"):
        prepared = session.prepare(cfg, folder)
    if prepared.found:
        planning_console.show(prepared.found, console)
    return prepared


def write(
    result: Result,
    segments: Mapping[str, Sequence[Segment]],
    folder: Path,
    console: Console,
    verbose: bool = False,
    before_reports: Callable[[], None] | None = None,
) -> None:
    """Write the result and its reports into `folder`, and print the report, `verbose` or not.

    `before_reports` is called when the result is safe: what it leaves in the folder is for the reports.
    The report is printed even where the folder cannot be written to, so that no measurement is lost with it.
    """
    path = None
    try:
        path = storage.write_result(result, segments, folder)
        if before_reports:
            before_reports()
        trace.write(result, folder / "trace.json")
        timeline.draw(result, folder / "timeline.png")
        for kind in (html, markdown, junit):
            kind.write(result, folder)
    except OSError as error:
        line = f"hydra.run.dir: {error.filename or folder} cannot be written to ({error.strerror})"
        raise InputError(line) from error
    finally:
        report.show(result, console, path, verbose)
