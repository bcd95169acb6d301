"""Where the costs of analyzers are kept, and which of them a configuration computes with.

There is a JSON file for each machine and profile in `costs.store`, which `python plan.py costs` writes; costs
that come with clipbench are declared, for machines that were not measured. docs/costs.md says how both came
about.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from clipbench.bench import invocation, locations
from clipbench.bench.errors import InputError
from clipbench.bench.planning import cost_file
from clipbench.bench.planning.config import CostsConfig
from clipbench.bench.planning.cost_file import KeptCosts, as_raw
from clipbench.bench.probes import environment
from clipbench.bench.runs.facts import (
    Facts,
    as_read_back,
    differences,
    digest,
    machine_facts,
    setting_facts,
    software_facts,
)
from clipbench.bench.runs.results import Environment
from clipbench.bench.runs.storage import write_json
from clipbench.executors.layout import Task

#: The variable that names the store, where `costs.store` does not.
VARIABLE = "CLIPBENCH_COSTS"
#: The profile whose costs, where they were measured, complete those that are declared.
MEASURED_BESIDE = "embedded"
#: Costs that come with clipbench, one file each.
DECLARED = locations.PACKAGE / "bench" / "planning" / "declared_costs"
#: What to do about a `costs.file` that cannot be used.
OWN_FILE = "name a file that plan.py costs wrote, or leave it out"


def store(cfg: CostsConfig) -> Path:
    """The folder of this machine's costs. It may not exist yet."""
    return Path(cfg.store or os.environ.get(VARIABLE) or locations.data() / "costs")


def path_of(cfg: CostsConfig, profile: str, here: Environment) -> Path:
    """The file of the costs that are measured on a machine for a profile."""
    machine = {name: value for name, value in machine_facts(here).items() if name != "machine.memory_gb"}
    return store(cfg) / f"{profile}-{digest(as_read_back(machine))[:10]}.json"


def facts_of(tasks: Iterable[Task], here: Environment) -> Facts:
    """What costs depend on: the parts of the comparability key that are known without a run."""
    facts = machine_facts(here) | software_facts(here)
    for task in tasks:
        facts |= setting_facts(task.analyzer, dataclasses.asdict(task.settings))
    return as_read_back(facts)


def find(cfg: CostsConfig, profile: str, tasks: Sequence[Task]) -> tuple[KeptCosts, list[str]]:
    """The costs for these tasks, and in a line each what to beware of.

    They are those that `costs.file` names, or were measured here, or come with clipbench for the profile.
    Raises InputError where there are none, or they are of other settings, or lack an analyzer.
    """
    check_places(cfg)
    here = environment.describe()
    path = Path(cfg.file) if cfg.file else path_of(cfg, profile, here)
    measure = f"{invocation.program('plan')} costs"
    if not cfg.file and not path.exists():
        kept = declared(profile)
        if kept is None:
            raise InputError(
                f"costs.store: {path.parent} has no costs of models={profile} on this machine; "
                f"measure them: {measure} models={profile}"
            )
        path = path_of(cfg, MEASURED_BESIDE, here)
        if path.exists():
            kept = completed(kept, read(path))
    else:
        kept = named(path) if cfg.file else read(path)
    check(kept, tasks, f"costs.{'file' if cfg.file else 'store'}: {path}", measure)
    return kept, warnings(kept, here, measure)


def check(kept: KeptCosts, tasks: Sequence[Task], where: str, measure: str) -> None:
    """Raise InputError where costs do not have one of these tasks, or have it with other settings."""
    measured = kept.costs.facts
    if missing := [task.analyzer for task in tasks if task.analyzer not in kept.costs.analyzers]:
        raise InputError(f"{where} has no costs of {', '.join(missing)}; measure them: {measure}")
    for task in tasks:
        now = as_read_back(setting_facts(task.analyzer, dataclasses.asdict(task.settings)))
        known = {name: value for name, value in measured.items() if name in now}
        if differ := differences(known, {name: now[name] for name in known}):
            raise InputError(f"{where} is of other settings ({'; '.join(differ)}); measure again: {measure}")


