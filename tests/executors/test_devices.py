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


def test_an_instance_of_a_split_gpu_is_refused_and_not_run_on_the_cpu():
    found = [GpuSummary(name="H100", memory_gb=85.5, uuid="GPU-aa")]
    with pytest.raises(InputError, match="CUDA_VISIBLE_DEVICES=MIG-12"):
        visible(found, "MIG-12")


def test_on_the_cpu_nothing_of_cuda_is_touched(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torch", None)  # importing it would raise
    with devices.own_stream("cpu"), devices.marked("cpu", "analyze"):
        devices.limit_memory("cpu", 0.5)
