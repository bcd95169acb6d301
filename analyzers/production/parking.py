"""Parking a back end's weights in host memory, so that others can use the GPU's."""

from __future__ import annotations

import contextlib
import weakref
from typing import TYPE_CHECKING, Any

from clipbench.analyzers.features import torch_runtime
from clipbench.analyzers.production import torch_device
from clipbench.analyzers.production.base import Production

if TYPE_CHECKING:
    import torch

#: Parked tensors begin at multiples of this many bytes, where any type can be read.
ALIGNMENT = 64


class OnDevice(Production):
    """A back end whose networks are in `networks`, by name; they can be parked in host memory and woken.

    A subclass calls `place` at the end of `load` and keeps no other reference to the networks' tensors.
    """

    device: str
    networks: dict[str, torch.nn.Module]
    _parked: dict[str, ParkedWeights]

    def place(self, device: str, **networks: torch.nn.Module) -> None:
        """Take over `networks`, which are on `device`, for inference."""
        if not torch_device.on_gpu(device):
            torch_runtime.use_thread_budget()
        self.device = device
        self.networks = {name: each.eval().requires_grad_(False) for name, each in networks.items()}
        self._parked = {}

    def unload(self) -> None:
        self.networks, self._parked = {}, {}
        torch_device.release_all(self.device)

    def offload(self) -> None:
        if not torch_device.on_gpu(self.device):
            return
        for name, network in self.networks.items():
            if name not in self._parked:
                self._parked[name] = ParkedWeights(network)
            self._parked[name].park()
        torch_device.release_all(self.device)

    def wake(self) -> None:
        for parked in self._parked.values():
            parked.wake(self.device)
        torch_device.wait(self.device)


class ParkedWeights:
    """A copy of a network's weights in pinned host memory, and the way there and back.

    The copy is made once and kept: weights do not change in use, so parking again only drops those on the
    device. Memory is pinned with cudaHostRegister, because PyTorch's own pinned allocations are rounded up to
    powers of two. `wake` changes the addresses on the device: CUDA graphs have to be captured again.
    """

    def __init__(self, network: torch.nn.Module) -> None:
        import torch

        self._tensors = [*network.parameters(), *network.buffers()]
        places, end = [], 0
        for tensor in self._tensors:
            places.append(end)
            end += -(-tensor.numel() * tensor.element_size() // ALIGNMENT) * ALIGNMENT
        memory = torch.empty(end, dtype=torch.uint8)
        device = str(self._tensors[0].device)
        if torch_device.on_gpu(device):
            pin(memory, self, device)
        self._copies = []
        for tensor, start in zip(self._tensors, places, strict=True):
            flat = memory[start : start + tensor.numel() * tensor.element_size()].view(tensor.dtype)
            # Laid out as PyTorch would copy it: channels last stays, and a view loses its gaps.
            strides = torch.empty_like(tensor, device="meta").stride()
            copy = flat.as_strided(tensor.shape, strides)
            self._copies.append(copy.copy_(tensor.data, non_blocking=True))

    def park(self) -> None:
        """Keep the weights on the host only; `release` then frees their memory on the device."""
        torch_device.wait(str(self._tensors[0].device))
        for tensor, copy in zip(self._tensors, self._copies, strict=True):
            tensor.data = copy

    def wake(self, device: str) -> None:
        """Queue the copies of the weights back to `device`; they are complete after `wait`."""
        for tensor, copy in zip(self._tensors, self._copies, strict=True):
            tensor.data = copy.to(device, non_blocking=True)


def pin(memory: torch.Tensor, owner: object, device: str) -> None:
    """Lock the pages of a host tensor while its `owner` lives; if CUDA refuses, copies are merely slower."""
    import torch

    cuda: Any = torch.cuda  # its runtime has no types
    runtime, address = cuda.cudart(), memory.data_ptr()
    if int(runtime.cudaHostRegister(address, memory.nbytes, 0)) == 0:
        # Tied to the owner: the pages of the memory may be freed before the memory's own finalizer runs.
        weakref.finalize(owner, runtime.cudaHostUnregister, address).atexit = False
        return
    with contextlib.suppress(RuntimeError):  # CUDA remembers the refusal and would blame the next kernel
        torch.empty(1, device=device).fill_(0)
