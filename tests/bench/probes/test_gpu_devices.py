"""Which GPUs this run may use, and what they are, with recorded answers of NVML: no GPU is needed."""

from __future__ import annotations

import pynvml
import pytest

from clipbench.bench.probes.gpu_devices import devices, mps_runs
from clipbench.bench.probes.nvml import Unavailable
from clipbench.bench.probes.visible_devices import Card, Choice, visible
from tests.support.fake_nvml import GB, FakeNvml, Gpu

SECOND = Gpu(uuid="GPU-22222222-bbbb", used=2 * GB)
CARDS = [
    Card(0, "GPU-11111111-aaaa"),
    Card(1, "GPU-22222222-bbbb"),
    Card(2, "GPU-33333333-cccc", ("MIG-1", "MIG-2")),
]


@pytest.mark.parametrize(
    ("value", "choices", "ignored"),
    [
        (None, [Choice(0), Choice(1), Choice(2, 0)], None),
        ("1", [Choice(1)], None),
        (" 1, 0", [Choice(1), Choice(0)], None),
        ("0,7,1", [Choice(0)], "7"),
        ("0,0,1", [Choice(0)], "0"),
        ("0,,1", [Choice(0)], ""),
        ("GPU-2222", [Choice(1)], None),
        ("GPU-", [], "GPU-"),
        ("", [], ""),
        ("-1", [], "-1"),
        ("no-gpu", [], "no-gpu"),
        ("2", [Choice(2, 0)], None),
        ("MIG-2", [Choice(2, 1)], None),
        ("MIG-", [], "MIG-"),
        ("GPU-3", [Choice(2)], None),
    ],
)
def test_cuda_visible_devices_is_read_as_cuda_reads_it(value, choices, ignored):
    found = visible(CARDS, value)
    assert list(found.choices) == choices and found.ignored == ignored


def test_devices_are_numbered_in_the_order_of_the_variable():
    found, warnings = devices(FakeNvml(Gpu(), SECOND), {"CUDA_VISIBLE_DEVICES": "1,0"})
    assert [(d.ordinal, d.index, d.uuid) for d in found] == [
        (0, 1, "GPU-22222222-bbbb"),
        (1, 0, "GPU-11111111-aaaa"),
    ]
    assert warnings == []


def test_an_entry_that_names_no_device_is_a_warning():
    found, [warning] = devices(FakeNvml(Gpu(), SECOND), {"CUDA_VISIBLE_DEVICES": "0,7,1"})
    assert len(found) == 1 and warning.startswith("7 in CUDA_VISIBLE_DEVICES names no further device")


def test_a_variable_that_leaves_no_gpu_is_a_reason():
    with pytest.raises(Unavailable, match="CUDA_VISIBLE_DEVICES=GPU-9 leaves no GPU to this run"):
        devices(FakeNvml(Gpu()), {"CUDA_VISIBLE_DEVICES": "GPU-9"})


def test_what_a_device_is():
    [device], _ = devices(FakeNvml(Gpu(), SECOND), {"CUDA_VISIBLE_DEVICES": "1"})
    assert (device.name, device.memory_total_bytes) == ("NVIDIA H100 80GB HBM3", 80 * GB)
    assert (device.compute_capability, device.mig, device.instance) == ("9.0", False, None)


def test_a_card_that_cannot_be_opened_is_a_warning():
    lost = Gpu(refused={"nvmlDeviceGetHandleByIndex": pynvml.NVML_ERROR_GPU_IS_LOST})
    found, warnings = devices(FakeNvml(lost, SECOND), {})
    assert [(d.index, d.uuid) for d in found] == [(1, "GPU-22222222-bbbb")]
    assert warnings == ["GPU 0 cannot be used: GPU is lost"]


def test_unlike_gpus_may_be_numbered_otherwise_by_cuda():
    def warnings(**environ):
        return devices(FakeNvml(Gpu(), Gpu(name="NVIDIA L4", uuid="GPU-5")), environ)[1]

    assert "PCI_BUS_ID" in warnings()[0]
    assert warnings(CUDA_DEVICE_ORDER="PCI_BUS_ID") == []
    assert warnings(CUDA_VISIBLE_DEVICES="GPU-5") == []
    assert devices(FakeNvml(Gpu(), SECOND), {})[1] == []


def test_mps_by_its_control_pipe(tmp_path):
    environ = {"CUDA_MPS_PIPE_DIRECTORY": str(tmp_path)}
    assert mps_runs(environ) is False
    (tmp_path / "control").touch()
    assert mps_runs(environ) is True
