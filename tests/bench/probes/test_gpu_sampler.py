"""Sampling of GPUs, with recorded answers of NVML: no GPU is needed."""

from __future__ import annotations

import time

import pynvml
import pytest

from clipbench.bench.probes import nvml
from clipbench.bench.probes.gpu_sampler import FIGURES, GpuSampler
from clipbench.bench.runs.serialization import to_json
from tests.support.fake_nvml import GB, GPM, FakeNvml, Gpu, process, sample, samples


def test_every_figure_of_a_device_that_tells_all():
    start = time.time()
    gpu = Gpu(
        gpm=GPM,
        processes=[process(7, 3 * GB)],
        buffer=lambda: samples((start - 1, 99), (start + 0.05, 80), (start + 0.06, 90)),
    )
    [device] = sample(FakeNvml(gpu))["devices"]
    assert device["reasons"] == {} and set(device["figures"]) == set(FIGURES)
    values = {figure: kept["values"] for figure, kept in device["figures"].items()}
    assert values["memory_used_bytes"] == [GB, GB]
    assert values["process_memory_bytes"][-1] == {"7": 3 * GB}
    # Each buffered sample once, nothing from before the start; the null says from when on the first speaks.
    assert values["utilization_percent"] == [None, 80.0, 90.0]
    assert values["utilization_rate_percent"] == [40.0, 40.0]
    assert values["power_w"][-1] == 123.4 and values["energy_j"][-1] == 5000.0
    assert values["sm_clock_mhz"][-1] == 1980 and values["memory_clock_mhz"][-1] == 2619
    assert values["throttle_reasons"][-1] == ["SwPowerCap", "HwThermalSlowdown"]
    assert values["sm_activity_percent"] == [None, 61.5, 61.5]
    assert values["sm_occupancy_percent"][-1] == 22.25
    assert values["tensor_activity_percent"][-1] == 9.5 and values["dram_activity_percent"][-1] == 31.0


def test_buffered_samples_are_on_the_clock_of_the_spans():
    wall, now = time.time(), time.monotonic()
    [device] = sample(FakeNvml(Gpu(buffer=lambda: samples((wall + 0.1, 50)))))["devices"]
    assert device["figures"]["utilization_percent"]["times_s"][1] == pytest.approx(now + 0.1, abs=0.02)


def test_samples_on_another_clock_are_not_used():
    """Were they on CLOCK_MONOTONIC they would seem to be from 1970."""
    sampler = GpuSampler(FakeNvml(Gpu(buffer=lambda: samples((time.time() + 3600, 50)))), {})
    sampler.sample(slow=True)
    [device] = to_json(sampler.close())["devices"]
    assert "utilization_percent" not in device["figures"]
    assert "wall clock" in device["reasons"]["utilization_percent"]


@pytest.mark.parametrize("code", [pynvml.NVML_ERROR_LIBRARY_NOT_FOUND, pynvml.NVML_ERROR_NO_PERMISSION])
def test_nvml_that_cannot_be_used_is_one_reason(code):
    series = sample(FakeNvml(init_error=code))
    assert series == {"reason": f"NVML: {pynvml.NVMLError(code)}"}


def test_a_machine_without_a_driver(monkeypatch):
    def absent(name):
        raise OSError(name)

    monkeypatch.setattr(nvml.ctypes, "CDLL", absent)
    assert "no NVIDIA driver" in to_json(GpuSampler(environ={}).close())["reason"]


def test_a_driver_without_a_gpu():
    assert "no GPU" in sample(FakeNvml())["reason"]


def test_what_is_not_permitted_has_a_reason_and_the_rest_goes_on():
    denied = dict.fromkeys(
        ("nvmlDeviceGetSamples", "nvmlDeviceGetPowerUsage", "nvmlGpmSampleGet"),
        pynvml.NVML_ERROR_NO_PERMISSION,
    )
    fake = FakeNvml(Gpu(gpm=GPM, refused=denied))
    [device] = sample(fake, times=3)["devices"]
    for figure in ("utilization_percent", "power_w", "sm_activity_percent", "dram_activity_percent"):
        assert device["reasons"][figure] == "NVML: Insufficient Permissions"
        assert figure not in device["figures"]
    assert device["figures"]["utilization_rate_percent"]["values"] == [40.0] * 3
    assert [fake.calls.count(name) for name in denied] == [1, 1, 1], "what is refused for good is asked once"


