"""Bounds that hold for every grouping: a simple one, and a proven one where the solver is installed."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from clipbench.analyzers.base import FrameRequest, Needs
from clipbench.bench.planning.auto import exact
from clipbench.bench.planning.auto.demand import ClipShape, Demand
from clipbench.executors.costs import AnalyzerCost, Costs, DecodingCost, Growth, Work
from clipbench.executors.layout import Gpu, Machine, Task
from tests.support.list_schedule import all_drafts, problem, scorer, space_of


def random_problem(seed: int) -> Demand:
    draw = random.Random(seed)
    seconds = {name: draw.randint(1, 9) for name in "abcdef"}
    return problem(seconds, {"e": ["a", "b"], "f": ["e"]}, shared={"c": 2}, cores=3)


def best(demand: Demand) -> float:
    scoring = scorer(demand)
    return min(scoring.score(draft).value for draft in all_drafts(space_of(demand), demand.cores))


@pytest.mark.parametrize("seed", range(4))
def test_the_simple_bound_holds_and_says_what_it_is(seed):
    demand = random_problem(seed)
    bound = exact.simple_bound(demand, Machine(3), 1)
    assert 0 < bound.seconds <= best(demand)
    assert not bound.proven and ("chain" in bound.source or "cores" in bound.source)


@pytest.mark.parametrize("seed", range(4))
def test_the_proven_bound_holds_and_is_no_worse_than_the_simple_one(seed):
    pytest.importorskip("ortools")
    demand = random_problem(seed)
    bound = exact.least_time(demand, Machine(3), 1)
    assert exact.simple_bound(demand, Machine(3), 1).seconds <= bound.seconds <= best(demand)


def test_where_the_simple_bound_is_loose_the_solver_finds_the_optimum():
    pytest.importorskip("ortools")
    demand = problem({"a": 3, "b": 3, "c": 3}, cores=2)
    assert exact.simple_bound(demand, Machine(2), 1).seconds == 4.5
    bound = exact.least_time(demand, Machine(2), 1)
    assert (bound.seconds, bound.proven, bound.optimal) == (6, True, True)


def test_without_the_solver_the_bound_is_the_simple_one(monkeypatch):
    monkeypatch.setattr(exact.importlib.util, "find_spec", lambda name: None)
    demand = problem({"a": 3, "b": 3, "c": 3}, cores=2)
    assert exact.least_time(demand, Machine(2), 1) == exact.simple_bound(demand, Machine(2), 1)


def chunked_clip(chunks: int, gpu: bool = False) -> Demand:
    """Decoding of a second and a reader of as much, both in so many chunks, and half a second for its end."""
    work = Work(gpu=Growth(per_s=0.1)) if gpu else Work(Growth(per_s=0.1))
    costs = Costs(
        "here",
        2,
        "declared",
        {"a": AnalyzerCost(work, finish=Work(Growth(0.5)))},
        decoding=DecodingCost(open_s=0.25, frames=Growth(per_s=0.1)),
    )
    task = Task("a", None, needs=Needs((FrameRequest(1, 320),)), chunked=True, gpu=gpu, memory_gb=1.0)  # type: ignore[arg-type]
    return Demand(costs, (task,), (ClipShape(10, 1, chunks),), 2)


@pytest.mark.parametrize("gpu", [False, True])
@pytest.mark.parametrize("chunks", [1, 2, 5])
def test_a_chain_through_chunks_overlaps_with_decoding(chunks, gpu):
    demand, machine = chunked_clip(chunks, gpu), Machine(2, (), (Gpu(0, 8),) if gpu else ())
    expected = 0.25 + 1 + 1 / chunks + 0.5
    assert exact.simple_bound(demand, machine, 1).seconds == pytest.approx(expected)
    pytest.importorskip("ortools")
    found = exact.solved(exact.pieces(demand, demand.clips[0], 1), machine)
    assert found and found.seconds == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(("window_s", "expected"), [(10, 0.25 + 1 + 1 + 0.5), (5, 0.25 + 1 + 0.5 + 0.5)])
def test_what_is_collected_is_worked_on_when_a_window_is_complete(window_s, expected):
    demand = chunked_clip(2)
    cost = AnalyzerCost(Work(), finish=Work(Growth(0.5)), windowed=Work(Growth(per_s=0.1)), window_s=window_s)
    demand = replace(demand, costs=replace(demand.costs, analyzers={"a": cost}))
    assert exact.simple_bound(demand, Machine(2), 1).seconds == pytest.approx(expected)
    pytest.importorskip("ortools")
    found = exact.solved(exact.pieces(demand, demand.clips[0], 1), Machine(2))
    assert found and found.seconds == pytest.approx(expected, rel=1e-3)


def test_a_faster_machine_needs_less():
    demand = chunked_clip(2)
    fast = replace(demand, host_speed=2.0)
    assert exact.simple_bound(fast, Machine(2), 1).seconds == pytest.approx(
        exact.simple_bound(demand, Machine(2), 1).seconds / 2
    )
