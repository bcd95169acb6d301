"""Where a run was made: the machine, its software, and the state of the code."""

from __future__ import annotations

import json
import logging
import os
import platform
import subprocess
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import clipbench
from clipbench.analyzers.threads import cores_allowed
from clipbench.bench.locations import PACKAGE, checkout
from clipbench.bench.probes import nvml
from clipbench.bench.probes.gpu_devices import instance_handles
from clipbench.bench.runs.measurement import NotMeasured
from clipbench.bench.runs.results import Environment, GpuSummary

log = logging.getLogger(__name__)

PACKAGES = (
    "torch", "transformers", "openai-whisper", "onnxruntime", "rapidocr", "opencv-python-headless", "av",
    "librosa", "numpy", "scipy", "hydra-core",
)  # fmt: skip


def describe() -> Environment:
    """The environment as result.json has it; what cannot be found out is None."""
    commit, dirty = state_of_the_code()
    return Environment(
        machine=platform.machine(),
        cpu=cpu_name(),
        cores=os.cpu_count(),
        cores_allowed=cores_allowed(),
        memory_gb=memory_gb(),
        gpus=gpus(),
        os=platform.platform(),
        python=platform.python_version(),
        packages={name: version(name) for name in PACKAGES},
        clipbench=clipbench.__version__,
        git_commit=commit,
        git_dirty=dirty,
    )


def cpu_name() -> str | None:
    """The processor's name as the kernel gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or None
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), None)


def memory_gb() -> float:
    """Physical memory in GB."""
    import psutil

    return round(psutil.virtual_memory().total / 1e9, 1)


def gpus() -> list[GpuSummary] | NotMeasured:
    """All GPUs of the machine in NVML's order, or the reason why there are none to be seen."""
    try:
        api = nvml.load()
        with nvml.session(api):
            try:
                return [summary(api, index) for index in range(api.nvmlDeviceGetCount())]
            except nvml.errors(api) as error:
                return NotMeasured(f"NVML: {error}")
    except nvml.Unavailable as unavailable:
        return NotMeasured(str(unavailable))


def summary(api: Any, index: int) -> GpuSummary:
    """The GPU with this index. Raises NVML's errors."""
    handle = api.nvmlDeviceGetHandleByIndex(index)
    name, driver = api.nvmlDeviceGetName(handle), api.nvmlSystemGetDriverVersion()

    def one(device: Any) -> GpuSummary:
        memory_gb = round(api.nvmlDeviceGetMemoryInfo(device).total / 1e9, 1)
        return GpuSummary(name=name, memory_gb=memory_gb, uuid=api.nvmlDeviceGetUUID(device), driver=driver)

    return replace(one(handle), instances=[one(each) for each in instance_handles(api, handle)] or None)


def version(package: str) -> str | None:
    """The installed version of a distribution."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def state_of_the_code() -> tuple[str | None, bool | None]:
    """clipbench's own commit and whether there were changes beyond it: of its checkout, or of its build."""
    if checkout() is not None:
        status = git("status", "--porcelain")
        return git("rev-parse", "HEAD"), None if status is None else bool(status)
    try:
        built_from = json.loads((PACKAGE / "built_from.json").read_text(encoding="utf-8"))
    except OSError:
        return None, None
    return built_from["git_commit"], built_from["git_dirty"]


def git(*arguments: str) -> str | None:
    """What git says about clipbench's own checkout, or None if there is no checkout.

    A repository around the checkout, or around the environment that clipbench is installed in, is not asked.
    """
    folder = checkout()
    if folder is None or not (folder / ".git").exists():
        return None
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        log.info("the checkout's state is unknown: %s", error)
        return None
    return done.stdout.strip()
