"""Where a run was made: the machine, its software, and the state of the code."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path

from clipbench.analyzers.threads import cores_allowed
from clipbench.bench.locations import checkout
from clipbench.bench.runs.results import Environment, GpuSummary
from clipbench.bench.runs.telemetry import NotMeasured

PACKAGES = (
    "torch", "transformers", "openai-whisper", "onnxruntime", "rapidocr", "opencv-python-headless", "av",
    "librosa", "numpy", "scipy", "hydra-core",
)  # fmt: skip


def describe() -> Environment:
    """The environment as result.json has it; what cannot be found out is None."""
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
        git_commit=git("rev-parse", "HEAD"),
        git_dirty=bool(status) if (status := git("status", "--porcelain")) is not None else None,
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
    """NVIDIA's devices by NVML, or the reason why none can be seen."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        return NotMeasured(f"NVML: {error}")
    try:
        devices = []
        for index in range(pynvml.nvmlDeviceGetCount()):
            handle = pynvml.nvmlDeviceGetHandleByIndex(index)
            devices.append(
                GpuSummary(
                    name=pynvml.nvmlDeviceGetName(handle),
                    memory_gb=round(pynvml.nvmlDeviceGetMemoryInfo(handle).total / 1e9, 1),
                    uuid=pynvml.nvmlDeviceGetUUID(handle),
                    driver=pynvml.nvmlSystemGetDriverVersion(),
                )
            )
        return devices
    except pynvml.NVMLError as error:
        return NotMeasured(f"NVML: {error}")
    finally:
        pynvml.nvmlShutdown()


def version(package: str) -> str | None:
    """The installed version of a distribution."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def git(*arguments: str) -> str | None:
    """What git says about clipbench's own checkout, or None where there is none.

    A repository around the checkout, or around the environment that clipbench is installed in, is not asked.
    """
    folder = checkout()
    if folder is None or not (folder / ".git").exists():
        return None
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
