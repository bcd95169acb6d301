"""export=mlflow, against a real server with a SQLite store."""

from __future__ import annotations

import json
import socket
from statistics import median

import pytest

from clipbench.reports.export import registry
from clipbench.reports.export.exporter import Destination
from tests.support.exported_runs import measured, stored
from tests.support.mlflow_server import IS_INSTALLED, NOT_INSTALLED, serving
from tests.support.report_results import NAMES, hostile

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("default"),  # MLflow's own
    pytest.mark.skipif(not IS_INSTALLED, reason=f"not installed: {NOT_INSTALLED}"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("server")) as uri:
        yield uri


@pytest.fixture(scope="module")
def exported(server, tmp_path_factory):
    """A measured and a predicted run: as they were stored, and as the server has them; with the client."""
    from mlflow import MlflowClient

    runs, told = stored(tmp_path_factory.mktemp("runs")), []
    assert registry.export(["mlflow"], runs, Destination(runs[0].folder, server), told.append) == []
    assert [line.partition(" of MLflow, experiment ")[2] for line in told] == [f"clipbench at {server}"] * 2
    client = MlflowClient(server)
    experiment = client.get_experiment_by_name("clipbench").experiment_id
    there = {run.data.tags["clipbench.run"]: run for run in client.search_runs([experiment])}
    return runs, [there[one.id] for one in runs], client


def test_metrics_with_their_samples(exported):
    runs, (run, _), client = exported
    result = runs[0].result
    values = {m.name: m.value for m in result.metrics if m.value is not None}
    assert {name: run.data.metrics.get(name) for name in values} == pytest.approx(values)
    samples = client.get_metric_history(run.info.run_id, "samples/rtf_warm")
    assert [m.value for m in sorted(samples, key=lambda m: m.step)] == pytest.approx(
        result.metric("rtf_warm").samples
    )
    taken = result.analyzers[NAMES[3]].analyze_s
    assert run.data.metrics[f"analyze_s.{NAMES[3]}"] == pytest.approx(median(taken))


def test_what_was_not_measured_is_a_tag_and_no_metric(exported):
    _, (run, _), _ = exported
    assert run.data.tags["not_measured.gpu_utilization"] == "no worker of this run was on a GPU"
    assert not any("gpu_utilization" in name for name in run.data.metrics if not name.startswith("system/"))
    assert run.data.tags["target.rtf_warm"] == "pass, limit < 3"
    assert run.data.tags["failed"] == f"{NAMES[0]}: crashed" and run.data.tags["stand_ins"] == NAMES[1]


def test_parameters_and_state(exported):
    _, (run, _), _ = exported
    assert run.data.params["grouping"] == "staged" and run.data.params["scenario.repeats"] == "5"
    assert run.info.status == "FINISHED" and run.info.end_time > run.info.start_time
    assert run.data.tags["mlflow.source.git.commit"] == "0f" * 20
    assert run.data.tags["verdict"] == "pass"


def test_what_was_sampled_is_among_the_system_figures(exported):
    runs, (run, _), client = exported
    power = client.get_metric_history(run.info.run_id, "system/gpu_0_power_w")
    series = runs[0].result.telemetry.gpus()[0].figures["power_w"]
    assert [m.value for m in sorted(power, key=lambda m: m.step)] == pytest.approx(series.values)
    found = {name for name in run.data.metrics if name.startswith("system/")}
    assert {"system/cpu_cores", "system/memory_gb", "system/gpu_0_memory_gb"} <= found


def test_files_are_artifacts(exported, tmp_path):
    runs, (run, _), client = exported
    path = client.download_artifacts(run.info.run_id, "result.json", str(tmp_path))
    with open(path) as file:
        assert json.load(file)["run"]["id"] == runs[0].id
    assert {file.path for file in client.list_artifacts(run.info.run_id)} == {"result.json", "report.md"}


def test_a_prediction_says_so_in_its_name_its_tags_and_its_metrics(exported):
    _, (run, predicted), _ = exported
    assert predicted.info.run_name.startswith("predicted: ") and predicted.data.tags["predicted"] == "true"
    assert "nothing ran" in predicted.data.tags["prediction"]
    assert all(name.startswith(("predicted/", "samples/predicted/")) for name in predicted.data.metrics)
    assert predicted.data.tags["verdict"] == "predicted pass"
    assert predicted.data.params["executor.like"] == "gpu_pinned"
    assert not run.info.run_name.startswith("predicted") and run.data.tags["predicted"] == "false"


def test_a_second_export_makes_no_second_run(exported, server):
    runs, _, client = exported
    told = []
    assert registry.export(["mlflow"], runs, Destination(runs[0].folder, server), told.append) == []
    assert [line.startswith("MLflow has run") for line in told] == [True, True]
    experiment = client.get_experiment_by_name("clipbench").experiment_id
    assert len(client.search_runs([experiment])) == 2


def test_an_export_that_fails_leaves_no_half_a_run(server, tmp_path, monkeypatch):
    from mlflow import MlflowClient

    def no_room(self, *arguments):
        raise OSError("no room")

    runs = stored(tmp_path, measured())
    to = Destination(tmp_path, server, "failing")
    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "log_artifact", no_room)
        assert registry.export(["mlflow"], runs, to, print) == ["export to mlflow failed: OSError: no room"]
    client = MlflowClient(server)
    experiment = client.get_experiment_by_name("failing").experiment_id
    assert client.search_runs([experiment]) == []
    assert registry.export(["mlflow"], runs, to, print) == []
    assert len(client.search_runs([experiment])) == 1


def test_any_text_and_many_samples(server, tmp_path):
    result = hostile(measured())
    result.metrics[0].samples = [1.0] * 2500
    runs = stored(tmp_path, result)
    assert registry.export(["mlflow"], runs, Destination(tmp_path, server, "hostile"), print) == []


def test_a_server_that_is_not_there_is_one_line(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
    (line,) = registry.export(["mlflow"], stored(tmp_path, measured()), Destination(tmp_path, nobody), print)
    assert line.startswith("export to mlflow failed: ") and "\n" not in line
