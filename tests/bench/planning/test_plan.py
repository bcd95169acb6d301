"""Groupings are validated before anything starts."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from clipbench.analyzers import registry
from clipbench.analyzers.base import ALL, Analyzer
from clipbench.bench.errors import InputError
from clipbench.bench.planning.config import (
    FaultConfig,
    GroupConfig,
    GroupingConfig,
    compose,
    schema,
)
from clipbench.bench.planning.executor_settings import executor_config
from clipbench.bench.planning.machines import MachineConfig
from clipbench.bench.planning.plan import make_plan
from clipbench.bench.planning.remarks import absent_upstream, remarks
from tests.support.command_line import PROJECT


def analyzer(name: str, *upstream: str) -> type[Analyzer]:
    return type(name, (Analyzer,), {"name": name, "upstream": upstream})


@pytest.fixture
def four(monkeypatch):
    """Four analyzers: b reads a, c reads b, d reads all."""
    known = {"a": analyzer("a"), "b": analyzer("b", "a"), "c": analyzer("c", "b"), "d": analyzer("d", ALL)}
    monkeypatch.setattr(registry, "discover", lambda: known)
    return known


def configuration(groups: dict[str, list[str]], only=(), stages=False, device="cpu", **executor):
    grouped = {name: GroupConfig(names, device) for name, names in groups.items()}
    return SimpleNamespace(
        grouping=GroupingConfig("mine", grouped, stages),
        executor=executor_config()(**{"name": "threads", **executor}),
        models=embedded(),
        faults=FaultConfig(),
        machine=MachineConfig("here"),
        profile=None,
        only=list(only),
    )


def embedded():
    """The settings of all analyzers, as models=embedded has them."""
    models = schema()().models
    models.profile = "embedded"
    return models


def test_order_follows_what_is_read_then_the_grouping(four):
    plan = make_plan(configuration({"x": ["d", "c"], "y": ["b", "a"]}))
    assert [task.analyzer for task in plan.tasks()] == ["a", "b", "c", "d"]
    assert {task.analyzer: task.upstream for task in plan.tasks()}["d"] == ("a", "b", "c")
    assert plan.group_of("b").name == "y"


def test_a_star_takes_what_no_group_names(four):
    plan = make_plan(configuration({"x": ["c"], "y": ["*"]}))
    assert [task.analyzer for task in plan.groups[1].tasks] == ["a", "b", "d"]


def test_an_analyzer_that_no_group_has_is_not_run(four):
    plan = make_plan(configuration({"x": ["a", "c"]}))
    assert [task.analyzer for task in plan.tasks()] == ["a", "c"]
    assert plan.group_of("c").tasks[1].upstream == ()
    assert absent_upstream(plan) == ["c reads from b, which no group of this run has: it runs without"]


def test_a_reader_of_all_reads_all_of_its_grouping(four):
    plan = make_plan(configuration({"x": ["d", "b"]}))
    assert {task.analyzer: task.upstream for task in plan.tasks()}["d"] == ("b",)


def test_only_takes_from_the_grouping(four):
    plan = make_plan(configuration({"x": ["a", "c"]}, only=["c"]))
    assert [task.analyzer for task in plan.tasks()] == ["c"]
    with pytest.raises(InputError, match="only: no group of the grouping has b"):
        make_plan(configuration({"x": ["a", "c"]}, only=["b"]))


@pytest.mark.parametrize(
    ("groups", "line"),
    [
        ({"x": ["a", "b"], "y": ["b", "c", "d"]}, "groups.y.analyzers: b is in group x too"),
        ({"x": ["a", "b", "c", "d", "e"]}, "there is no analyzer e"),
        ({"x": ["*"], "y": ["*"]}, '"*" is in group x too'),
        ({}, "groups: is empty"),
    ],
)
def test_groupings_that_are_refused(four, groups, line):
    with pytest.raises(InputError, match=r"conf/grouping/mine\.yaml") as caught:
        make_plan(configuration(groups))
    assert line in str(caught.value)


@pytest.mark.parametrize("replicas", [0, -3, 4097, 10**9, 10**30])
def test_replicas_that_are_refused(four, replicas):
    cfg = configuration({"x": ["*"]})
    cfg.grouping.groups["x"].replicas = replicas
    with pytest.raises(InputError) as caught:
        make_plan(cfg)
    assert str(caught.value) == (
        f"conf/grouping/mine.yaml: groups.x.replicas={replicas} is out of range: "
        "it must be 1 to 4096 (how many equal workers the group has)"
    )


def test_replicas_become_workers_or_a_remark(four):
    cfg = configuration({"x": ["a", "b"], "y": ["*"]})
    cfg.grouping.groups["y"].replicas = 3
    plan = make_plan(cfg)
    assert [worker.name for worker in plan.layout] == ["x", "y.1", "y.2", "y.3"]
    assert [worker.name for worker in plan.workers_of(plan.groups[1])] == ["y.1", "y.2", "y.3"]
    assert remarks(plan) == []
    cfg.executor = executor_config()(name="sequential")
    assert remarks(make_plan(cfg)) == ["group y asks for 3 replicas; the executor has 1 worker for it"]


def test_threads_of_a_group_are_those_of_its_workers_or_a_remark(four):
    cfg = configuration({"x": ["a", "b"], "y": ["*"]}, threads=1)
    cfg.grouping.groups["y"].threads = 3
    plan = make_plan(cfg)
    assert [worker.threads for worker in plan.layout] == [1, 3] and remarks(plan) == []
    cfg.executor = executor_config()(name="sequential", threads=1)
    assert remarks(make_plan(cfg)) == ["group y asks for 3 threads; its workers have 1"]
    cfg.grouping.groups["y"].threads = 0
    with pytest.raises(InputError, match=r"groups\.y\.threads=0 is out of range: it must be 1 to 4096"):
        make_plan(cfg)


def test_a_group_with_the_name_of_a_replica(four):
    cfg = configuration({"x": ["a", "b"], "x.2": ["*"]})
    cfg.grouping.groups["x"].replicas = 2
    with pytest.raises(InputError, match=r"two workers called x\.2; rename one"):
        make_plan(cfg)


def test_a_device_that_is_not_there(four):
    with pytest.raises(InputError, match="there is no device tpu"):
        make_plan(configuration({"x": ["*"]}, device="tpu"))


def test_stages_wait_for_the_stage_before(four):
    plan = make_plan(configuration({"x": ["a", "b"], "y": ["c", "d"]}, stages=True))
    assert {task.analyzer: task.after for task in plan.tasks()} == {
        "a": (), "b": (), "c": ("a", "b"), "d": ("a", "b")
    }  # fmt: skip
    with pytest.raises(InputError, match="stages wait for each other in a circle"):
        make_plan(configuration({"x": ["b"], "y": ["a", "c", "d"]}, stages=True))


def test_cores_and_threads_are_shared_out(four, monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {2, 3, 5, 7})
    two = make_plan(configuration({"x": ["a"], "y": ["*"]}, name="gpu_pinned"))
    assert (two.threads, [g.cpus for g in two.groups]) == (2, [(2, 3), (5, 7)])
    assert make_plan(configuration({"x": ["*"]}, name="sequential")).threads == 4
    pool = make_plan(configuration({"x": ["*"]}, name="spawn_pool", workers=3))
    assert (pool.workers, pool.threads) == (3, 1)
    many = make_plan(configuration({n: [n] for n in "abc"} | {"y": ["*"], "z": []}, name="gpu_pinned"))
    assert many.threads == 1


def test_a_circle_is_named(monkeypatch):
    known = {"a": analyzer("a", "b"), "b": analyzer("b", "a")}
    monkeypatch.setattr(registry, "discover", lambda: known)
    with pytest.raises(InputError, match=r"in a circle: . → . → ."):
        make_plan(configuration({"x": ["*"]}))


def test_an_upstream_that_does_not_exist(monkeypatch):
    monkeypatch.setattr(registry, "discover", lambda: {"alpha": analyzer("alpha", "alhpa")})
    with pytest.raises(InputError, match="did you mean alpha"):
        make_plan(configuration({"x": ["*"]}))


def test_only_brings_what_is_read_from(four):
    plan = make_plan(configuration({"x": ["*"]}, only=["c"]))
    assert [task.analyzer for task in plan.tasks()] == ["a", "b", "c"]


def test_only_a_reader_of_all_reads_what_there_is(four):
    plan = make_plan(configuration({"x": ["*"]}, only=["d", "a"]))
    assert [(task.analyzer, task.upstream) for task in plan.tasks()] == [("a", ()), ("d", ("a",))]


def test_the_real_groupings_hold_every_analyzer_once():
    names = sorted(registry.discover())
    assert len(names) == 20
    for path in sorted((PROJECT / "conf" / "grouping").glob("*.yaml")):
        cfg = configuration({})
        cfg.grouping = compose(f"grouping={path.stem}").grouping
        assert sorted(task.analyzer for task in make_plan(cfg).tasks()) == names, path.stem
