"""Everything that a machine with a GPU has to tell, in one go: the runs, and what is kept of them.

Each run is a process of its own (child_run.py), so that one that fails costs only itself, and what is done
is written after each. The order is that of interest: the first few already tell most.
"""

from __future__ import annotations

import datetime
import json
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clipbench.bench.errors import InputError
from clipbench.bench.measuring.session import random_results
from clipbench.bench.planning import config
from clipbench.bench.planning.placement import visible
from clipbench.bench.planning.plan import make_plan
from clipbench.bench.probes import environment
from clipbench.bench.runs import child_run, storage
from clipbench.bench.runs.results import Result
from clipbench.bench.runs.serialization import to_json

#: Metrics of a run that are kept.
METRICS = (
    "rtf_cold", "rtf_warm", "throughput", "efficiency", "gpu_utilization", "sm_activity", "gpu_memory_peak",
    "gpu_memory_residue", "ready_again_s", "energy_per_clip", "success_rate", "rss_peak",
)  # fmt: skip
#: The run of the embedded profile, which what the others' shared analyzers find is held against.
REFERENCE = "embedded"


@dataclass(frozen=True)
class Run:
    """One run to make: its name, and what `run.py` is told."""

    name: str
    overrides: tuple[str, ...]

    @property
    def folder(self) -> str:
        """The name as one of a folder."""
        return self.name.replace(" × ", "-").replace(", ", "-").replace(" ", "_")


def runs(size: str, repeats: int) -> list[Run]:
    """The embedded profile once, then random weights of `size` ("full" or "tiny"), the most telling first.

    spawn_pool is not among them: each of its workers holds all models, and one GPU has room for one such.
    """
    random = ("models=random", f"models.size={size}", f"scenario.repeats={repeats}")
    queue = ("models=random", f"models.size={size}", "scenario=offline", f"scenario.repeats={4 * repeats}")
    optimized, one = "grouping=optimized", "grouping=sequential"
    pinned, threads = "executor=gpu_pinned", "executor=threads"
    leave, unload, offload = (f"executor.cleanup={mode}" for mode in ("exit", "unload", "offload"))
    made = [
        ("optimized × gpu_pinned, exit", *random, optimized, pinned, leave),
        ("optimized × threads, offload", *random, optimized, threads, offload),
        ("sequential, unload", *random, one, unload),
        ("optimized × gpu_pinned, offline", *queue, optimized, pinned, leave),
        ("optimized × gpu_pinned, offload", *random, optimized, pinned, offload),
        ("optimized × threads, unload", *random, optimized, threads, unload),
        ("optimized × threads, offline", *queue, optimized, threads, leave),
        ("sequential, offload", *random, one, offload),
        ("staged × gpu_pinned, exit", *random, "grouping=staged", pinned, leave),
        ("optimized × gpu_pinned, unload", *random, optimized, pinned, unload),
        ("staged × threads, exit", *random, "grouping=staged", threads, leave),
    ]
    embedded = Run(REFERENCE, ("models=embedded", "scenario.repeats=1"))
    return [embedded, *(Run(name, tuple(overrides)) for name, *overrides in made)]


def check(
    todo: Iterable[Run], folder: Path, budget_s: float, only: str, told: Callable[[str, int], None]
) -> dict[str, Any]:
    """Make the runs one after another, until `budget_s` seconds are over; returns what gpu-check.json has.

    `only` is a subset of analyzers for all of them ("" for all twenty); `told` hears each run's name and
    place before it starts. Runs that are not made, or end with an error, are entries with the reason.
    """
    folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    state: dict[str, Any] = {
        "schema": 1,
        "started_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "environment": to_json(environment.describe()),
        "budget_s": budget_s,
        "runs": {},
    }
    found: dict[str, Any] | None = None
    for number, run in enumerate(todo):
        told(run.name, number)
        overrides = [*run.overrides, *([f"only=[{only}]"] if only else [])]
        entry: dict[str, Any] = {"overrides": overrides}
        left = budget_s - (time.monotonic() - began)
        if left <= 0:
            entry |= {"status": "not run", "reason": f"the {budget_s:g} s were over before it"}
        else:
            place = folder / run.folder
            taken = child_run.take(run.name, 1, [*overrides, "progress=false", own(place)], place, left)
            entry |= {"seconds": taken.seconds, "status": "failed", "reason": taken.reason}
            if taken.code is None:
                entry["reason"] = f"the {budget_s:g} s were over"
            elif taken.state == "done":
                entry |= summary(storage.read_result(place))
                segments = segments_in(place)
                if run.name == REFERENCE:
                    found = segments
                else:
                    entry["unchanged"] = unchanged(found, segments, shared(overrides))
        state["runs"][run.name] = entry
        storage.write_json(folder / "gpu-check.json", state)
    return state


def own(place: Path) -> str:
    """The override that names a run's folder."""
    return f"hydra.run.dir={child_run.literal(place.resolve())}"


def summary(result: Result) -> dict[str, Any]:
    """What is kept of a run's result."""
    metrics = {m.name: m for m in result.metrics}
    kept = ("status", "device", "model", "load_s", "analyze_s", "facts", "retried", "reason")
    return {
        "status": result.verdict,
        "reason": result.verdict_reason,
        "metrics": {
            name: {key: getattr(metrics[name], key) for key in ("value", "unit", "samples", "reason")}
            for name in METRICS
        },
        "devices": {group.name: group.device for group in result.run.groups},
        "cleanup": to_json(result.run.cleanup),
        "analyzers": {name: {key: getattr(a, key) for key in kept} for name, a in result.analyzers.items()},
    }


def segments_in(place: Path) -> dict[str, Any]:
    """Analyzer → its segments, as a run has written them."""
    files = (place / "segments").glob("*.json")
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}


def shared(overrides: Iterable[str]) -> set[str]:
    """The analyzers of a run with random weights that are the embedded ones and read of no random one."""
    plan = make_plan(config.compose(*overrides))
    return {task.analyzer for task in plan.tasks()} - random_results(plan).keys()


def unchanged(
    reference: Mapping[str, Any] | None, found: Mapping[str, Any], names: Iterable[str]
) -> dict[str, Any]:
    """Which analyzers among `names` were compared with the reference, and which found something else."""
    if reference is None:
        return {"compared": None, "differing": None, "reason": "the embedded run told nothing"}
    compared = sorted(name for name in names if name in reference and name in found)
    return {
        "compared": compared,
        "differing": [n for n in compared if found[n] != reference[n]],
        "reason": "",
    }


def refuse_without_gpu(size: str) -> None:
    """Raise InputError where there is no GPU, but for the tiny size, which tries the check itself."""
    found = environment.gpus()
    if size != "tiny" and not visible(found, os.environ.get("CUDA_VISIBLE_DEVICES")):
        why = "none that CUDA_VISIBLE_DEVICES lets us see" if isinstance(found, list) else found.reason
        raise InputError(f"there is no GPU to check ({why}); --size tiny tries the check on the CPU")
