"""The runs of a GPU check, the most telling first, and which overrides may be added to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hydra.errors import HydraException

from clipbench.bench.errors import InputError
from clipbench.bench.measuring import quality_scores
from clipbench.bench.planning import config
from clipbench.bench.planning.config_errors import explain
from clipbench.bench.planning.plan import make_plan
from clipbench.executors.base import Plan

#: The run of the embedded profile, with which what the analyzers that all profiles share find is compared.
REFERENCE = "embedded"
#: What the check varies, or sets by options of its own.
TAKEN = {
    *("models", "models.profile", "models.size", "only", "grouping", "executor", "executor.cleanup"),
    *("scenario", "scenario.warmup", "scenario.repeats", "repeats", "scenario.wake", "hydra.run.dir"),
    *("plan", "profile", "calibrate", "baseline", "resume"),
}
#: Has it measured how long models take to be back; a queue ends with its last clip.
WAKE = "scenario.wake=true"
#: Seconds after which an analyzer that hangs is ended: it costs itself, and not the run.
LIMITS = ("executor.timeout_s=60", "executor.load_timeout_s=90")


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


def check_runs(size: str, repeats: int, only: str = "", overrides: Sequence[str] = ()) -> list[CheckRun]:
    """Random weights of `size` ("full" or "tiny"), the most telling first, and in the end the embedded run.

    `only` is a subset of the analyzers for all of them, separated by commas; "" is all twenty. `overrides`
    are added to every run. The embedded run has the analyzers that all profiles share; where there are none,
    there is no such run. spawn_pool is not among them: each of its workers holds all models, and one GPU has
    room for one such. Raises InputError for overrides or analyzers that cannot be used.
    """
    refuse_taken(overrides)
    random = ("models=random", f"models.size={size}")
    optimized, one = "grouping=optimized", "grouping=sequential"
    pinned, threads = "executor=gpu_pinned", "executor=threads"
    leave, unload, offload = (f"executor.cleanup={mode}" for mode in ("exit", "unload", "offload"))
    queue = "scenario=offline"
    made = [
        ("optimized × gpu_pinned, exit", optimized, pinned, leave),
        ("optimized × gpu_pinned, offline", queue, optimized, pinned, leave),
        ("optimized × threads, offload", optimized, threads, offload),
        ("optimized × threads, offline", queue, optimized, threads, leave),
        ("sequential, unload", one, unload),
        ("optimized × gpu_pinned, offload", optimized, pinned, offload),
        ("staged × gpu_pinned, exit", "grouping=staged", pinned, leave),
        ("sequential, offload", one, offload),
        ("optimized × threads, unload", optimized, threads, unload),
        ("optimized × gpu_pinned, unload", optimized, pinned, unload),
        ("staged × threads, exit", "grouping=staged", threads, leave),
    ]
    subset = (f"only=[{only}]",) if only else ()
    runs = [
        CheckRun(
            title,
            (*random, *own, *([] if queue in own else [WAKE]), *subset, *LIMITS, *overrides),
            4 * repeats if queue in own else repeats,
        )
        for title, *own in made
    ]
    if shared := sorted(shared_analyzers(planned(*random, *subset, *overrides))):
        same = ("models=embedded", f"only=[{','.join(shared)}]")
        runs.append(CheckRun(REFERENCE, (*same, *LIMITS, *overrides), 1))
    return runs


def refuse_taken(overrides: Sequence[str]) -> None:
    """Raise InputError for an override of what the check itself varies, and for what is none."""
    for override in overrides:
        key, equals, _ = override.lstrip("+~").partition("=")
        if not equals:
            raise InputError(f"gpu_check.py: {override} is no setting; write KEY=VALUE, as for run.py")
        if key in TAKEN:
            raise InputError(f"gpu_check.py: {key} is what the check itself sets; leave it out")


def planned(*overrides: str) -> Plan:
    """The plan of a configuration, without GPUs; raises InputError."""
    try:
        return make_plan(config.compose(*overrides))
    except HydraException as error:
        raise InputError(explain(error)) from error


def shared_analyzers(plan: Plan) -> frozenset[str]:
    """The analyzers of a run with random weights that are the embedded ones and read from no random one."""
    return frozenset(task.analyzer for task in plan.tasks()) - quality_scores.meaningless_results(plan).keys()