def test_a_failure_that_may_pass_is_asked_again():
    gpu = Gpu(refused={"nvmlDeviceGetPowerUsage": pynvml.NVML_ERROR_TIMEOUT})
    sampler = GpuSampler(FakeNvml(gpu), {})
    sampler.sample(slow=True)
    gpu.refused.clear()
    sampler.sample(slow=True)
    [device] = to_json(sampler.close())["devices"]
    assert device["figures"]["power_w"]["values"] == [123.4]
    assert device["reasons"]["power_w"] == "NVML: Timeout"


def test_a_chip_without_gpm():
    [device] = sample(FakeNvml(Gpu(gpm=None)))["devices"]
    assert {f for f, why in device["reasons"].items() if "no GPM" in why} == {
        f for f in FIGURES if "(GPM)" in FIGURES[f]
    }


def test_one_activity_that_the_chip_does_not_count():
    [device] = sample(FakeNvml(Gpu(gpm={k: v for k, v in GPM.items() if k != "ANY_TENSOR_UTIL"})))["devices"]
    assert device["reasons"]["tensor_activity_percent"] == "NVML: Not Supported"
    assert device["figures"]["sm_activity_percent"]["values"][-1] == 61.5


def test_an_activity_that_is_no_number_has_a_reason():
    [device] = sample(FakeNvml(Gpu(gpm={**GPM, "ANY_TENSOR_UTIL": float("nan")})))["devices"]
    assert "no number" in device["reasons"]["tensor_activity_percent"]
    assert "tensor_activity_percent" not in device["figures"]


def test_memory_by_process_that_is_hidden_is_unknown_not_zero():
    [device] = sample(FakeNvml(Gpu(processes=[process(7, None), process(8, GB)])))["devices"]
    assert device["figures"]["process_memory_bytes"]["values"][-1] == {"7": None, "8": GB}
    assert "does not tell" in device["reasons"]["process_memory_bytes"]


def test_an_empty_buffer_leaves_the_readings_of_the_moment():
    [device] = sample(FakeNvml(Gpu(rate=70)))["devices"]
    assert "no sample" in device["reasons"]["utilization_percent"]
    assert device["figures"]["utilization_rate_percent"]["values"] == [70.0, 70.0]


def test_a_fault_of_the_sampler_itself_is_a_reason():
    series = sample(FakeNvml(Gpu(buffer=lambda: 1 / 0)))
    assert "ZeroDivisionError" in series["reason"]


def test_fast_samples_read_memory_and_energy_only():
    fake = FakeNvml(Gpu())
    sampler = GpuSampler(fake, {})
    del fake.calls[:]
    sampler.sample(slow=False)
    assert fake.calls == ["nvmlDeviceGetMemoryInfo", "nvmlDeviceGetTotalEnergyConsumption"]


NO_UTILIZATION = dict.fromkeys(
    ("nvmlDeviceGetSamples", "nvmlDeviceGetUtilizationRates"), pynvml.NVML_ERROR_NOT_SUPPORTED
)
MIG = Gpu(
    uuid="GPU-33333333-cccc",
    gpm=GPM,
    instances=[Gpu(uuid=f"MIG-{n}", used=n * GB, refused=NO_UTILIZATION) for n in (1, 2)],
)


@pytest.mark.parametrize(
    ("wanted", "uuid", "memory"), [("0", "MIG-1", GB), ("MIG-2", "MIG-2", 2 * GB), ("MIG-1", "MIG-1", GB)]
)
def test_a_card_in_mig_mode_is_its_instance(wanted, uuid, memory):
    [device] = sample(FakeNvml(MIG), {"CUDA_VISIBLE_DEVICES": wanted})["devices"]
    assert device["uuid"] == uuid and device["mig"] is True
    assert device["figures"]["memory_used_bytes"]["values"][-1] == memory
    assert device["figures"]["sm_activity_percent"]["values"][-1] == 61.5
    assert device["reasons"]["utilization_percent"] == "NVML: Not Supported"
    assert device["reasons"]["utilization_rate_percent"] == "NVML: Not Supported"
