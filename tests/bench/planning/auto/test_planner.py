"""Groupings that are found by simulation, against every grouping that there is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from clipbench.analyzers.base import FrameRequest, Needs, Settings
from clipbench.bench.errors import InputError
from clipbench.bench.planning.auto import accuracy
from clipbench.bench.planning.auto.explaining import binding, held_by_in_flight
from clipbench.bench.planning.auto.planner import find_grouping, scorer_of
from clipbench.bench.planning.auto.problem import Problem, Workload
from clipbench.bench.planning.simulation import DeclaredClip
from clipbench.bench.runs.foretold import PastError
from clipbench.executors.costs import AnalyzerCost, Costs, DecodingCost, Growth, Work
from clipbench.executors.layout import Gpu, Machine, Task
from clipbench.executors.simulated import SimulatedSettings
from tests.support.list_schedule import all_drafts

SECONDS = {"a": 0.9, "b": 0.7, "c": 0.5, "d": 0.4, "e": 0.2}
CLIP = DeclaredClip(10.0)
QUEUE = Workload((CLIP,) * 6, in_flight=2)
#: Ten clips, one every second, which are to be done after six.
SERVICE = Workload((CLIP,), 4, times_s=tuple(float(n) for n in range(10)), latency_limit_s=6.0)


def problem(workload: Workload, objective, gpu_gb: float = 0.0, gpus: int = 0, **machine) -> Problem:
    """Five analyzers of frames on two cores, or on GPUs with so much memory for each model."""
    on_gpu = bool(gpus)
    work = {
        name: Work(gpu=Growth(s)) if on_gpu else Work(Growth(s), pressure=0.1, sensitivity=0.2)
        for name, s in SECONDS.items()
    }
    costs = Costs(
        "here", 2, "declared", {name: AnalyzerCost(each, memory_gb=1.0) for name, each in work.items()},
        decoding=DecodingCost(frames=Growth(per_s=0.02)), residual=0.05,
    )  # fmt: skip
    needs = Needs((FrameRequest(2, 320),))
    tasks = tuple(
        Task(name, Settings(), ("a",) if name == "e" else (), (), needs, on_gpu, gpu_gb if on_gpu else None)
        for name in SECONDS
    )
    there = Machine(2, (0, 1), tuple(Gpu(n, 24.0, "a GPU") for n in range(gpus)), **machine)
    return Problem(tasks, there, costs, SimulatedSettings(threads=1), workload, objective)


@pytest.mark.parametrize(
    ("workload", "objective"),
    [(Workload((CLIP,)), "latency"), (QUEUE, "throughput"), (SERVICE, "goodput")],
    ids=["latency", "throughput", "goodput"],
)
def test_no_grouping_is_better_than_the_one_that_is_found(workload, objective):
    asked = problem(workload, objective)
    found, scorer = find_grouping(asked), scorer_of(asked)
    best = min(scorer.score(draft).value for draft in all_drafts(asked.space(), 3))
    assert found.value <= best * 1.011
    assert found == find_grouping(asked)
    assert found.prediction.statuses == {"ok": 5 * len(found.prediction.latency_s)}


def test_bounds_hold_in_the_simulation():
    for workload, objective in ((Workload((CLIP,)), "latency"), (QUEUE, "throughput"), (SERVICE, "goodput")):
        scorer = scorer_of(problem(workload, objective))
        for draft in all_drafts(problem(workload, objective).space(), 2):
            assert scorer.outlook(draft).bound <= scorer.score(draft).value + 1e-9
    found = find_grouping(problem(Workload((CLIP,)), "latency"))
    assert found.gap is not None and found.gap >= 0


def test_more_gpus_are_used_and_their_memory_is_kept():
    one, four = (find_grouping(problem(QUEUE, "throughput", 5.0, gpus)) for gpus in (2, 4))
    assert four.value < one.value
    for found, gpus in ((one, 2), (four, 4)):
        for number in range(gpus):
            there = [w for w in found.plan.layout if w.device == f"gpu:{number}"]
            assert sum(w.memory_gb or 0.0 for w in there) <= 24.0


@pytest.mark.parametrize(
    ("machine", "line"),
    [
        ({"gpus": 1, "gpu_gb": 30.0}, "no grouping fits: the models need 150.0 GB, a alone 30.0 GB"),
        ({"memory_gb": 2.0}, "no grouping fits into 2 GB"),
    ],
)
def test_a_grouping_that_fits_on_no_machine(machine, line):
    with pytest.raises(InputError) as caught:
        find_grouping(problem(Workload((CLIP,)), "latency", **machine))
    assert line in str(caught.value) and "\n" not in str(caught.value)


def past(*errors: float, metric: str = "rtf_warm") -> list[PastError]:
    return [PastError(metric, error, "", "auto", "gpu_pinned") for error in errors]


def test_the_interval_holds_nine_in_ten_of_past_errors():
    found = find_grouping(problem(Workload((CLIP,)), "latency"))
    nineteen = past(*(0.01 * n * (-1) ** n for n in range(1, 20)))
    (rtf,) = accuracy.foretold(found, nineteen)
    assert rtf.metric == "rtf_warm" and rtf.predicted == pytest.approx(found.prediction.makespan_s / 10)
    # The 18th smallest of 19 errors: 18 / 20 is 90 %.
    assert (rtf.low, rtf.high) == pytest.approx((rtf.predicted * 0.82, rtf.predicted * 1.18))
    assert "90% of the last 19 predictions" in rtf.source


def test_with_too_few_errors_the_interval_is_that_of_the_costs():
    found = find_grouping(problem(Workload((CLIP,)), "latency"))
    (rtf,) = accuracy.foretold(found, [*past(*[0.3] * 8), *past(*[0.3] * 20, metric="throughput")])
    assert (rtf.low, rtf.high) == pytest.approx((rtf.predicted * 0.95, rtf.predicted * 1.05))
    assert "only 8 were measured yet" in rtf.source and rtf.source.startswith("half of")
    blind = replace(found, problem=replace(found.problem, costs=replace(found.problem.costs, residual=None)))
    (rtf,) = accuracy.foretold(blind, [])
    assert (rtf.low, rtf.high) == (None, None) and rtf.source.startswith("no interval")


def test_errors_are_kept_and_read(tmp_path):
    file = tmp_path / "store" / "errors.json"
    assert accuracy.read(file) == []
    accuracy.keep(file, past(0.1))
    accuracy.keep(file, past(-0.2))
    assert [each.error for each in accuracy.read(file)] == [0.1, -0.2]
    accuracy.keep(file, past(*[0.0] * 300))
    assert len(accuracy.read(file)) == accuracy.MOST
    file.write_text("[]")
    with pytest.raises(InputError, match="holds no errors of predictions"):
        accuracy.read(file)


@pytest.mark.parametrize(("in_flight", "held"), [(2, 2), (16, None)])
def test_clips_that_may_not_be_under_way_are_named_where_that_holds_all_up(in_flight, held):
    asked = problem(replace(QUEUE, in_flight=in_flight), "throughput")
    many = replace(asked, machine=Machine(8, tuple(range(8))))
    found = find_grouping(many)
    assert held_by_in_flight(found) == held
    assert ("scenario.in_flight" in binding(found)) == bool(held)
    alone = find_grouping(replace(many, workload=Workload((CLIP,)), objective="latency"))
    assert held_by_in_flight(alone) is None
    rare = replace(SERVICE, times_s=tuple(100.0 * n for n in range(10)), in_flight=1)
    assert held_by_in_flight(find_grouping(replace(many, workload=rare, objective="goodput"))) is None
