"""The GPU check: a sweep of everything that a machine with a GPU has to tell, the most telling first.

gpu-check.json is written after every run. Like any sweep, it continues where it was interrupted.
"""

from __future__ import annotations

import dataclasses
import datetime
import math
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.errors import HydraException

from clipbench.bench.comparing import comparability
from clipbench.bench.errors import InputError
from clipbench.bench.measuring import quality_scores, session
from clipbench.bench.planning import config
from clipbench.bench.planning.placement import visible
from clipbench.bench.probes import environment
from clipbench.bench.runs import storage, sweep_state
from clipbench.bench.runs.sweep_state import Turn
from clipbench.bench.sweeping import identity
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
from clipbench.bench.sweeping.sweep import Job, Sweep, Watcher, locked
from clipbench.executors.base import Plan

#: The run of the embedded profile, with which what the analyzers that all profiles share find is compared.
REFERENCE = "embedded"


@dataclass(frozen=True)
class CheckRun:
    """A run of the check: its title, and the overrides of run.py."""

    title: str
    overrides: tuple[str, ...]
    repeats: int

    @property
    def name(self) -> str:
        """The title as the name of a job and of its folder."""
        return self.title.replace(" × ", "-").replace(", ", "-").replace(" ", "_")


def check_runs(size: str, repeats: int, only: str = "") -> list[CheckRun]:
    """The embedded profile once, then random weights of `size` ("full" or "tiny"), the most telling first.

    `only` is a subset of the analyzers for all of them, separated by commas; "" is all twenty.
    spawn_pool is not among them: each of its workers holds all models, and one GPU has room for one such.
    """
    random = ("models=random", f"models.size={size}")
    optimized, one = "grouping=optimized", "grouping=sequential"
    pinned, threads = "executor=gpu_pinned", "executor=threads"
    leave, unload, offload = (f"executor.cleanup={mode}" for mode in ("exit", "unload", "offload"))
    queue = "scenario=offline"
    made = [
        ("optimized × gpu_pinned, exit", optimized, pinned, leave),
        ("optimized × threads, offload", optimized, threads, offload),
        ("sequential, unload", one, unload),
        ("optimized × gpu_pinned, offline", queue, optimized, pinned, leave),
        ("optimized × gpu_pinned, offload", optimized, pinned, offload),
        ("optimized × threads, unload", optimized, threads, unload),
        ("optimized × threads, offline", queue, optimized, threads, leave),
        ("sequential, offload", one, offload),
        ("staged × gpu_pinned, exit", "grouping=staged", pinned, leave),
        ("optimized × gpu_pinned, unload", optimized, pinned, unload),
        ("staged × threads, exit", "grouping=staged", threads, leave),
    ]
    subset = (f"only=[{only}]",) if only else ()
    return [
        CheckRun(REFERENCE, ("models=embedded", *subset), 1),
        *(
            CheckRun(title, (*random, *overrides, *subset), 4 * repeats if queue in overrides else repeats)
            for title, *overrides in made
        ),
    ]


def run_check(
    runs: Sequence[CheckRun], folder: Path, budget_s: float, command: Sequence[str], display: Watcher
) -> GpuCheck:
    """Make the runs, one after another, until `budget_s` seconds are over; returns what gpu-check.json holds.

    A check in `folder` that was interrupted is resumed; a complete one, or another one, is begun anew.
    `display` is told of the progress. Runs that are not made, or fail, are entries with the reason. Raises
    InputError if the folder cannot be written to, or another process is at the check in it.
    """
    prepared = [prepare(run, folder) for run in runs]
    sweep = Sweep(
        folder=folder,
        jobs=[each.job for each in prepared],
        rounds=1,
        repeats=1,
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
    recorder = Recorder(prepared, folder, budget_s, display)
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


def shared_analyzers(plan: Plan) -> frozenset[str]:
    """The analyzers of a run with random weights that are the embedded ones and read from no random one."""
    return frozenset(task.analyzer for task in plan.tasks()) - quality_scores.meaningless_results(plan).keys()


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

    def __init__(self, runs: Sequence[PreparedRun], folder: Path, budget_s: float, display: Watcher) -> None:
        self.runs = {each.job.name: each.run for each in runs}
        self.shared = {each.job.name: each.shared for each in runs}
        self.folder, self.display = folder, display
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        self.check = GpuCheck(environment.describe(), budget_s, now)
        self.reference: Mapping[str, Any] | None = None

    def began(self, number: int, of: int, job: str, round_: int, left_s: float | None) -> None:
        """A run has begun."""
        self.display.began(number, of, self.runs[job].title, round_, left_s)

    def ended(self, turn: Turn) -> None:
        """A run has ended: keep and write down its figures."""
        self.record(turn)
        self.display.ended(dataclasses.replace(turn, job=self.runs[turn.job].title))

    def gave_up(self, job: str, reason: str) -> None:
        """A job gets no more turns, which does not happen in one round."""
        self.display.gave_up(self.runs[job].title, reason)

    def budget_over(self, left: Sequence[tuple[int, Job]], interrupted: bool, command: str) -> None:
        """The budget is over: write down which runs were not made."""
        over = f"the {self.check.budget_s:g} s were over"
        for at, (_, job) in enumerate(left):
            run = self.runs[job.name]
            cut = interrupted and at == 0
            status, reason = ("failed", over) if cut else ("not run", f"{over} before it")
            self.check.runs[run.title] = CheckedRun(overrides_of(run), status, reason)
        write(self.check, self.folder)
        self.display.budget_over(left, interrupted, command)

    def record(self, turn: Turn) -> None:
        """Keep and write down the figures of a finished run."""
        run, place = self.runs[turn.job], self.folder / turn.job / str(turn.round)
        kept = CheckedRun(overrides_of(run), "failed", turn.reason, turn.seconds)
        if turn.state == "done":
            kept = summary(kept, storage.read_result(place))
            segments = segments_in(place)
            if run.title == REFERENCE:
                self.reference = segments
            else:
                same = unchanged(self.reference, segments, self.shared[turn.job])
                kept = dataclasses.replace(kept, unchanged=same)
        self.check.runs[run.title] = kept
        write(self.check, self.folder)


def overrides_of(run: CheckRun) -> list[str]:
    """The overrides with which people can make this run themselves."""
    return [*run.overrides, f"scenario.repeats={run.repeats}"]


def refuse_without_gpu(size: str) -> None:
    """Raise InputError if there is no GPU, except for the tiny size, which tries the check itself."""
    found = environment.gpus()
    if size != "tiny" and not visible(found, os.environ.get("CUDA_VISIBLE_DEVICES")):
        why = "none that CUDA_VISIBLE_DEVICES lets us see" if isinstance(found, list) else found.reason
        raise InputError(f"there is no GPU to check ({why}); --size tiny tries the check on the CPU")
