"""How far predictions were off here, and the interval that the next one gets from that.

Each run of a grouping that was found keeps the relative error of what was predicted for it. The next interval
is the smallest that would have held nine in ten of those: split conformal prediction (V. Vovk, A. Gammerman,
G. Shafer, "Algorithmic Learning in a Random World", 2005), with the ⌈0.9 (n + 1)⌉-th smallest of n errors.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING

from clipbench.bench.errors import InputError
from clipbench.bench.planning import cost_store
from clipbench.bench.planning.config import CostsConfig
from clipbench.bench.planning.percentiles import CLAIMED, clips_needed, percentile
from clipbench.bench.probes import environment
from clipbench.bench.runs.foretold import Foretold, PastError
from clipbench.bench.runs.serialization import WrongShape, from_json, to_json
from clipbench.bench.runs.storage import check_schema, write_json
from clipbench.executors.costs import Costs

if TYPE_CHECKING:
    from clipbench.bench.planning.auto.planner import Planned

SCHEMA = 1
#: The share of past errors that an interval holds, and how many errors are kept and used: the newest.
COVERAGE, MOST = 0.9, 200


def path_of(cfg: CostsConfig, profile: str) -> Path:
    """The file of the errors on this machine with these models, beside its costs."""
    costs = cost_store.path_of(cfg, profile, environment.describe())
    return costs.with_name(f"errors-{costs.name}")


def read(path: Path) -> list[PastError]:
    """The errors that were kept, the oldest first; raises InputError for a file that has none."""
    if not path.exists():
        return []
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        check_schema(raw, SCHEMA)
        return [from_json(PastError, each, f"errors[{n}]") for n, each in enumerate(raw["errors"])]
    except (OSError, ValueError, KeyError, TypeError, WrongShape) as error:
        raise InputError(f"{path} holds no errors of predictions ({error}); delete it") from error


def keep(path: Path, new: Sequence[PastError]) -> None:
    """Add errors to a file. Raises InputError if it cannot be written."""
    errors = [*read(path), *new][-MOST:]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, {"schema": SCHEMA, "errors": to_json(errors)})
    except OSError as error:
        raise InputError(
            f"costs.store: {path} cannot be written to ({error.strerror}); name another folder"
        ) from error


def foretold(planned: Planned, past: Sequence[PastError]) -> tuple[Foretold, ...]:
    """What is predicted of the metrics of a run, each with its interval."""
    problem, found = planned.problem, planned.prediction
    workload = problem.workload
    if workload.times_s:
        count = len(found.latency_s)
        values = [
            (f"latency_p{p}", "s", percentile(found.latency_s, p))
            for p in CLAIMED
            if count >= clips_needed(p)
        ]
        if (limit_s := workload.latency_limit_s) is not None:
            done = sum(seconds <= limit_s for seconds in found.latency_s)
            values.append(("goodput", "1/s", done / found.makespan_s))
    elif workload.in_flight > 1:
        values = [("throughput", "", sum(clip.duration_s for clip in workload.clips) / found.makespan_s)]
    else:
        values = [("rtf_warm", "", found.makespan_s / sum(clip.duration_s for clip in workload.clips))]
    if used := [share for index, share in found.gpus.items() if index in gpus_of(planned)]:
        values.append(("gpu_utilization", "%", 100 * mean(used)))
    return tuple(with_interval(Foretold(*value), past, problem.costs) for value in values)


def gpus_of(planned: Planned) -> set[int]:
    """The GPUs that a plan uses."""
    devices = {worker.device for worker in planned.plan.layout}
    return {int(device.removeprefix("gpu:")) for device in devices if device != "cpu"}


def with_interval(one: Foretold, past: Sequence[PastError], costs: Costs) -> Foretold:
    """A prediction with its interval, and where that comes from."""
    errors = sorted(abs(each.error) for each in past if each.metric == one.metric)
    rank = math.ceil(COVERAGE * (len(errors) + 1))
    if rank <= len(errors):
        source = f"{COVERAGE:.0%} of the last {len(errors)} predictions of {one.metric} here were that near"
        return within(one, errors[rank - 1], source)
    count = f"only {len(errors)}" if errors else "none"
    few = f"of its predictions here, {count} {'were' if len(errors) > 1 else 'was'} measured yet"
    off = costs.holdout if costs.holdout is not None else costs.residual
    if off is None:
        return replace(one, source=f"no interval: {few}, and the costs state no residual")
    return within(one, off, f"half of the times that the costs were tested on were that near; {few}")


def within(one: Foretold, off: float, source: str) -> Foretold:
    """A prediction that is off by up to this fraction."""
    return replace(one, low=one.predicted * (1 - off), high=one.predicted * (1 + off), source=source)
