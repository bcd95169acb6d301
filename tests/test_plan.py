"""Groupings are validated before anything starts."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

import analyzers
from analyzers.base import ALL, Analyzer
from bench.config import GroupConfig, GroupingConfig, models_config
from bench.errors import InputError
from bench.plan import make_plan


def analyzer(name: str, *upstream: str) -> type[Analyzer]:
    return type(name, (Analyzer,), {"name": name, "upstream": upstream})


@pytest.fixture
def four(monkeypatch):
    """Four analyzers: b reads a, c reads b, d reads all."""
    known = {"a": analyzer("a"), "b": analyzer("b", "a"), "c": analyzer("c", "b"), "d": analyzer("d", ALL)}
    monkeypatch.setattr(analyzers, "discover", lambda: known)
    return known


def configuration(groups: dict[str, list[str]], only=(), threads=1, device="cpu"):
    grouping = GroupingConfig("mine", {name: GroupConfig(names, device) for name, names in groups.items()})
    return SimpleNamespace(
        grouping=grouping,
        executor=SimpleNamespace(threads=threads),
        models=models_config()(profile="embedded"),
        only=list(only),
    )


def test_order_follows_what_is_read_then_the_grouping(four):
    plan = make_plan(configuration({"x": ["d", "c"], "y": ["b", "a"]}))
    assert [task.analyzer for task in plan.tasks()] == ["a", "b", "c", "d"]
    assert {task.analyzer: task.upstream for task in plan.tasks()}["d"] == ("a", "b", "c")
    assert plan.group_of("b").name == "y"


def test_a_star_takes_what_no_group_names(four):
    plan = make_plan(configuration({"x": ["c"], "y": ["*"]}))
    assert [task.analyzer for task in plan.groups[1].tasks] == ["a", "b", "d"]


@pytest.mark.parametrize(
    ("groups", "line"),
    [
        ({"x": ["a", "b", "c"]}, "no group has d"),
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


def test_a_device_that_is_not_there(four):
    with pytest.raises(InputError, match="gpu:0 is not there"):
        make_plan(configuration({"x": ["*"]}, device="gpu:0"))


def test_a_circle_is_named(monkeypatch):
    known = {"a": analyzer("a", "b"), "b": analyzer("b", "a")}
    monkeypatch.setattr(analyzers, "discover", lambda: known)
    with pytest.raises(InputError, match=r"in a circle: . → . → ."):
        make_plan(configuration({"x": ["*"]}))


def test_an_upstream_that_does_not_exist(monkeypatch):
    monkeypatch.setattr(analyzers, "discover", lambda: {"alpha": analyzer("alpha", "alhpa")})
    with pytest.raises(InputError, match="did you mean alpha"):
        make_plan(configuration({"x": ["*"]}))


def test_only_brings_what_is_read_from(four):
    plan = make_plan(configuration({"x": ["*"]}, only=["c"]))
    assert [task.analyzer for task in plan.tasks()] == ["a", "b", "c"]


def test_only_a_reader_of_all_reads_what_there_is(four):
    plan = make_plan(configuration({"x": ["*"]}, only=["d", "a"]))
    assert [(task.analyzer, task.upstream) for task in plan.tasks()] == [("a", ()), ("d", ("a",))]


def test_the_real_groupings_hold_every_analyzer_once():
    names = sorted(analyzers.discover())
    assert len(names) == 20
    plan = make_plan(configuration({"all": ["*"]}))
    assert sorted(task.analyzer for task in plan.tasks()) == names
