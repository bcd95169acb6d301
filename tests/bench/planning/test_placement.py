"""Groups on one, two, four and eight GPUs: who is alone, and whether the memory is enough."""

from __future__ import annotations

import io
from collections import defaultdict

import pytest
from rich.console import Console

from clipbench.analyzers.base import Analyzer, FrameRequest, Needs, Settings
from clipbench.analyzers.registry import discover
from clipbench.bench.errors import InputError
from clipbench.bench.planning.config import compose
from clipbench.bench.planning.description import PlanDescription, describe
from clipbench.bench.planning.placement import place, visible
from clipbench.bench.planning.plan import make_plan
from clipbench.bench.probes import environment
from clipbench.bench.runs.measurement import NotMeasured
from clipbench.bench.runs.results import GpuSummary
from clipbench.executors.base import Plan
from clipbench.executors.layout import CONTEXT_GB, Gpu, Group, Task, WorkerPlan
from clipbench.reports.plan_console import show

MACHINES = {n: tuple(Gpu(i, 85.5, "H100") for i in range(n)) for n in (1, 2, 4, 8)}
EXECUTORS = ("sequential", "spawn_pool", "gpu_pinned", "threads", "ray")
#: As many workers as one GPU has memory for.
POOL = {"spawn_pool": ("executor.workers=1",)}


def planned(gpus, *overrides):
    return make_plan(compose("models=random", *overrides), gpus)


def asking(name: str, device: str, memory_gb: float | None) -> WorkerPlan:
    return WorkerPlan(name, device, (), memory_gb=memory_gb)


def devices(workers) -> list[str]:
    return [worker.device for worker in workers]


def needs(plan) -> dict[str, float]:
    """Group → GB that its production models are declared to need."""
    return {group.name: sum(task.memory_gb or 0.0 for task in group.tasks) for group in plan.groups}


@pytest.mark.parametrize("count", MACHINES)
@pytest.mark.parametrize("grouping", ["sequential", "staged", "optimized"])
def test_memory_is_never_promised_twice(count, grouping):
    plan = planned(MACHINES[count], f"grouping={grouping}", "executor=gpu_pinned")
    taken = defaultdict(float)
    for group in plan.groups:
        if group.device != "cpu":
            taken[group.device] += needs(plan)[group.name] + CONTEXT_GB
    assert taken and all(gb <= 85.5 for gb in taken.values())


@pytest.mark.parametrize("count", MACHINES)
def test_qwen_is_alone(count):
    plan = planned(MACHINES[count], "grouping=optimized", "executor=gpu_pinned")
    group = plan.group_of("qwen2_vl_temporal")
    assert [task.analyzer for task in group.tasks] == ["qwen2_vl_temporal"]
    beside = [g.name for g in plan.groups if g is not group and g.device == group.device]
    assert group.device == "gpu:0" and bool(beside) == (count == 1)
    spread = {g.device for g in plan.groups if g.device not in ("cpu", group.device)}
    others = sum(g.device != "cpu" for g in plan.groups) - 1
    assert len(spread) == (0 if count == 1 else min(count - 1, others))


@pytest.mark.parametrize("executor", EXECUTORS)
def test_each_executor_has_a_plan_for_one_gpu(executor):
    plan = planned(MACHINES[1], "grouping=optimized", f"executor={executor}", *POOL.get(executor, ()))
    assert {g.device for g in plan.groups} <= {"gpu:0", "cpu"}
    assert any(g.device == "gpu:0" for g in plan.groups)


def test_a_pool_whose_workers_hold_too_much_is_refused():
    with pytest.raises(
        InputError, match=r"GPU 0 \(H100\) has 85.5 GB, and its workers need .* executor.workers"
    ):
        planned(MACHINES[1], "grouping=sequential", "executor=spawn_pool", "executor.workers=16")


def test_without_a_gpu_and_with_embedded_networks_all_is_cpu():
    assert {g.device for g in planned((), "grouping=optimized").groups} == {"cpu"}
    embedded = make_plan(compose("grouping=optimized"), MACHINES[8])
    assert {g.device for g in embedded.groups} == {"cpu"}


