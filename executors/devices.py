"""A plan's devices ("cpu", "gpu:N") as CUDA and PyTorch name them in a process.

N is the place of the GPU in the order of the PCI bus, as NVML and nvidia-smi count; CUDA's own default is
by speed, so every process here asks for the other (CUDA_DEVICE_ORDER).
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from clipbench.analyzers.production import recording

VARIABLE = "CUDA_VISIBLE_DEVICES"
#: What makes CUDA count as NVML does.
ORDER = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}


def visible(
    device: str, among: Sequence[int] = (), environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """The environment variables with which a process sees this device only; for "cpu", no GPU at all.

    `among` are the numbers of the GPUs that CUDA_VISIBLE_DEVICES leaves to us, in its order, if that is set.
    Then the device keeps the name that it has there: an instance of a GPU in MIG mode has no other.
    """
    if not on_gpu(device):
        return {**ORDER, VARIABLE: ""}
    number = device.removeprefix("gpu:")
    named = [entry.strip() for entry in environ.get(VARIABLE, "").split(",") if entry.strip()]
    if int(number) in among and len(named) >= len(among):
        number = named[among.index(int(number))]
    return {**ORDER, VARIABLE: number}


def on_gpu(device: str) -> bool:
    """Whether a plan's device is a GPU."""
    return device.startswith("gpu:")


def alone(device: str) -> str:
    """PyTorch's name of a device in a process that sees no other: see `visible`."""
    return "cuda" if on_gpu(device) else "cpu"


def among_all(device: str, visible: Sequence[int]) -> str:
    """PyTorch's name of a device in a process that sees the GPUs with these numbers, in this order."""
    return f"cuda:{visible.index(int(device.removeprefix('gpu:')))}" if on_gpu(device) else "cpu"


def choose(device: str) -> None:
    """Make a GPU the default of libraries that are not told which one to use."""
    if device.startswith("cuda:"):
        import torch

        torch.cuda.set_device(device)


@contextmanager
def own_stream(device: str) -> Iterator[None]:
    """On a GPU, a CUDA stream for the calling thread, so that threads do not wait for each other."""
    if not device.startswith("cuda"):
        yield
        return
    import torch

    stream: Any = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    with torch.cuda.device(device), torch.cuda.stream(stream):
        yield


def marked(device: str, text: str) -> AbstractContextManager[None]:
    """On a GPU, an NVTX range, which Nsight shows beside the kernels; elsewhere nothing."""
    if not device.startswith("cuda"):
        return nullcontext()
    import torch

    return torch.cuda.nvtx.range(text)


def release(device: str) -> None:
    """Collect garbage and, on a GPU, give back the memory that PyTorch caches."""
    gc.collect()  # networks are full of reference cycles
    if device.startswith("cuda"):
        recording.empty_cache()


def limit_memory(device: str, fraction: float) -> None:
    """Limit this process to a share of a GPU's memory: beyond it, it is out of memory."""
    if device.startswith("cuda"):
        import torch

        torch.cuda.set_per_process_memory_fraction(fraction, device if ":" in device else f"{device}:0")
