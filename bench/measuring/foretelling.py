"""A prediction beside the measurement that it was for, and its error, which the next one learns from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from clipbench.bench.planning.auto import accuracy
from clipbench.bench.planning.auto.configured import FoundGrouping
from clipbench.bench.planning.auto.explaining import run_prediction
from clipbench.bench.planning.config import Config
from clipbench.bench.probes.other_load import is_busy
from clipbench.bench.runs.foretold import Foretold, PastError, RunPrediction
from clipbench.bench.runs.results import MetricValue, Result
from clipbench.executors.base import Plan


def of_run(found: FoundGrouping, plan: Plan, values: Sequence[MetricValue]) -> RunPrediction:
    """What was predicted for a run, beside what was measured; nothing was where the run is simulated."""
    return beside(run_prediction(found), values if plan.pretended is None else ())


def beside(prediction: RunPrediction, measured: Sequence[MetricValue]) -> RunPrediction:
    """A prediction with what was then measured of each of its metrics."""
    values = {metric.name: metric.value for metric in measured}
    return replace(
        prediction, metrics=[with_measured(one, values.get(one.metric)) for one in prediction.metrics]
    )


def with_measured(one: Foretold, value: float | None) -> Foretold:
    """One metric with its measured value, and how far the prediction was off."""
    if value is None or not one.predicted:
        return replace(one, measured=value)
    return replace(one, measured=value, error=value / one.predicted - 1)


def keep_errors(cfg: Config, result: Result) -> str:
    """Keep the errors of a run's prediction for the interval of the next one; why not, or "".

    A run that was interrupted, or beside which other work took cores, says nothing of the prediction. Raises
    InputError where they cannot be kept.
    """
    run, prediction = result.run, result.prediction
    if prediction is None or run.simulated:
        return ""
    why = ""
    if run.interrupted or result.verdict == "invalid":
        why = "too little was measured"
    elif is_busy(run.other_cores, result.environment.cores_allowed):
        why = f"other work took {run.other_cores:.2g} cores meanwhile"
    if why:
        return f"the error of the prediction is not kept: {why}"
    new = [
        PastError(one.metric, one.error, run.started_at, run.grouping, run.executor)
        for one in prediction.metrics
        if one.error is not None
    ]
    accuracy.keep(accuracy.path_of(cfg.costs, cfg.models.profile), new)
    return ""