def test_named_gpus_are_kept_free_and_shared_where_it_must_be():
    two = MACHINES[2]
    wishes = [asking("vlm", "gpu:0", 20.0), asking("a", "gpu:auto", 5.0), asking("b", "gpu:auto", 6.0)]
    assert devices(place(wishes, two)) == ["gpu:0", "gpu:1", "gpu:1"]
    assert devices(place(wishes, MACHINES[1])) == ["gpu:0"] * 3
    crowded = [*wishes, asking("c", "gpu:auto", 78.0)]
    # What no longer fits goes to the named one.
    assert devices(place(crowded, two)) == ["gpu:0", "gpu:0", "gpu:1", "gpu:1"]
    assert devices(place([asking("far", "gpu:3", 1.0)], two)) == ["gpu:1"]


def replica(name: str, device: str, memory_gb: float) -> WorkerPlan:
    return WorkerPlan(name, device, (Task(name.partition(".")[0], Settings()),), memory_gb=memory_gb)


def test_replicas_are_spread_and_fill_the_emptiest_gpu_first():
    many = [replica(f"a.{n}", "gpu:auto", 2.0) for n in range(1, 6)]
    assert devices(place(many, MACHINES[4])) == ["gpu:0", "gpu:1", "gpu:2", "gpu:3", "gpu:0"]
    # Beside something large too, as long as there is room: two on one GPU would wait for each other.
    large = [replica("large", "gpu:auto", 80.0), *many[:3]]
    assert devices(place(large, MACHINES[2])) == ["gpu:0", "gpu:1", "gpu:0", "gpu:1"]
    uneven = (Gpu(0, 80.0, "A"), Gpu(1, 40.0, "B"))
    assert devices(place([replica(f"a.{n}", "gpu:auto", 30.0) for n in (1, 2, 3)], uneven)) == [
        "gpu:0", "gpu:1", "gpu:0"
    ]  # fmt: skip
    # A named GPU is left to who named it, and replicas of a group that names one are all there.
    named = [replica("vlm", "gpu:0", 20.0), *many[:2]]
    assert devices(place(named, MACHINES[2])) == ["gpu:0", "gpu:1", "gpu:1"]
    assert devices(place([replica("b.1", "gpu:1", 2.0), replica("b.2", "gpu:1", 2.0)], MACHINES[2])) == [
        "gpu:1", "gpu:1"
    ]  # fmt: skip


def test_where_memory_says_nothing_workers_are_counted():
    others = [replica("a", "gpu:auto", 0.0), replica("b", "gpu:auto", 0.0), replica("c", "gpu:auto", 0.0)]
    assert devices(place(others, MACHINES[2])) == ["gpu:0", "gpu:1", "gpu:0"]


@pytest.mark.parametrize(
    ("device", "gpus", "fits"), [("gpu:0", 4, 3), ("gpu:auto", 1, 3), ("gpu:auto", 2, 6)]
)
def test_memory_counts_replicas(device, gpus, fits):
    # Qwen2-VL takes 22 GB and 0.5 GB for CUDA's context: three of it fit on a GPU of 85.5 GB.
    only = ("only=[qwen2_vl_temporal]", "grouping=optimized", "executor=gpu_pinned")
    key = f"grouping.groups.vlm.device={device}", "grouping.groups.vlm.replicas"
    workers = planned(MACHINES[gpus], *only, key[0], f"{key[1]}={fits}").layout
    assert len(workers) == fits
    with pytest.raises(
        InputError, match=r"has 85.5 GB, and its workers need 90\.0 GB \(vlm\.1 22\.5, .*replicas"
    ):
        planned(MACHINES[gpus], *only, key[0], f"{key[1]}={fits + 1}")


