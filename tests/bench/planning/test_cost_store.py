"""Costs are found again as they were kept, and refused, in one line, where they are not those of a run."""

from __future__ import annotations

import dataclasses
import json

import pytest

from clipbench.bench.errors import InputError
from clipbench.bench.planning import config, cost_file, cost_store
from clipbench.bench.planning.config import CostsConfig
from clipbench.bench.planning.plan import make_plan
from clipbench.bench.probes import environment
from clipbench.executors.costs import Costs
from clipbench.executors.layout import Task
from tests.support.costs import kept, stored, task_named


def refused(cfg: CostsConfig, tasks: list[Task], profile: str = "embedded") -> str:
    with pytest.raises(InputError) as caught:
        cost_store.find(cfg, profile, tasks)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def tasks() -> list[Task]:
    return [task_named("object_detection"), task_named("body_pose")]


def test_what_was_kept_is_found(tmp_path, tasks):
    written = kept(tasks)
    assert cost_store.find(stored(tmp_path, written), "embedded", tasks) == (written, [])
    assert cost_store.find(stored(tmp_path, written), "embedded", tasks[:1])[0] == written


def test_the_variable_names_the_store(tmp_path, tasks, monkeypatch):
    stored(tmp_path, kept(tasks))
    monkeypatch.setenv(cost_store.VARIABLE, str(tmp_path))
    assert cost_store.find(CostsConfig(), "embedded", tasks)[0] == kept(tasks)


def test_without_costs_the_command_that_measures_them_is_named(tmp_path, tasks):
    assert "plan.py costs models=embedded" in refused(CostsConfig(store=str(tmp_path)), tasks)


def test_an_analyzer_without_costs_is_named(tmp_path, tasks):
    assert "no costs of body_pose" in refused(stored(tmp_path, kept(tasks[:1])), tasks)


def test_other_settings_are_refused(tmp_path, tasks):
    settings = dataclasses.replace(tasks[0].settings, fps=7.0)
    line = refused(stored(tmp_path, kept(tasks)), [dataclasses.replace(tasks[0], settings=settings)])
    assert "models.object_detection.fps" in line and "→ 7.0" in line


def test_costs_of_a_busy_machine_are_warned_of(tmp_path, tasks):
    cfg = stored(tmp_path, kept(tasks, other_cores=1.2, busy=True))
    [line] = cost_store.find(cfg, "embedded", tasks)[1]
    assert "1.2 cores" in line and "quiet" in line


def test_costs_of_other_versions_are_warned_of(tmp_path, tasks):
    found = kept(tasks)
    costs = dataclasses.replace(found.costs, facts=found.costs.facts | {"version.torch": "0.1"})
    [line] = cost_store.find(stored(tmp_path, dataclasses.replace(found, costs=costs)), "embedded", tasks)[1]
    assert "version.torch: 0.1 →" in line


def test_costs_of_another_schema_are_refused(tmp_path, tasks):
    cfg = stored(tmp_path, kept(tasks))
    path = cost_store.path_of(cfg, "embedded", environment.describe())
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema": 0}))
    assert "schema 0" in refused(cfg, tasks) and str(path) in refused(cfg, tasks)
    path.write_text("[]")
    assert "delete it" in refused(cfg, tasks)


def test_what_is_not_known_is_null_in_the_file(tmp_path, tasks):
    found = kept(tasks)
    costs = dataclasses.replace(found.costs, unknown={"pressure": "nothing ran side by side"})
    cfg = stored(tmp_path, dataclasses.replace(found, costs=costs))
    raw = json.loads(cost_store.path_of(cfg, "embedded", environment.describe()).read_text())
    work = raw["costs"]["analyzers"]["body_pose"]["work"]
    assert work["pressure"] is None and work["parallel"] == 0.0
    read: Costs = cost_store.find(cfg, "embedded", tasks)[0].costs
    assert read == costs


def test_declared_costs_are_completed_by_what_was_measured_here(tmp_path, monkeypatch):
    """object_detection has a model of the profile, and is declared; cut_analysis is the same everywhere."""
    shipped, measured = tmp_path / "shipped", tmp_path / "store"
    monkeypatch.setattr(cost_store, "DECLARED", shipped)
    model, same = task_named("object_detection"), task_named("cut_analysis")
    found = kept([model])
    costs = dataclasses.replace(
        found.costs, source="declared", machine="a GPU", gpu="a GPU", unknown={"host": "not counted"}
    )
    cost_store.write(
        shipped / "gpu.yaml", dataclasses.replace(found, costs=costs, profiles=["full", "random"])
    )
    assert "no costs of cut_analysis" in refused(CostsConfig(store=str(measured)), [model, same], "full")

    tested = kept([same, model])
    tested = dataclasses.replace(tested, costs=dataclasses.replace(tested.costs, residual=0.1, holdout=0.2))
    cfg = stored(measured, tested)
    both, lines = cost_store.find(cfg, "full", [model, same])
    assert both.costs.analyzers.keys() == {"object_detection", "cut_analysis"}
    assert both.costs.source == "declared" and both.costs.gpu == "a GPU"
    assert both.costs.residual is None and both.costs.holdout is None  # nobody tested it
    assert "declared, not measured: a GPU" in lines[0]
    assert any("measured here" in line and "cut_analysis" in line for line in lines)
    raw = cost_file.as_raw(both)["costs"]["analyzers"]
    assert raw["object_detection"]["work"]["host"] is None
    assert raw["cut_analysis"]["work"]["host"]["per_s"] == 1.0
    assert cost_store.find(cfg, "random", [model])[0].costs.source == "declared"


def test_what_comes_with_clipbench_fits_the_default_settings_of_its_profiles():
    for path in cost_store.DECLARED.glob("*.yaml"):
        found = cost_store.read(path)
        assert found.costs.source == "declared" and found.profiles
        for profile in found.profiles:
            tasks = make_plan(config.compose(f"models={profile}")).tasks()
            mine = [task for task in tasks if task.analyzer in found.costs.analyzers]
            assert len(mine) == len(found.costs.analyzers) > 0
            cost_store.check(found, mine, str(path), "")
