"""The GPU check: a sweep of everything that a machine with a GPU has to tell, the most telling first.

gpu-check.json is written after every run. Like any sweep, it continues where it was interrupted.
"""

from __future__ import annotations

import dataclasses
import datetime
import logging
import math
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.errors import HydraException

from clipbench.bench.comparing import comparability
from clipbench.bench.errors import InputError
from clipbench.bench.measuring import session
from clipbench.bench.planning import config
from clipbench.bench.planning.placement import visible
from clipbench.bench.probes import environment
from clipbench.bench.runs import storage, sweep_state
from clipbench.bench.runs.sweep_state import Turn
from clipbench.bench.sweeping import identity
from clipbench.bench.sweeping.folder_lock import locked
from clipbench.bench.sweeping.gpu_check_pace import PacedSweep
from clipbench.bench.sweeping.gpu_check_runs import REFERENCE, CheckRun, shared_analyzers
from clipbench.bench.sweeping.gpu_check_state import (
    FILE,
    PAGE,
    CheckedRun,
    GpuCheck,
    segments_in,
    summary,
    unchanged,
    write,
)
from clipbench.bench.sweeping.sweep import Job, Sweep, Watcher

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Told:
    """Whom a check tells of its progress: a display, and what is called with it after every run.

    `copies` are folders in which gpu-check.json grows too, beside the check's own.
    """

    display: Watcher
    written: Callable[[GpuCheck], None] = lambda check: None
    copies: tuple[Path, ...] = ()


def run_check(
    runs: Sequence[CheckRun], folder: Path, budget_s: float, command: Sequence[str], told: Told
) -> GpuCheck:
    """Make the runs, one after another, until `budget_s` seconds are over; returns what gpu-check.json holds.

    A check in `folder` that was interrupted is resumed; a complete one, or another one, is begun anew. Runs
    that are not made, or fail, are entries with the reason. Raises InputError if the folder cannot be written
    to, or another process is at the check in it.
    """
    prepared = [prepare(run, folder) for run in runs]
    sweep = PacedSweep(
        folder=folder,
        jobs=[each.job for each in prepared],
        rounds=1,
        repeats=runs[0].repeats,
        order="fixed",
        seed=0,
        timeout_s=math.inf,
        code=identity.code(),
        command=list(command),
        resumption=" ".join(command),
        budget_s=budget_s,
        folder_setting="--output",
        timeout_setting="--budget",
        own_folder=False,
    )
    with locked(folder, "--output"):
        if not resumable(sweep):
            discard(sweep)
    recorder = Recorder(prepared, folder, budget_s, told)
    if sweep_state.exists(folder):
        for turn in sweep_state.read(folder).turns:
            recorder.record(turn)
    sweep.run(recorder)
    return recorder.check


@dataclass(frozen=True)
class PreparedRun:
    """A run of the check, its job, and the analyzers in it that find what they find in the reference."""

    run: CheckRun
    job: Job
    shared: frozenset[str]


def prepare(run: CheckRun, folder: Path) -> PreparedRun:
    """Prepare a run. One that is refused here is a job too: it fails alone, with the reason."""
    shared: frozenset[str] = frozenset()
    try:
        prepared = session.prepare(config.compose(*run.overrides), folder)
        key = comparability.of_session(prepared).sweep()
        shared = shared_analyzers(prepared.plan)
    except (InputError, HydraException) as error:
        key = {"refused": str(error)}
    job = Job(run.name, run.overrides, key, {"overrides": list(run.overrides)}, repeats=run.repeats)
    return PreparedRun(run, job, shared)


def resumable(sweep: Sweep) -> bool:
    """Whether the sweep's folder holds this sweep, not yet complete."""
    if not sweep_state.exists(sweep.folder):
        return False
    try:
        before = sweep_state.read(sweep.folder)
    except InputError:
        return False
    return not before.complete and not sweep.changes(before)


def discard(sweep: Sweep) -> None:
    """Remove what an earlier check has left in the sweep's folder, and nothing else."""
    for name in (sweep_state.FILE, FILE, PAGE):
        (sweep.folder / name).unlink(missing_ok=True)
    for job in sweep.jobs:
        shutil.rmtree(sweep.folder / job.name, ignore_errors=True)


