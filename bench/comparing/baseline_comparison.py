"""Saving a run to its baseline, and comparing a run with it: `baseline=save` and `baseline=compare`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from clipbench.bench.comparing import baselines, calibration, other_work
from clipbench.bench.comparing.baselines import METRIC, Baseline, SavedRun
from clipbench.bench.comparing.regression import (
    MIN_RUNS,
    Change,
    compare_runs,
    median_of_medians,
    no_change,
    slower_analyzers,
)
from clipbench.bench.errors import Exit
from clipbench.bench.planning.config import GateConfig
from clipbench.bench.probes.other_load import is_busy
from clipbench.bench.runs.baseline_outcome import Compared, Confirmation, Saved
from clipbench.bench.runs.facts import differences
from clipbench.bench.runs.remeasure import Unmeasured, unfit
from clipbench.bench.runs.results import Environment, Result

#: So many runs are kept, the newest: enough for their spread, and few enough to be of today's code.
KEEP = 10


def conclude(
    baseline: Baseline, result: Result, remeasure: Callable[[], Result], saving: bool
) -> Saved | Compared:
    """Save `result` to its baseline, or compare it; the outcome is put into the result as `run.baseline`."""
    outcome = save(baseline, result) if saving else compare(baseline, result, remeasure)
    result.run.baseline = outcome
    return outcome


def exit_code(outcome: Saved | Compared | None, gate: GateConfig) -> Exit:
    """The exit code that an outcome of `conclude` asks for."""
    if outcome is None:
        return Exit.OK
    if isinstance(outcome, Saved):
        return Exit.OK if outcome.saved else Exit.NOTHING_VALID
    if outcome.call == "slower":
        return Exit.SLOWER
    required = gate.mode == "enforce" and "baseline" in gate.require
    return Exit.TARGET_MISSED if required and not outcome.valid else Exit.OK


def save(baseline: Baseline, result: Result) -> Saved:
    """Add `result` to its baseline, unless it is unfit."""
    others = result.run.other_cores
    outcome = Saved(
        path=str(baseline.path),
        saved=False,
        reason=unfit(result, METRIC),
        runs=len(baseline.runs),
        needed=MIN_RUNS,
        other_cores=others,
        busy=is_busy(others, result.environment.cores_allowed),
    )
    if outcome.reason:
        return outcome
    runs = sorted([*baseline.runs, saved_run(result)], key=lambda run: run.started_at)[-KEEP:]
    baselines.write(dataclasses.replace(baseline, runs=runs))
    return dataclasses.replace(outcome, saved=True, runs=len(runs))


def saved_run(result: Result) -> SavedRun:
    """What a baseline keeps of `result`."""
    with_target = {target.metric for target in result.targets}
    return SavedRun(
        id=result.run.id,
        started_at=result.run.started_at,
        git_commit=result.environment.git_commit,
        git_dirty=result.environment.git_dirty,
        versions=versions(result.environment),
        other_cores=result.run.cores_withheld(),
        rtf_warm=result.metric(METRIC).samples,
        analyze_s={name: one.analyze_s for name, one in result.analyzers.items()},
        metrics={m.name: m.value for m in result.metrics if m.name in with_target},
    )


def versions(environment: Environment) -> dict[str, str | None]:
    """The versions that may change between two runs of a baseline, by name."""
    driver = {"driver": gpus[0].driver} if (gpus := environment.gpu_list()) else {}
    return {"os": environment.os, "python": environment.python, **driver, **environment.packages}


def compare(baseline: Baseline, result: Result, remeasure: Callable[[], Result]) -> Compared:
    """Compare `result` with its baseline.

    It is slower only if a fresh run is slower too. `remeasure` makes that run, and may raise Unmeasured.
    """
    floor = calibration.lookup(result)
    first = compare_run(baseline, result, floor.value)
    beyond_floor = first.noise is not None and first.noise > floor.value
    cores = result.environment.cores_allowed
    outcome = Compared(
        **dataclasses.asdict(first),
        path=str(baseline.path),
        metric=METRIC,
        runs=len(baseline.runs),
        samples=sum(len(run.rtf_warm) for run in baseline.runs),
        saved=[baseline.runs[0].started_at, baseline.runs[-1].started_at],
        baseline_value=median_of_medians([run.rtf_warm for run in baseline.runs]),
        noise_from="from how far the saved runs lie apart" if beyond_floor else floor.source,
        busy_runs=sum(is_busy(run.other_cores, cores) for run in baseline.runs),
        since=differences(baseline.runs[-1].versions, versions(result.environment)),
    )
    return confirm(outcome, baseline, result, floor.value, remeasure) if first.call == "slower" else outcome


def confirm(
    outcome: Compared, baseline: Baseline, result: Result, floor: float, remeasure: Callable[[], Result]
) -> Compared:
    """The outcome of a run that was slower, after a second run."""
    try:
        second = remeasure()
    except Unmeasured as error:
        reason = f"slower, but it could not be measured again: {error}"
        return dataclasses.replace(outcome, call="undecided", reason=reason, valid=False)
    confirmation = compare_run(baseline, second, floor)
    confirmed = confirmation.call == "slower"
    outcome = dataclasses.replace(outcome, confirmation=confirmation, confirmed=confirmed)
    if not confirmed:
        reason = "slower at first, but not when measured again"
        return dataclasses.replace(outcome, call="undecided", reason=reason, valid=confirmation.valid)
    now = [{name: one.analyze_s for name, one in r.analyzers.items()} for r in (result, second)]
    other_work = max(outcome.busier or 1.0, confirmation.busier or 1.0)
    moved = slower_analyzers([run.analyze_s for run in baseline.runs], now, floor, other_work)
    return dataclasses.replace(outcome, moved=moved)


def compare_run(baseline: Baseline, result: Result, floor: float) -> Confirmation:
    """How one run compares with the baseline.

    A run that did less than the baseline's is neither slower nor faster: that is for the targets to judge.
    """
    busier = other_work_factor(baseline, result)
    metric = result.metric(METRIC)
    if reason := unfit(result, METRIC):
        change = no_change(reason)
    else:
        saved = [run.rtf_warm for run in baseline.runs]
        change = compare_runs(saved, [metric.samples], floor, busier or 1.0)
    before = {name for name, value in baseline.runs[-1].metrics.items() if value is not None}
    missing = sorted(before - {m.name for m in result.metrics if m.value is not None})
    if missing and change.call == "faster":
        reason = f"no longer measured: {', '.join(missing)}"
        change = dataclasses.replace(change, call="undecided", reason=reason, valid=False)
    return of_change(change, metric.value, result, busier)


def of_change(change: Change, value: float | None, result: Result, busier: float | None) -> Confirmation:
    """A change, with the run's value and what is known of other work."""
    return Confirmation(
        **dataclasses.asdict(change),
        value=value,
        other_cores=result.run.other_cores,
        other_cores_reason=result.run.other_cores_reason,
        busier=busier,
    )


def other_work_factor(baseline: Baseline, result: Result) -> float | None:
    """The factor by which other work may have lengthened `result` in comparison with the baseline.

    None if it is not known what others took, in the baseline or now.
    """
    before = [run.other_cores for run in baseline.runs]
    return other_work.factor(before, [result.run.cores_withheld()], result.environment.cores_allowed)
