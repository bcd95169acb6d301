"""Runs of clipbench as runs of MLflow: metrics with their samples, parameters, files, and what was sampled.

A run whose figures are predicted says so in its name, in a tag, and in the name of each metric, since MLflow
shows metrics of several runs in one table. What was not measured is no metric; the reason is a tag.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from clipbench.bench.file_names import readable
from clipbench.bench.runs import folders
from clipbench.reports import formatting
from clipbench.reports.drawing.passes import run_end
from clipbench.reports.drawing.telemetry_series import all_series
from clipbench.reports.export.exporter import Destination, ExportedRun, without_password
from clipbench.reports.export.filling import column

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param, RunTag

#: MLflow's own defaults wait four minutes for a server that is not there, and report its use to its makers.
VARIABLES = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
#: Files of a run's folder that become artifacts, beside those of folders.FILES.
MORE_FILES = (".hydra/*.yaml", "clipbench.log")
#: The tag that has the id of a run of clipbench. It is set last: a run with it is complete.
RUN_TAG = "clipbench.run"
#: Characters that no name of MLflow may have.
FORBIDDEN = re.compile(r"[^\w\-. /]+")


def write(runs: list[ExportedRun], to: Destination) -> list[str]:
    """Make a run of MLflow of each run that is not there yet; returns a line for each."""
    for name, value in VARIABLES.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=to.tracking_uri)
    found = client.get_experiment_by_name(to.experiment)
    experiment = found.experiment_id if found else client.create_experiment(to.experiment)
    where = f"{to.experiment} at {without_password(client.tracking_uri)}"
    made = []
    for one in runs:
        if already_there(client, experiment, one):
            made.append(f"MLflow has run {one.id} already: experiment {where}")
        else:
            made.append(f"run {log_run(client, experiment, one)} of MLflow, experiment {where}")
    return made


def already_there(client: MlflowClient, experiment: str, one: ExportedRun) -> bool:
    """Whether an earlier export has made a run of this one."""
    wanted = f"tags.`{RUN_TAG}` = '{re.sub(r'[^0-9A-Za-z-]', '', one.id)}'"
    return bool(client.search_runs([experiment], wanted, max_results=1))


def log_run(client: MlflowClient, experiment: str, one: ExportedRun) -> str:
    """Make a run of MLflow; returns its name. One that cannot be completed is deleted."""
    began_ms = milliseconds(one)
    name = formatting.headed(f"{one.result.run.grouping} {one.result.run.executor} {one.id}", one.result.run)
    made = client.create_run(experiment, start_time=began_ms, run_name=readable(name)).info.run_id
    try:
        # The client divides them into as many requests as the server's limits ask for.
        client.log_batch(made, list(metrics_of(one, began_ms)), list(params_of(one)), list(tags_of(one)))
        for path in files_of(one.folder):
            inner = path.parent.relative_to(one.folder).as_posix()
            client.log_artifact(made, str(path), None if inner == "." else inner)
        client.set_tag(made, RUN_TAG, one.id)
        status = "KILLED" if one.result.run.interrupted else "FINISHED"
        client.set_terminated(made, status, began_ms + round(1000 * run_end(one.result)))
    except BaseException:
        with contextlib.suppress(Exception):
            client.delete_run(made)
        raise
    return name


def milliseconds(one: ExportedRun) -> int:
    """When the run began, in milliseconds since 1970."""
    return round(1000 * datetime.datetime.fromisoformat(one.result.run.started_at).timestamp())


def files_of(folder: Path) -> list[Path]:
    """The files that a run has left."""
    patterns = [pattern for pattern in (*folders.FILES, *MORE_FILES) if not pattern.endswith(".partial")]
    return [path for pattern in patterns for path in sorted(folder.glob(pattern)) if path.is_file()]


def metrics_of(one: ExportedRun, began_ms: int) -> Iterator[Metric]:
    """What was measured or predicted, the samples of that, and what was sampled over time."""
    from mlflow.entities import Metric

    ended_ms = began_ms + round(1000 * run_end(one.result))
    for name, value, samples in figures(one):
        shown = f"predicted/{name}" if one.predicted else name
        yield Metric(allowed(shown), value, ended_ms, 0)
        for step, sample in enumerate(samples):
            yield Metric(allowed(f"samples/{shown}"), sample, ended_ms, step)
    for series in all_series(one.result.telemetry):
        key = allowed(f"system/{column(series.name.lower().replace(' ', '_'), series.unit.lower())}")
        for step, (time_s, value) in enumerate(zip(series.times_s, series.values, strict=True)):
            yield Metric(key, value, began_ms + round(1000 * time_s), step)


def figures(one: ExportedRun) -> Iterator[tuple[str, float, Sequence[float]]]:
    """Name, value and samples of each figure that there is, that of each analyzer's time included."""
    for metric in one.result.metrics:
        if metric.value is not None:
            yield metric.name, metric.value, metric.samples
    for name, analyzer in one.result.analyzers.items():
        if analyzer.analyze_s:
            yield f"analyze_s.{name}", median(analyzer.analyze_s), analyzer.analyze_s


def params_of(one: ExportedRun) -> Iterator[Param]:
    """What was chosen: of the run, the scenario, the executor, and each analyzer."""
    from mlflow.entities import Param

    run = one.result.run
    chosen: dict[str, object] = {
        "grouping": run.grouping,
        "executor": run.executor,
        "models": run.models,
        "clip": run.clip.path,
        "threads": run.threads,
        "workers": run.workers,
        "seed": run.seed,
        "profile": run.profile,
        "machine": run.simulated.machine.name if run.simulated else None,
        "executor.like": run.simulated.like if run.simulated else None,
    }
    chosen |= {f"scenario.{name}": value for name, value in vars(run.scenario).items()}
    chosen |= {f"executor.{name}": value for name, value in (run.executor_settings or {}).items()}
    for analyzer, settings in (run.settings or {}).items():
        chosen |= {f"models.{analyzer}.{name}": value for name, value in settings.items()}
    for name, value in chosen.items():
        if value is not None:
            yield Param(allowed(name), readable(str(value)))


def tags_of(one: ExportedRun) -> Iterator[RunTag]:
    """What else to know of a run: whether it is a prediction, its verdict, what was not measured."""
    from mlflow.entities import RunTag

    result = one.result
    place = result.environment
    known = {
        "predicted": "true" if one.predicted else "false",
        "prediction": formatting.prediction(result.run),
        "verdict": formatting.verdict_words(result),
        "verdict_reason": result.verdict_reason,
        "command": result.run.command,
        "clipbench": place.clipbench or "",
        "cpu": place.cpu or "",
        "stand_ins": ", ".join(name for name, each in result.analyzers.items() if each.stand_in),
        "failed": ", ".join(
            f"{name}: {a.status}" for name, a in result.analyzers.items() if a.status != "ok"
        ),
        "mlflow.source.git.commit": place.git_commit or "",
    }
    known |= {f"not_measured.{m.name}": m.reason for m in result.metrics if m.value is None}
    known |= {f"target.{t.metric}": f"{t.status}, limit {formatting.limit(t)}" for t in result.targets}
    for name, text in known.items():
        if text:
            yield RunTag(allowed(name), formatting.printable(text))


def allowed(name: str) -> str:
    """A name as MLflow takes it."""
    return FORBIDDEN.sub("_", readable(name))[:250]
