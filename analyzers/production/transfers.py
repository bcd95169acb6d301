"""Copies between host and device that do not make the host wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from clipbench.analyzers.base import ClipView
from clipbench.analyzers.production import torch_device
from clipbench.analyzers.production.batching import batches

if TYPE_CHECKING:
    import torch

#: Bytes per pinned buffer: enough for PCIe's full speed, and few enough that one is filled while the previous
#: one is sent.
BUFFER = 16 << 20


def frames_on_device(clip: ClipView, fps: float, size: int, device: str) -> torch.Tensor:
    """The clip's frames on `device`, uint8 `[T, 3, H, W]` RGB, channels last in memory; do not write to them.

    They are uploaded at most once per worker and chunk for all back ends. The caller's stream waits for the
    copy, the host does not.
    """

    def compute() -> torch.Tensor:
        with torch_device.phase(device, "upload frames"):
            return upload(clip.frames(fps, size).images, device).permute(0, 3, 1, 2)

    return clip.memo(("frames on device", fps, size, device), compute)


def upload(array: np.ndarray, device: str) -> torch.Tensor:
    """A copy of `array` on `device`; to a GPU through pinned buffers, one filled while another is sent."""
    import torch

    dtype = torch.from_numpy(np.empty(0, array.dtype)).dtype
    tensor = torch.empty(array.shape, dtype=dtype, device=device)
    if not torch_device.on_gpu(device):
        np.copyto(tensor.numpy(), array)
        return tensor
    rows = max(1, BUFFER // max(1, array[:1].nbytes))
    for part in batches(len(array), rows):
        # A buffer that is freed while in use is not handed out again before its copy is complete.
        buffer = torch.empty(array[part].shape, dtype=dtype, pin_memory=True)
        np.copyto(buffer.numpy(), array[part])
        tensor[part].copy_(buffer, non_blocking=True)
    return tensor


def download(*tensors: torch.Tensor) -> list[np.ndarray]:
    """The tensors as arrays (bfloat16 as float32), with one wait for all of them."""
    import torch

    wide = [tensor.float() if tensor.dtype == torch.bfloat16 else tensor for tensor in tensors]
    copies = [tensor.to("cpu", non_blocking=True) for tensor in wide]
    torch_device.wait(str(tensors[0].device))
    return [copy.numpy() for copy in copies]
