"""How far two measurements of the same configuration lie apart on this machine: the noise floor.

`python run.py calibrate=true` measures the configuration against itself and keeps what it finds.
docs/baselines.md says how.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from clipbench.bench import invocation, locations
from clipbench.bench.comparing import comparability
from clipbench.bench.comparing.by_run import UNKNOWN, Spread, spread_of
from clipbench.bench.comparing.regression import noise_between_runs
from clipbench.bench.comparing.statistics import noise_floor
from clipbench.bench.enough import ENOUGH
from clipbench.bench.errors import InputError
from clipbench.bench.measuring.session import Session
from clipbench.bench.probes.other_load import is_busy
from clipbench.bench.runs.facts import Facts, digest
from clipbench.bench.runs.remeasure import Unmeasured, unfit
from clipbench.bench.runs.results import Result
from clipbench.bench.runs.serialization import from_json, to_json
from clipbench.bench.runs.storage import check_schema, write_json

#: Kept with the machine, not with the code: it is of no use on another.
store = locations.cache() / "calibration.json"

SCHEMA = 2
#: Fresh runs of a calibration.
RUNS = 6
#: The noise floor without a calibration, as a fraction.
DEFAULT = 0.03
METRIC = "rtf_warm"


@dataclass(frozen=True)
class NoiseFloor:
    """What a configuration differs from itself by, as a fraction, and where that is known from, in words.

    `spread` is how far its runs lie apart.
    """

    value: float
    source: str
    spread: Spread = UNKNOWN


@dataclass(frozen=True)
class Calibration:
    """A configuration measured against itself; fractions, seconds of wall time per second of clip, cores.

    `noise` is the larger of `within` (the repeats, dealt out in turn to two sets that are then compared) and
    `between` (how far from their middle one more run is likely to lie). `runs` has the samples of each run.
    `other_cores` is how many cores other work took, the median over the runs that know it, or None with the
    reason; `busy` says whether that is too many.
    """

    key: Facts
    metric: str
    measured_at: str
    noise: float
    within: float
    between: float
    runs: list[list[float]]
    other_cores: float | None
    busy: bool
    other_cores_reason: str


def lookup(result: Result) -> NoiseFloor:
    """The noise floor of the configuration that `result` is a run of.

    Raises InputError if the file of calibrations cannot be read.
    """
    schema, calibrations = read_all()
    if found := calibrations.get(digest(comparability.of_result(result).noise_floor())):
        return NoiseFloor(found.noise, f"calibrated on {found.measured_at}", spread_of(found.runs))
    if schema < SCHEMA:
        return NoiseFloor(
            DEFAULT,
            "not calibrated by this version of clipbench; earlier ones did not record all the settings that "
            f"a noise floor depends on: {invocation.program()} calibrate=true",
        )
    return NoiseFloor(DEFAULT, f"not calibrated on this machine: {invocation.program()} calibrate=true")


def read_all() -> tuple[int, dict[str, Calibration]]:
    """The schema of this machine's calibrations, and all of them by the digest of their key.

    Files of schema 1 are read as empty: their keys were too short to say what a floor holds for.
    """
    if not store.exists():
        return SCHEMA, {}
    try:
        raw = json.loads(store.read_text(encoding="utf-8"))
        if raw["schema"] == 1:
            return 1, {}
        check_schema(raw, SCHEMA)
        calibrations = raw["calibrations"].items()
        return SCHEMA, {name: from_json(Calibration, found, name) for name, found in calibrations}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{store} holds no calibrations ({error}); delete it, and calibrate anew") from error


def write_all(calibrations: Mapping[str, Calibration]) -> None:
    """Write all calibrations of this machine; raises InputError if that cannot be done."""
    try:
        store.parent.mkdir(parents=True, exist_ok=True)
        write_json(store, {"schema": SCHEMA, "calibrations": to_json(dict(calibrations))})
    except OSError as error:
        raise InputError(f"{store} cannot be written to ({error.strerror})") from error


def check(session: Session) -> None:
    """Raise InputError if the configuration of `session` cannot be calibrated."""
    cfg = session.cfg
    if cfg.baseline is not None:
        raise InputError("calibrate=true and baseline= are two commands; run one after the other")
    if session.plan.pretended is not None:
        raise InputError("calibrate=true measures noise, which a simulation has none of; leave it out")
    if session.plan.faults or session.plan.profile[0]:
        raise InputError("calibrate=true: a planted fault or a profiler changes the times; leave it out")
    if cfg.scenario.name != "single_stream":
        raise InputError(f"calibrate=true measures {METRIC}, which requires scenario=single_stream")
    if cfg.scenario.least < ENOUGH:
        raise InputError(f"calibrate=true requires scenario.repeats={ENOUGH} or more")


def calibrate(measure: Callable[[int], Result]) -> Calibration:
    """Measure `RUNS` fresh runs, by `measure` with their number from 1; keep and return the calibration.

    Raises Unmeasured, at once, if a run is not one of the whole work.
    """
    measured = []
    for number in range(1, RUNS + 1):
        measured.append(measure(number))
        if reason := unfit(measured[-1], METRIC):
            raise Unmeasured(f"run {number}: {reason}")
    first = measured[0]
    key = comparability.of_result(first).noise_floor()
    known = [cores for result in measured if (cores := result.run.other_cores) is not None]
    others = median(known) if known else None
    samples = [result.metric(METRIC).samples for result in measured]
    within, between = noise_within_runs(samples), noise_between_runs(samples)
    found = Calibration(
        key=key,
        metric=METRIC,
        measured_at=first.run.started_at,
        noise=max(within, between),
        within=within,
        between=between,
        runs=samples,
        other_cores=others,
        busy=is_busy(others, first.environment.cores_allowed),
        other_cores_reason="" if known else first.run.other_cores_reason,
    )
    write_all({**read_all()[1], digest(key): found})
    return found


def noise_within_runs(runs: Sequence[Sequence[float]]) -> float:
    """The noise floor between repeats, as a fraction: all of them, dealt out in turn to two sets."""
    dealt = [sample for run in runs for sample in run]
    pairs = len(dealt) // 2
    return noise_floor(dealt[0 : 2 * pairs : 2], dealt[1 : 2 * pairs : 2])
