"""Baselines: the times of earlier runs of one configuration, kept in a file to compare later runs with.

This is the file: what is in it, which one a run belongs to, and when there is none. baseline_comparison.py
saves runs and compares them; docs/baselines.md says when a run counts as slower, and what a CI job does with
it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from clipbench.bench.comparing import comparability
from clipbench.bench.comparing.regression import MIN_RUNS
from clipbench.bench.enough import ENOUGH
from clipbench.bench.errors import InputError
from clipbench.bench.measuring.session import Session
from clipbench.bench.runs.facts import Facts, differences, digest
from clipbench.bench.runs.serialization import from_json, to_json
from clipbench.bench.runs.storage import check_schema, write_json

SCHEMA = 2
#: The metric that is compared.
METRIC = "rtf_warm"


class OutdatedBaseline(InputError):
    """A baseline that an earlier version of clipbench saved, whose key lacks what this one compares by."""


@dataclass(frozen=True)
class SavedRun:
    """What a baseline keeps of a run.

    `versions` is what may change between the runs of a baseline, by name; `other_cores` are all cores that it
    could not use, those that a container's limit kept among them; `rtf_warm` has a sample a repeat;
    `analyze_s` the seconds of each analyzer in each repeat; `metrics` the values that had a target.
    """

    id: str
    started_at: str
    git_commit: str | None
    git_dirty: bool | None
    versions: dict[str, str | None]
    other_cores: float | None
    rtf_warm: list[float]
    analyze_s: dict[str, list[float]]
    metrics: dict[str, float | None]


@dataclass
class Baseline:
    """The file of one configuration: its comparability key, and the runs that were saved, oldest first."""

    path: Path
    key: Facts
    runs: list[SavedRun]


def find(store: Path, key: Facts) -> Baseline:
    """The baseline in `store` for `key`, without runs if none was saved; raises as `read` does."""
    names = "-".join(str(key[name]) for name in ("grouping.name", "executor.name", "models.profile"))
    path = store / f"{re.sub('[^A-Za-z0-9_-]', '_', names)}-{digest(key)[:10]}.json"
    return read(path) if path.exists() else Baseline(path, key, [])


def read(path: Path) -> Baseline:
    """The baseline in the file at `path`; raises InputError if it cannot be read."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        if raw["schema"] == 1:
            raise OutdatedBaseline(
                f"{path} was saved by an earlier version of clipbench, which did not record all the settings "
                "that times depend on; delete it, and save anew"
            )
        check_schema(raw, SCHEMA)
        runs = [from_json(SavedRun, run, f"runs[{number}]") for number, run in enumerate(raw["runs"])]
        return Baseline(path, dict(raw["key"]), runs)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is not a baseline ({error}); delete it, and save anew") from error


def write(baseline: Baseline) -> None:
    """Write the file of a baseline: whole, or not at all. Raises InputError if that cannot be done."""
    runs = to_json(baseline.runs)
    try:
        baseline.path.parent.mkdir(parents=True, exist_ok=True)
        write_json(baseline.path, {"schema": SCHEMA, "key": baseline.key, "runs": runs})
    except OSError as error:
        raise InputError(
            f"baseline_store: {baseline.path} cannot be written to ({error.strerror}); name another folder"
        ) from error


def check(session: Session) -> Baseline | None:
    """The baseline that a run is to be saved to or compared with, before it starts; None if neither.

    Raises InputError if that could not succeed: for a configuration whose times are not to be kept, and for
    one that has no baseline. The message has the differences from the nearest one that there is.
    """
    cfg = session.cfg
    if cfg.baseline is None:
        return None
    asked = f"baseline={cfg.baseline}"
    if session.plan.pretended is not None:
        raise InputError(f"{asked}: a prediction is no measurement; run with an executor that is not virtual")
    if cfg.scenario.name != "single_stream":
        raise InputError(f"{asked} is about {METRIC}, which requires scenario=single_stream")
    if cfg.scenario.least < ENOUGH:
        raise InputError(f"{asked} requires scenario.repeats={ENOUGH} or more")
    if session.plan.profile[0]:
        raise InputError(f"{asked}: a profiler (profile={cfg.profile}) changes the times; leave it out")
    if cfg.baseline == "save" and session.plan.faults:
        raise InputError(f"{asked}: a run with a planted fault (faults={cfg.faults.kind}) is not saved")
    found = find(Path(cfg.baseline_store), comparability.of_session(session).baseline())
    if cfg.baseline == "compare" and not found.runs:
        raise InputError(no_baseline(found))
    return found


def no_baseline(wanted: Baseline) -> str:
    """The error that there is no baseline for `wanted`: how the nearest one differs, and what to do."""
    store = wanted.path.parent
    save = f"save {MIN_RUNS} runs or more of this configuration with baseline=save"
    others, outdated = [], 0
    for path in sorted(store.glob("*.json")):
        try:
            others.append(read(path))
        except OutdatedBaseline:
            outdated += 1
        except InputError:
            continue  # not one of ours
    if not others and outdated:
        return (
            f"baseline_store: {store} has only baselines of an earlier version of clipbench ({outdated}), "
            f"which did not record all the settings that times depend on; delete them, and {save}"
        )
    if not others:
        return f"baseline_store: {store} has no baseline; {save}"
    nearest = min(others, key=lambda other: len(differences(other.key, wanted.key)))
    listed = "; ".join(differences(nearest.key, wanted.key))
    return (
        f"baseline_store: {store} has none for this configuration; the nearest, {nearest.path.name}, differs "
        f"in {listed}; {save}"
    )