class Recorder:
    """Keeps what is known of the runs of a check, and writes gpu-check.json after each; a sweep's watcher."""

    def __init__(self, runs: Sequence[PreparedRun], folder: Path, budget_s: float, told: Told) -> None:
        self.runs = {each.job.name: each.run for each in runs}
        self.shared = {each.run.title: each.shared for each in runs}
        self.folder, self.told = folder, told
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        self.check = GpuCheck(environment.describe(), budget_s, now)
        self.places: dict[str, Path] = {}  # title → the folder of its result

    def began(self, number: int, of: int, job: str, round_: int, left_s: float | None) -> None:
        """A run has begun."""
        self.told.display.began(number, of, self.runs[job].title, round_, left_s)

    def ended(self, turn: Turn) -> None:
        """A run has ended: keep and write down its figures."""
        self.record(turn)
        self.told.display.ended(dataclasses.replace(turn, job=self.runs[turn.job].title))

    def gave_up(self, job: str, reason: str) -> None:
        """A job gets no more turns, which does not happen in one round."""
        self.told.display.gave_up(self.runs[job].title, reason)

    def budget_over(self, left: Sequence[tuple[int, Job]], interrupted: bool, command: str) -> None:
        """The budget is over: write down which runs were not made."""
        over = f"the {self.check.budget_s:g} s were over"
        for at, (_, job) in enumerate(left):
            run = self.runs[job.name]
            cut = interrupted and at == 0
            status, reason = ("failed", over) if cut else ("not run", f"{over} before it, or would have been")
            self.check.runs[run.title] = CheckedRun(overrides_of(run, run.repeats), status, reason)
        self.write()
        self.told.display.budget_over(left, interrupted, command)

    def record(self, turn: Turn) -> None:
        """Keep and write down the figures of a finished run."""
        run, place = self.runs[turn.job], self.folder / turn.job / str(turn.round)
        kept = CheckedRun(overrides_of(run, run.repeats), "failed", turn.reason, turn.seconds)
        if turn.state == "done":
            result = storage.read_result(place)
            kept = dataclasses.replace(kept, overrides=overrides_of(run, result.run.scenario.repeats))
            kept = summary(kept, result)
            self.places[run.title] = place
        self.check.runs[run.title] = kept
        self.compare()
        self.write()

    def compare(self) -> None:
        """Compare what the runs with random weights have found with what the embedded one has, if it has."""
        there = self.places.get(REFERENCE)
        reference: Mapping[str, Any] | None = segments_in(there) if there else None
        for title, place in self.places.items():
            if title != REFERENCE:
                same = unchanged(reference, segments_in(place) if there else {}, self.shared[title])
                self.check.runs[title] = dataclasses.replace(self.check.runs[title], unchanged=same)

    def write(self) -> None:
        """Write gpu-check.json and what others make of it."""
        write_with_copies(self.check, self.folder, self.told.copies)
        self.told.written(self.check)


def write_with_copies(check: GpuCheck, folder: Path, copies: Sequence[Path]) -> None:
    """Write gpu-check.json, also where it is copied to: a copy that cannot be written ends nothing."""
    write(check, folder)
    for copy in copies:
        try:
            copy.mkdir(parents=True, exist_ok=True)
            write(check, copy)
        except OSError as error:
            log.warning("gpu-check.json could not be copied to %s: %s", copy, error)


def overrides_of(run: CheckRun, repeats: int) -> list[str]:
    """The overrides with which people can make this run themselves."""
    return [*run.overrides, f"scenario.repeats={repeats}"]


def refuse_without_gpu(size: str) -> None:
    """Raise InputError if there is no GPU, except for the tiny size, which tries the check itself."""
    found = environment.gpus()
    if size != "tiny" and not visible(found, os.environ.get("CUDA_VISIBLE_DEVICES")):
        why = "none that CUDA_VISIBLE_DEVICES lets us see" if isinstance(found, list) else found.reason
        raise InputError(f"there is no GPU to check ({why}); --size tiny tries the check on the CPU")
