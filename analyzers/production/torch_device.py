"""The device that a production back end runs on: precision, memory, waiting, timing.

Devices are named as PyTorch names them: "cpu", "cuda", "cuda:N". All of this also runs on "cpu", where
nothing is asynchronous.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from clipbench.analyzers.production import recording

if TYPE_CHECKING:
    import torch

M = TypeVar("M", bound="torch.nn.Module")


def on_gpu(device: str) -> bool:
    """Whether `device` is a CUDA device."""
    return device.startswith("cuda")


def precision(device: str, half: str = "float16") -> torch.dtype:
    """The type to compute in: `half` ("float16" or "bfloat16") on a GPU, float32 on the CPU."""
    import torch

    dtype: torch.dtype = getattr(torch, half) if on_gpu(device) else torch.float32
    return dtype


def channels_last(network: M) -> M:
    """`network` with its weights laid out channels last, which convolutions on a GPU are fastest with."""
    import torch

    untyped: Any = network  # PyTorch's types do not know `memory_format` on its own
    converted: M = untyped.to(memory_format=torch.channels_last)
    return converted


def phase(device: str, text: str) -> contextlib.AbstractContextManager[object]:
    """A context that is an NVTX range on a GPU, which Nsight shows beside the kernels; elsewhere nothing."""
    if not on_gpu(device):
        return contextlib.nullcontext()
    import torch

    span: contextlib.AbstractContextManager[object] = torch.cuda.nvtx.range(text)
    return span


class _CudnnAttention:
    """How many threads want PyTorch's one switch of cuDNN's attention off, and how it was before."""

    lock = threading.Lock()
    unwanted = 0
    before = True


@contextlib.contextmanager
def no_cudnn_attention(device: str) -> Iterator[None]:
    """A context in which attention on a GPU is not cuDNN's; elsewhere nothing.

    cuDNN makes a plan for every shape, so that keys that grow by one cost a plan for each token. The switch
    is the whole process's: other threads do without it meanwhile, and it is as it was after the last one.
    """
    if not on_gpu(device):
        yield
        return
    from torch.backends import cuda

    untyped: Any = cuda  # its switches have no types
    with _CudnnAttention.lock:
        if not _CudnnAttention.unwanted:
            _CudnnAttention.before = untyped.cudnn_sdp_enabled()
            untyped.enable_cudnn_sdp(False)
        _CudnnAttention.unwanted += 1
    try:
        yield
    finally:
        with _CudnnAttention.lock:
            _CudnnAttention.unwanted -= 1
            if not _CudnnAttention.unwanted:
                untyped.enable_cudnn_sdp(_CudnnAttention.before)


def release(device: str) -> None:
    """Return memory that PyTorch keeps for later to the device."""
    if on_gpu(device):
        import gc

        gc.collect()  # networks are full of reference cycles
        recording.empty_cache()


def release_all(device: str) -> None:
    """`release`, and cuBLAS's workspaces as well: one for each stream, 32 MiB on an H100.

    The workspaces stay while somebody may replay a recorded graph, which holds their addresses.
    """
    release(device)
    if not on_gpu(device):
        return
    import torch

    with recording.turn:
        clear = getattr(torch._C, "_cuda_clearCublasWorkspaces", None)
        if clear and not len(recording.recorders):
            clear()
            recording.empty_cache()


def wait(device: str) -> None:
    """Make the host wait for the work that this thread has queued on a GPU.

    It waits for an event, which blocks no other thread of the process, and asleep, which leaves the core to
    analyzers that compute on the CPU.
    """
    if not on_gpu(device):
        return
    _recorded_event(device).synchronize()


def _recorded_event(device: str, timing: bool = False) -> torch.cuda.Event:
    """An event behind the work that this thread has queued on a GPU."""
    import torch

    cuda: Any = torch.cuda  # its events have no types
    event: torch.cuda.Event = cuda.Event(enable_timing=timing, blocking=not timing)
    event.record(torch.cuda.current_stream(device))
    return event


class DeviceTimer:
    """Adds up how long phases take on a device, without waiting for it until `seconds` is called."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._host_marks: list[tuple[str, float]] = []
        self._gpu_marks: list[tuple[str, torch.cuda.Event]] = []

    def mark(self, phase: str) -> None:
        """Mark the end of `phase`, which began at the previous mark."""
        if not on_gpu(self._device):
            self._host_marks.append((phase, time.perf_counter()))
            return
        self._gpu_marks.append((phase, _recorded_event(self._device, timing=True)))

    def seconds(self) -> dict[str, float]:
        """Seconds by phase; the device must have reached all marks."""
        total: dict[str, float] = {}
        for (_, start), (phase, end) in zip(self._host_marks, self._host_marks[1:], strict=False):
            total[phase] = total.get(phase, 0.0) + end - start
        for (_, before), (phase, after) in zip(self._gpu_marks, self._gpu_marks[1:], strict=False):
            total[phase] = total.get(phase, 0.0) + before.elapsed_time(after) / 1000
        return total
