"""A grouping that was found, as a file in conf/grouping that a person would have been glad to write."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from clipbench.analyzers import registry
from clipbench.bench.errors import InputError
from clipbench.bench.locations import CONF
from clipbench.bench.planning.auto.configured import FoundGrouping
from clipbench.bench.planning.auto.explaining import run_prediction
from clipbench.bench.planning.plan import REST
from clipbench.bench.runs.foretold import Foretold


def as_yaml(name: str, found: FoundGrouping, command: str) -> str:
    """The file of a grouping that was found, with the reasons as comments."""
    planned, prediction = found.planned, run_prediction(found)
    demand = planned.problem.demand()
    per_clip = 1 / len(demand.clips)
    lines = [
        f"# Found for {prediction.objective} by {command}",
        f"# under executor={found.executor}, from {prediction.costs}.",
        *(f"# Predicted: {one.metric} {one.predicted:.3g}{within(one)}." for one in found.metrics),
        f"# What binds: {prediction.binds}.",
        f"name: {name}",
        "groups:",
    ]
    for group in planned.plan.groups:
        names = tuple(task.analyzer for task in group.tasks)
        gpu = group.device != "cpu"
        load = demand.load(names, group.threads or 1, gpu)
        shared = Counter(each.split()[0] for name in names for each in set(demand.cost(name).derivations))
        together = ", ".join(what for what, count in shared.items() if count > 1)
        lines.append(f"  {group.name}:  # {load.worker_s * per_clip:.2g} s of work for a clip")
        lines += [f"    # Together, since they share {together}."] * bool(together)
        lines += [f"    device: {group.device}"] * gpu
        lines += [f"    replicas: {group.replicas}"] * (group.replicas > 1)
        lines += [f"    threads: {group.threads}"] * bool(group.threads)
        lines.append("    analyzers:")
        width = max(map(len, names))
        for each in names:
            seconds = demand.load((each,), group.threads or 1, gpu).worker_s * per_clip
            lines.append(f"      - {each:<{width}}  # {seconds:.2g} s")
        if group is planned.plan.groups[-1] and set(registry.discover()) <= set(demand.by_name):
            lines.append(f"      - {REST!r:<{width}}  # your own".replace("'", '"'))
    return "\n".join(lines) + "\n"


def within(one: Foretold) -> str:
    """The interval of a prediction, in brackets."""
    return "" if one.low is None or one.high is None else f" ({one.low:.3g} … {one.high:.3g})"


def place(name: str) -> Path:
    """Where a grouping of this name is kept: in conf/grouping/ of the working directory.

    Raises InputError for a name that cannot be one or is taken.
    """
    path = Path("conf", "grouping", f"{name}.yaml")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name):
        raise InputError(f"--write: {name} is no name for a grouping; take letters, digits and _")
    if path.exists() or (CONF / "grouping" / path.name).exists():
        raise InputError(f"--write: there is a grouping {name} already; take another name, or delete {path}")
    return path


def write(name: str, found: FoundGrouping, command: str) -> Path:
    """Write a grouping to its `place`; returns that. Raises InputError where it cannot be written."""
    path = place(name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(as_yaml(name, found, command), encoding="utf-8")
    except OSError as error:
        raise InputError(f"--write: {path} cannot be written to ({error.strerror})") from error
    return path