def warnings(kept: KeptCosts, here: Environment, measure: str) -> list[str]:
    """What to beware of with these costs, in a line each."""
    lines = list(kept.remarks)
    if kept.costs.source == "declared":
        lines.insert(0, f"costs: declared, not measured: {kept.costs.machine}")
    if kept.busy:
        lines.append(
            f"costs: other work took {kept.other_cores:g} cores while they were measured, so they are too "
            f"high; measure again on a quiet machine: {measure}"
        )
    software = {name: value for name, value in kept.costs.facts.items() if name.startswith("version.")}
    now = as_read_back(software_facts(here))
    if differ := differences(software, {name: now.get(name) for name in software}):
        lines.append(f"costs: measured with other versions ({'; '.join(differ)}); measure again: {measure}")
    return lines


def completed(kept: KeptCosts, measured: KeptCosts) -> KeptCosts:
    """Declared costs with those that were measured here of what they say nothing of.

    These are analyzers without a model of the profile, decoding, and what executors take themselves.
    """
    said, costs = kept.costs, measured.costs
    others = {name: cost for name, cost in costs.analyzers.items() if name not in said.analyzers}
    facts = {
        name: value
        for name, value in costs.facts.items()
        if not any(name.startswith(f"models.{analyzer}.") for analyzer in said.analyzers)
    }
    merged = dataclasses.replace(
        costs,
        machine=f"{said.machine} (declared) beside {costs.machine}",
        source="declared",
        analyzers=others | said.analyzers,
        derivations=costs.derivations | said.derivations,
        gpu=said.gpu,
        residual=None,  # nobody has tested what is declared
        holdout=None,
        unknown={name: reason for name, reason in costs.unknown.items() if not name.startswith("gpu")}
        | {
            f"{item}.{name}": reason
            for item in (*said.analyzers, *said.derivations)
            for name, reason in said.unknown.items()
        },
        facts=facts | said.facts,
    )
    remark = f"measured here, on a core: {', '.join(others)}, decoding and executors"
    remarks = [*kept.remarks, remark, *measured.remarks]
    return dataclasses.replace(measured, costs=merged, profiles=kept.profiles, remarks=remarks)


def declared(profile: str) -> KeptCosts | None:
    """The costs that come with clipbench for a profile, if there are any."""
    found = (read(path) for path in sorted(DECLARED.glob("*.yaml")))
    return next((kept for kept in found if profile in kept.profiles), None)


def check_places(cfg: CostsConfig) -> None:
    """Raise InputError where `costs.file` names no file, or `costs.store` something else than a folder."""
    if cfg.file is not None and not Path(cfg.file).is_file():
        what = f"{cfg.file} is a folder" if Path(cfg.file).is_dir() else f"there is no file {cfg.file}"
        raise InputError(f"costs.file: {what}; {OWN_FILE}")
    folder = store(cfg)
    if folder.exists() and not folder.is_dir():
        source = "costs.store" if cfg.store else VARIABLE
        raise InputError(f"{source}: {folder} is a file; name a folder")


def named(path: Path) -> KeptCosts:
    """The costs in the user's own file; raises InputError if it cannot be read."""
    try:
        return cost_file.parse(path)
    except ValueError as error:
        raise InputError(f"costs.file: {path} holds no costs: {error}; {OWN_FILE}") from error


def read(path: Path) -> KeptCosts:
    """The costs in a file of a store; raises InputError if it cannot be read."""
    try:
        return cost_file.parse(path)
    except ValueError as error:
        raise InputError(
            f"costs.store: {path} holds no costs: {error}; delete it, and measure them anew: "
            f"{invocation.program('plan')} costs"
        ) from error


def write(path: Path, kept: KeptCosts, observed: Mapping[str, Any] | None = None) -> None:
    """Write a file of costs, whole or not at all, with what they were fitted to beside them.

    Raises InputError if that cannot be done.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, as_raw(kept) | ({"observed": observed} if observed is not None else {}))
    except OSError as error:
        raise InputError(
            f"costs.store: {path} cannot be written to ({error.strerror}); name another folder"
        ) from error
