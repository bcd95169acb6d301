"""A plan's devices ("cpu", "gpu:N") as CUDA and PyTorch name them in a process.

N is the place of the GPU in the order of the PCI bus, as NVML and nvidia-smi count; CUDA's own default is
by speed, so every process here asks for the other (CUDA_DEVICE_ORDER).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

#: What makes CUDA count as NVML does.
ORDER = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}


def visible(device: str) -> dict[str, str]:
    """The environment in which a process sees this device alone; for "cpu" no GPU, so no context on one."""
    return {**ORDER, "CUDA_VISIBLE_DEVICES": device.removeprefix("gpu:") if on_gpu(device) else ""}


def on_gpu(device: str) -> bool:
    """Whether a plan's device is a GPU."""
    return device.startswith("gpu:")


def alone(device: str) -> str:
    """PyTorch's name of a device in a process that sees no other: see `visible`."""
    return "cuda" if on_gpu(device) else "cpu"


def among_all(device: str) -> str:
    """PyTorch's name of a device in a process that sees what the user lets it see."""
    if not on_gpu(device):
        return "cpu"
    number = device.removeprefix("gpu:")
    seen = [part.strip() for part in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")]
    # Where they are named by UUID, the numbers are not in the list; run.py's plan then counts as CUDA does.
    return f"cuda:{seen.index(number) if number in seen else number}"


@contextmanager
def own_stream(device: str) -> Iterator[None]:
    """On a GPU, a CUDA stream for the calling thread, so that threads do not wait for each other."""
    if not device.startswith("cuda"):
        yield
        return
    import torch

    with torch.cuda.device(device), torch.cuda.stream(torch.cuda.Stream(device)):
        yield


def marked(device: str, text: str) -> AbstractContextManager[None]:
    """On a GPU, an NVTX range, which Nsight shows beside the kernels; elsewhere nothing."""
    if not device.startswith("cuda"):
        return nullcontext()
    import torch

    return torch.cuda.nvtx.range(text)


def limit_memory(device: str, fraction: float) -> None:
    """Let this process take no more than this share of a GPU's memory: beyond it, it is out of memory."""
    if device.startswith("cuda"):
        import torch

        torch.cuda.set_per_process_memory_fraction(fraction, device if ":" in device else f"{device}:0")
