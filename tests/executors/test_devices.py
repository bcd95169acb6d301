"""How a plan's devices are called in a process."""

from __future__ import annotations

import pytest

from clipbench.bench.errors import InputError
from clipbench.bench.planning.config import compose
from clipbench.bench.planning.placement import visible
from clipbench.bench.planning.plan import make_plan
from clipbench.bench.runs.results import GpuSummary
from clipbench.executors import devices


def test_a_worker_process_sees_its_own_gpu_alone():
    assert devices.visible("gpu:3") == {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": "3"}
    assert devices.visible("cpu")["CUDA_VISIBLE_DEVICES"] == ""
    assert (devices.alone("gpu:3"), devices.alone("cpu")) == ("cuda", "cpu")


@pytest.mark.parametrize(
    ("restriction", "device", "name"),
    [
        (None, "gpu:2", "cuda:2"),
        ("2,3", "gpu:3", "cuda:1"),
        ("3,2", "gpu:3", "cuda:0"),
        ("GPU-dd,GPU-bb", "gpu:1", "cuda:1"),
        ("2", "cpu", "cpu"),
    ],
)
def test_a_thread_names_its_gpu_among_those_that_the_process_sees(restriction, device, name):
    found = [GpuSummary(name="H100", memory_gb=85.5, uuid=f"GPU-{2 * letter}") for letter in "abcd"]
    plan = make_plan(compose(), visible(found, restriction))
    assert devices.among_all(device, plan.visible) == name


def split(letter: str) -> GpuSummary:
    """A GPU with two instances."""
    own = [GpuSummary(name="H100", memory_gb=gb, uuid=f"MIG-{letter}{n}") for n, gb in ((1, 10.0), (2, 40.0))]
    return GpuSummary(name="H100", memory_gb=85.5, uuid=f"GPU-{letter}", instances=own)


FOUND = [GpuSummary(name="H100", memory_gb=85.5, uuid="GPU-w"), split("a"), split("b")]


@pytest.mark.parametrize(
    ("restriction", "placed"),
    [
        ("MIG-b2,MIG-a1", [(2, 40.0), (1, 10.0)]),
        ("MIG-a2,GPU-w", [(1, 40.0), (0, 85.5)]),
        ("1", [(1, 10.0)]),  # CUDA takes the first instance of a card that is named itself
        (None, [(0, 85.5), (1, 10.0), (2, 10.0)]),
    ],
)
def test_an_instance_of_a_split_gpu_is_a_gpu_with_its_own_memory(restriction, placed):
    assert [(gpu.index, gpu.memory_gb) for gpu in visible(FOUND, restriction)] == placed


@pytest.mark.parametrize(
    ("restriction", "why"),
    [
        ("MIG-c1", "there is no instance MIG-c1"),
        ("MIG-a1,MIG-a2", "names 2 instances of GPU 1"),
        ("GPU-w,MIG-a1,MIG-a1", "there is no instance MIG-a1, or it is named twice"),
    ],
)
def test_instances_that_a_plan_cannot_name_are_refused_and_not_run_on_the_cpu(restriction, why):
    with pytest.raises(InputError, match=why):
        visible(FOUND, restriction)


def test_a_worker_process_sees_its_instance_by_the_name_that_it_was_given():
    named = {"CUDA_VISIBLE_DEVICES": "MIG-b2, MIG-a1"}
    plan = make_plan(compose(), visible(FOUND, named["CUDA_VISIBLE_DEVICES"]))
    for device, name in (("gpu:2", "MIG-b2"), ("gpu:1", "MIG-a1")):
        assert devices.visible(device, plan.visible, named)["CUDA_VISIBLE_DEVICES"] == name
    assert devices.visible("gpu:1", (0, 1), {})["CUDA_VISIBLE_DEVICES"] == "1"
    assert devices.visible("cpu", plan.visible, named)["CUDA_VISIBLE_DEVICES"] == ""


def test_on_the_cpu_nothing_of_cuda_is_touched(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torch", None)  # importing it would raise
    with devices.own_stream("cpu"), devices.marked("cpu", "analyze"):
        devices.limit_memory("cpu", 0.5)
