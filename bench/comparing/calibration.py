"""How far two measurements of the same configuration lie apart on this machine: the noise floor.

`python run.py calibrate=true` measures the configuration against itself and keeps what it finds.
docs/baselines.md says how.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any

from clipbench.bench import invocation, locations
from clipbench.bench.comparing.regression import spread
from clipbench.bench.comparing.statistics import noise_floor
from clipbench.bench.errors import InputError
from clipbench.bench.probes.other_load import is_busy
from clipbench.bench.runs import storage
from clipbench.bench.runs.remeasure import Unmeasured, unfit
from clipbench.bench.runs.results import Result

#: Kept with the machine, not with the code: it is of no use on another.
store = locations.cache() / "calibration.json"

SCHEMA = 1
#: Fresh runs of a calibration.
RUNS = 6
#: The noise floor where nothing was calibrated, as a fraction.
DEFAULT = 0.03
METRIC = "rtf_warm"


def key_of(result: Result) -> dict[str, Any]:
    """What a noise floor holds for: the machine, and what was run on it."""
    env, run = result.environment, result.run
    return {
        "cpu": env.cpu,
        "cores_allowed": env.cores_allowed,
        "gpus": [gpu.name for gpu in env.gpu_list()],
        "clip": run.clip.sha256,
        "grouping": run.grouping,
        "executor": run.executor,
        "models": run.models,
        "threads": run.threads,
        "analyzers": sorted(result.analyzers),
    }


def lookup(key: Mapping[str, Any]) -> tuple[float, str]:
    """The noise floor for `key` (of `key_of`) as a fraction, and where it comes from, in words.

    Raises InputError where the file of calibrations cannot be read.
    """
    if found := entries().get(digest(key)):
        return found["noise"], f"calibrated on {found['measured_at']}"
    return DEFAULT, f"not calibrated on this machine: {invocation.program()} calibrate=true"


def entries() -> dict[str, dict[str, Any]]:
    """All calibrations of this machine, by the digest of their key."""
    if not store.exists():
        return {}
    try:
        raw = json.loads(store.read_text(encoding="utf-8"))
        if raw["schema"] != SCHEMA:
            raise ValueError(f"it is of schema {raw['schema']}, this version of clipbench reads {SCHEMA}")
        return raw["calibrations"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{store} holds no calibrations ({error}); delete it, and calibrate anew") from error


def digest(key: Mapping[str, Any]) -> str:
    """A name for `key` that fits into a file."""
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]


def check(session: Any) -> None:
    """Raise InputError where the configuration of a session.Session cannot be calibrated."""
    cfg = session.cfg
    if cfg.baseline is not None:
        raise InputError("calibrate=true and baseline= are two commands; run one after the other")
    if session.plan.faults or session.plan.profile[0]:
        raise InputError("calibrate=true: a planted fault or a profiler makes times that are no measurement")
    if cfg.scenario.name != "single_stream":
        raise InputError(f"calibrate=true is about {METRIC}, which takes scenario=single_stream")
    if cfg.scenario.repeats < 2:
        raise InputError("calibrate=true takes scenario.repeats=2 or more: one for either side")


def calibrate(measure: Callable[[int], Result]) -> dict[str, Any]:
    """Measure `RUNS` fresh runs, by `measure` with their number from 1; keep and return the noise floor.

    Returned and kept: `noise`, the larger of `within` (the repeats, dealt out in turn to two sides that are
    then compared) and `between` (how far from their middle one more run may well lie), all as fractions;
    `runs` with the samples; `other_cores`, the median over the runs that know it, or None.

    Raises Unmeasured, at once, where a run was not that of the whole work.
    """
    measured = []
    for number in range(1, RUNS + 1):
        measured.append(measure(number))
        if reason := unfit(measured[-1], METRIC):
            raise Unmeasured(f"run {number}: {reason}")
    samples = [result.metric(METRIC).samples for result in measured]
    key = key_of(measured[0])
    others = [cores for result in measured if (cores := result.run.other_cores) is not None]
    found = {
        "key": key,
        "metric": METRIC,
        "measured_at": measured[0].run.started_at,
        **floors(samples),
        "runs": samples,
        "other_cores": median(others) if others else None,
        "busy": is_busy(median(others) if others else None, key["cores_allowed"]),
        "other_cores_reason": "" if others else measured[0].run.other_cores_reason,
    }
    store.parent.mkdir(parents=True, exist_ok=True)
    kept = {"schema": SCHEMA, "calibrations": {**entries(), digest(key): found}}
    try:
        storage.write_json(store, kept)
    except OSError as error:
        raise InputError(f"{store} cannot be written to ({error.strerror})") from error
    return found


def floors(runs: Sequence[Sequence[float]]) -> dict[str, float]:
    """The noise floors of runs against themselves, as fractions."""
    dealt = [sample for run in runs for sample in run]
    pairs = len(dealt) // 2
    within = noise_floor(dealt[0 : 2 * pairs : 2], dealt[1 : 2 * pairs : 2])
    between = spread(runs)
    return {"noise": max(within, between), "within": within, "between": between}
