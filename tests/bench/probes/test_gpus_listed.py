"""The GPUs that the environment lists, with recorded answers of NVML."""

from __future__ import annotations

import pynvml
import pytest

from clipbench.bench.probes import environment, nvml
from clipbench.bench.runs.measurement import NotMeasured
from clipbench.bench.runs.results import GpuSummary
from tests.support.fake_nvml import SECOND, FakeNvml, Gpu


def test_all_gpus_are_listed_whatever_cuda_may_see(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    monkeypatch.setattr(nvml, "load", lambda: FakeNvml(Gpu(), SECOND))
    name = "NVIDIA H100 80GB HBM3"
    assert environment.gpus() == [
        GpuSummary(name=name, memory_gb=80.0, uuid=uuid, driver="570.00")
        for uuid in ("GPU-11111111-aaaa", "GPU-22222222-bbbb")
    ]


LOST = Gpu(refused={"nvmlDeviceGetHandleByIndex": pynvml.NVML_ERROR_GPU_IS_LOST})


@pytest.mark.parametrize(
    ("fake", "reason"),
    [
        (FakeNvml(LOST), "NVML: GPU is lost"),
        (FakeNvml(init_error=pynvml.NVML_ERROR_NO_PERMISSION), "NVML: Insufficient Permissions"),
    ],
)
def test_gpus_that_cannot_be_asked_are_a_reason(monkeypatch, fake, reason):
    monkeypatch.setattr(nvml, "load", lambda: fake)
    assert environment.gpus() == NotMeasured(reason)
    assert fake.open == 0, "NVML was left open"


def test_the_instances_of_a_split_gpu_are_listed_with_it(monkeypatch):
    small = Gpu(uuid="MIG-1")
    monkeypatch.setattr(nvml, "load", lambda: FakeNvml(Gpu(instances=[small]), SECOND))
    first, second = environment.gpus()
    assert [one.uuid for one in first.instances] == ["MIG-1"] and second.instances is None
