"""Baselines: the times of earlier runs of one configuration, kept in a file to compare later runs with.

docs/baselines.md says what is kept, when a run counts as slower, and what a CI job does with it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from clipbench.analyzers.threads import cores_allowed
from clipbench.bench.clips.clip_info import sha256
from clipbench.bench.comparing import calibration
from clipbench.bench.comparing.regression import MIN_REPEATS, MIN_RUNS, change, moved, nothing, typical
from clipbench.bench.errors import Exit, InputError
from clipbench.bench.probes import environment
from clipbench.bench.probes.other_load import is_busy
from clipbench.bench.runs import storage
from clipbench.bench.runs.baseline_outcome import Compared, Confirmation, Saved
from clipbench.bench.runs.remeasure import Unmeasured, unfit
from clipbench.bench.runs.results import Environment, Result

SCHEMA = 1
#: So many runs are kept, the newest: enough for their spread, and few enough to be of today's code.
KEEP = 10
#: The metric that is compared.
METRIC = "rtf_warm"


@dataclass
class Baseline:
    """The file of one configuration: its `key` (dotted names → JSON values) and its saved runs."""

    path: Path
    key: dict[str, Any]
    runs: list[dict[str, Any]]


def find(store: Path, key: dict[str, Any]) -> Baseline:
    """The baseline in `store` for `key`, without runs where none was saved; raises as `read` does."""
    names = "-".join(str(key[name]) for name in ("grouping.name", "executor.name", "models.profile"))
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:10]
    path = store / f"{re.sub('[^A-Za-z0-9_-]', '_', names)}-{digest}.json"
    return read(path) if path.exists() else Baseline(path, key, [])


def read(path: Path) -> Baseline:
    """The baseline in the file at `path`; raises InputError where it is none."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        if raw["schema"] != SCHEMA:
            raise ValueError(f"it is of schema {raw['schema']}, this version of clipbench reads {SCHEMA}")
        return Baseline(path, dict(raw["key"]), list(raw["runs"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is no baseline ({error}); delete it, and save anew") from error


def configuration(session: Any) -> dict[str, Any]:
    """What must be alike for times to be comparable, of a session.Session: dotted name → JSON value.

    Versions and the commit are not part of it: what they do to the times is what one wants to know.
    """
    cfg, plan, clip = session.cfg, session.plan, session.clips[0]
    if not clip.is_file():
        raise InputError(f"clip.path: there is no file {clip}")
    gpus = environment.gpus()
    key = {
        "machine.cpu": environment.cpu_name(),
        "machine.cores_allowed": cores_allowed(),
        "machine.gpus": [gpu.name for gpu in gpus] if isinstance(gpus, list) else [],
        "clip.sha256": sha256(clip),
        "models.profile": cfg.models.profile,
        "grouping.name": cfg.grouping.name,
        "grouping.stages": cfg.grouping.stages,
        "executor.name": cfg.executor.name,
        "executor.threads": plan.threads,
        "executor.workers": plan.workers,
        "executor.address": cfg.executor.address,
        "executor.memory_fraction": plan.settings.memory_fraction,
        "scenario.warmup": cfg.scenario.warmup,
        "scenario.in_flight": cfg.scenario.in_flight,
    }
    for group in plan.groups:
        key[f"grouping.groups.{group.name}.device"] = group.device
        key[f"grouping.groups.{group.name}.analyzers"] = [task.analyzer for task in group.tasks]
    for task in plan.tasks():
        for name, value in dataclasses.asdict(task.settings).items():
            key[f"models.{task.analyzer}.{name}"] = value
    return json.loads(json.dumps(key))  # as it is read back


def check(session: Any) -> Baseline | None:
    """What a run is to be saved to or compared with, before it starts; None where neither was asked for.

    Raises InputError where neither could succeed: a configuration whose times are not to be kept, or one
    that has no baseline; the message has the differences from the nearest one that there is.
    """
    cfg = session.cfg
    if cfg.baseline is None:
        return None
    if cfg.baseline not in ("save", "compare"):
        raise InputError(f"baseline={cfg.baseline} is not there; write save or compare, or null for neither")
    asked = f"baseline={cfg.baseline}"
    if cfg.scenario.name != "single_stream":
        raise InputError(f"{asked} is about {METRIC}, which takes scenario=single_stream")
    if cfg.scenario.repeats < MIN_REPEATS:
        raise InputError(f"{asked} takes scenario.repeats={MIN_REPEATS} or more")
    if session.plan.profile[0]:
        raise InputError(f"{asked}: times under profile={cfg.profile} are no measurement")
    if cfg.baseline == "save" and session.plan.faults:
        raise InputError(f"{asked}: a planted fault (faults={cfg.faults.kind}) is not saved")
    kept = find(Path(cfg.baseline_store), configuration(session))
    if cfg.baseline == "compare" and not kept.runs:
        raise InputError(none_like(kept))
    return kept


def none_like(wanted: Baseline) -> str:
    """That there is no baseline for `wanted`, how the nearest one differs, and what to do."""
    store = wanted.path.parent
    save = f"save {MIN_RUNS} runs or more of this one with baseline=save"
    others = []
    for path in sorted(store.glob("*.json")):
        with contextlib.suppress(InputError):  # a file of someone else's hinders nobody
            others.append(read(path))
    if not others:
        return f"baseline_store: {store} has no baseline; {save}"
    nearest = min(others, key=lambda other: len(differences(other.key, wanted.key)))
    listed = "; ".join(differences(nearest.key, wanted.key))
    return (
        f"baseline_store: {store} has none for this; the nearest, {nearest.path.name}, differs in {listed}; "
        f"{save}"
    )


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs between two mappings: "name: before → now" each, without a value where there is none."""
    named = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    return [f"{name}: {shown(before.get(name))} → {shown(now.get(name))}" for name in named]


def shown(value: Any) -> str:
    """A JSON value, short enough for a line."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}…"


def saved_run(result: Result) -> dict[str, Any]:
    """What is kept of a run."""
    env, gated = result.environment, {target.metric for target in result.targets}
    return {
        "id": result.run.id,
        "started_at": result.run.started_at,
        "git_commit": env.git_commit,
        "git_dirty": env.git_dirty,
        "versions": versions(env),
        "other_cores": result.run.other_cores,
        METRIC: result.metric(METRIC).samples,
        "analyze_s": {name: a.analyze_s for name, a in result.analyzers.items()},
        "metrics": {m.name: m.value for m in result.metrics if m.name in gated},
    }


def versions(env: Environment) -> dict[str, Any]:
    """What may change between two runs of a baseline: name → version."""
    driver = {"driver": gpus[0].driver} if (gpus := env.gpu_list()) else {}
    return {"os": env.os, "python": env.python, **driver, **env.packages}


def conclude(mode: str, kept: Baseline, result: Result, again: Callable[[], Result]) -> Saved | Compared:
    """Save or compare, as `mode` says; what came of it is put into the result too, as `run.baseline`."""
    outcome = save(kept, result) if mode == "save" else compare(kept, result, again)
    result.run.baseline = outcome
    return outcome


def exit_code(outcome: Saved | Compared | None, gate: Any) -> Exit:
    """What an outcome of `conclude` makes of the run's exit code."""
    if outcome is None:
        return Exit.OK
    if isinstance(outcome, Saved):
        return Exit.OK if outcome.saved else Exit.NOTHING_VALID
    if outcome.call == "slower":
        return Exit.SLOWER
    required = gate.mode == "enforce" and "baseline" in gate.require
    return Exit.TARGET_MISSED if required and not outcome.valid else Exit.OK


def save(kept: Baseline, result: Result) -> Saved:
    """Add `result` to the baseline, unless it is unfit; says what came of it."""
    others = result.run.other_cores
    outcome = Saved(
        path=str(kept.path),
        needed=MIN_RUNS,
        other_cores=others,
        busy=is_busy(others, result.environment.cores_allowed),
        saved=False,
        runs=len(kept.runs),
    )
    if reason := unfit(result, METRIC):
        return dataclasses.replace(outcome, reason=reason)
    runs = sorted([*kept.runs, saved_run(result)], key=lambda run: run["started_at"])[-KEEP:]
    try:
        kept.path.parent.mkdir(parents=True, exist_ok=True)
        storage.write_json(kept.path, {"schema": SCHEMA, "key": kept.key, "runs": runs})
    except OSError as error:
        raise InputError(f"baseline_store: {kept.path} cannot be written to ({error.strerror})") from error
    return dataclasses.replace(outcome, saved=True, runs=len(runs))


def compare(kept: Baseline, result: Result, again: Callable[[], Result]) -> Compared:
    """The outcome of comparing `result`, as result.json has it (docs/baselines.md lists the keys).

    `call` is slower only if a fresh run says so too. `again` makes that one; it may raise Unmeasured.
    """
    floor, noise_from = calibration.lookup(calibration.key_of(result))
    how = measured(kept, result, floor)
    if how["noise"] is not None and how["noise"] > floor:
        noise_from = "from how far the saved runs lie apart"
    cores = result.environment.cores_allowed
    outcome = Compared(
        path=str(kept.path),
        metric=METRIC,
        runs=len(kept.runs),
        samples=sum(len(run[METRIC]) for run in kept.runs),
        saved=[kept.runs[0]["started_at"], kept.runs[-1]["started_at"]],
        baseline_value=typical([run[METRIC] for run in kept.runs]),
        value=result.metric(METRIC).value,
        noise_from=noise_from,
        busy_runs=sum(is_busy(run["other_cores"], cores) for run in kept.runs),
        since=differences(kept.runs[-1]["versions"], versions(result.environment)),
        **how,
    )
    if outcome.call != "slower":
        return outcome
    try:
        second = again()
    except Unmeasured as error:
        reason = f"slower, but it could not be measured again: {error}"
        return dataclasses.replace(outcome, call="undecided", reason=reason, valid=False)
    confirmation = Confirmation(value=second.metric(METRIC).value, **measured(kept, second, floor))
    confirmed = confirmation.call == "slower"
    outcome = dataclasses.replace(outcome, confirmation=confirmation, confirmed=confirmed)
    if not confirmed:
        reason = "slower at first, but not when measured again"
        return dataclasses.replace(outcome, call="undecided", reason=reason, valid=confirmation.valid)
    now = [{name: a.analyze_s for name, a in r.analyzers.items()} for r in (result, second)]
    busier = max(busier_by(kept, r) or 1.0 for r in (result, second))
    found = moved([run["analyze_s"] for run in kept.runs], now, floor, busier)
    return dataclasses.replace(outcome, moved=found)


def measured(kept: Baseline, result: Result, floor: float) -> dict[str, Any]:
    """The change of one run, and why it may not be believed; as a dictionary.

    A run that did less than the baseline's is neither slower nor faster: that is for the targets to judge.
    """
    busier = busier_by(kept, result)
    if reason := unfit(result, METRIC):
        how = nothing(reason)
    else:
        how = change(
            [run[METRIC] for run in kept.runs], [result.metric(METRIC).samples], floor, busier or 1.0
        )
    had = {name for name, value in kept.runs[-1]["metrics"].items() if value is not None}
    gone = sorted(had - {m.name for m in result.metrics if m.value is not None})
    if gone and how.call == "faster":
        reason = f"no longer measured: {', '.join(gone)}"
        how = dataclasses.replace(how, call="undecided", reason=reason, valid=False)
    others = {key: getattr(result.run, key) for key in ("other_cores", "other_cores_reason")}
    return {**dataclasses.asdict(how), **others, "busier": busier}


def busier_by(kept: Baseline, result: Result) -> float | None:
    """The factor by which other work may have lengthened `result` in comparison with the baseline.

    Where others take a share of the cores, work that needs all of them takes 1 / (1 - share) as long. None
    where it is not known what others took, from the baseline or from the result.
    """
    cores = result.environment.cores_allowed
    before = [others for run in kept.runs if (others := run["other_cores"]) is not None]
    now = result.run.other_cores
    if not before or now is None:
        return None
    share = [min(0.95, others / cores) for others in (median(before), now)]
    return round((1 - share[0]) / (1 - share[1]), 3)