def test_a_plan_shows_replicas_and_where_each_is():
    console = Console(record=True, width=200, file=io.StringIO())
    plan = planned(
        MACHINES[2],
        *("only=[qwen2_vl_temporal]", "grouping=optimized", "executor=gpu_pinned"),
        *("grouping.groups.vlm.device=gpu:auto", "grouping.groups.vlm.replicas=2"),
    )
    show(PlanDescription("optimized", "gpu_pinned", "random", plan, [], []), console)
    rows = [line.split()[:4] for line in console.export_text().splitlines() if "gpu:" in line]
    assert rows[0] == ["vlm", "×", "2", "gpu:0"] and rows[1][0] == "gpu:1"


def test_too_much_memory_names_who_wants_it():
    with pytest.raises(InputError, match=r"need 90\.0 GB \(a 50\.0, b 40\.0\)"):
        place([asking("a", "gpu:auto", 50.0), asking("b", "gpu:auto", 40.0)], MACHINES[1])


@pytest.mark.parametrize("device", ["tpu", "gpu", "gpu:", "gpu:one", "cuda:0"])
def test_a_device_that_is_not_there(device):
    with pytest.raises(InputError, match=f"there is no device {device}"):
        place([asking("a", device, None)], ())


@pytest.mark.parametrize(
    ("restriction", "indices"),
    [
        (None, [0, 1, 2]),
        ("", []),
        ("2,0", [2, 0]),
        ("GPU-bb", [1]),
        ("1,7,0", [1]),
        ("0,0", [0]),
        (" 1 ", [1]),
    ],
)
def test_only_what_cuda_may_see_is_used(restriction, indices):
    found = [GpuSummary(name="H100", memory_gb=80.0, uuid=f"GPU-{c * 8}") for c in "abc"]
    assert [gpu.index for gpu in visible(found, restriction)] == indices
    assert visible(NotMeasured("NVML: no driver"), restriction) == ()


@pytest.mark.parametrize("executor", ["sequential", "spawn_pool", "gpu_pinned"])
def test_the_plan_is_printed_and_nothing_is_loaded(executor, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    two = [GpuSummary(name="H100 <b>", memory_gb=80.0, uuid=f"GPU-{n}", driver="1") for n in range(2)]
    monkeypatch.setattr(environment, "gpus", lambda: two)
    monkeypatch.setattr(Analyzer, "load", None)
    chosen = (f"executor={executor}", "grouping=optimized", "models=random", *POOL.get(executor, ()))
    console = Console(record=True, width=200, file=io.StringIO())
    planned = describe(compose(*chosen))
    show(planned, console)
    text = console.export_text()
    assert all(name in text for name in discover())
    assert sum(each.asked_gb for each in planned.gpus) > 0
    assert "GPU 0 (H100 <b>, 80 GB)" in text and "Nothing was loaded." in text


def test_the_plan_says_how_each_analyzer_takes_the_clip():
    fed = Task("fed", Settings(), needs=Needs(audio=True), chunked=True)
    whole = Task("all_at_once", Settings(), needs=Needs(frames=(FrameRequest(1.0, 64),)))
    reader = Task("reader", Settings(), upstream=("fed",))
    plan = Plan((Group("g", "cpu", (fed, whole, reader)),), (asking("g", "cpu", None),))
    console = Console(record=True, width=200, file=io.StringIO())
    show(PlanDescription("one", "threads", "embedded", plan, [], []), console)
    assert (
        "Analyzers go through a clip chunk by chunk; the whole clip at once is read by all_at_once; "
        "only results of others by reader\n"
    ) in console.export_text()


def test_without_a_gpu_the_plan_says_so(monkeypatch):
    monkeypatch.setattr(environment, "gpus", lambda: {"reason": "NVML: no driver"})
    console = Console(record=True, width=200, file=io.StringIO())
    show(describe(compose()), console)
    text = console.export_text()
    assert "There is no GPU: everything is on the CPU." in text
    assert "chunk by chunk; only results of others by temporal_flow, cross_analyzer_intelligence" in text
    assert "the whole clip at once" not in text
