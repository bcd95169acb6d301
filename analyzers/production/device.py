"""What the production back ends share of a device: frames, batches, precision, random weights, parking.

Devices are named as PyTorch names them: "cpu", "cuda", "cuda:N". Everything here also runs on "cpu", where
nothing is pinned, asynchronous or parked.
"""

from __future__ import annotations

import contextlib
import importlib.util
import math
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from clipbench.analyzers import threads
from clipbench.analyzers.base import ClipView
from clipbench.analyzers.features.networks import building
from clipbench.analyzers.production.base import Production

if TYPE_CHECKING:
    import torch

#: Bytes per pinned staging buffer: enough for PCIe's full speed, few enough that filling the next overlaps.
STAGE = 16 << 20
#: The share of the free memory that one batch may take: other workers may want some of it at the same time.
SHARE = 0.5
#: Means and deviations of ImageNet's pictures by channel, for values in 0..1.
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
#: Parked tensors begin at multiples of this many bytes, so that any type can be read there.
ALIGNMENT = 64
#: Those who have recorded CUDA graphs and may replay them.
recorders: weakref.WeakSet[Any] = weakref.WeakSet()


class OnDevice(Production):
    """A back end whose networks are in `nets`, by name; it can be parked in host memory and woken.

    A subclass calls `place` at the end of `load` and keeps no other reference to the networks' tensors.
    """

    def place(self, device: str, **networks: torch.nn.Module) -> None:
        """Take over `networks`, which are on `device`, for inference."""
        if not on_gpu(device):
            import torch

            torch.set_num_threads(threads.budget())
        self.device = device
        self.nets = {name: net.eval().requires_grad_(False) for name, net in networks.items()}
        self._parked: dict[str, Parked] = {}

    def unload(self) -> None:
        self.nets, self._parked = {}, {}
        release_all(self.device)

    def offload(self) -> None:
        if not on_gpu(self.device):
            return
        for name, net in self.nets.items():
            if name not in self._parked:
                self._parked[name] = Parked(net)
            self._parked[name].park()
        release_all(self.device)

    def wake(self) -> None:
        for parked in self._parked.values():
            parked.wake(self.device)
        wait(self.device)


class Parked:
    """A copy of a network's weights in pinned host memory, and the way there and back.

    The copy is made once and kept: weights do not change in use, so parking again only drops those on the
    device. Pinning is done with cudaHostRegister, since PyTorch's pinned allocations are rounded up to powers
    of two. Addresses on the device change with `wake`: CUDA graphs have to be captured again.
    """

    def __init__(self, net: torch.nn.Module) -> None:
        import torch

        self._tensors = [*net.parameters(), *net.buffers()]
        places, end = [], 0
        for tensor in self._tensors:
            places.append(end)
            end += -(-tensor.numel() * tensor.element_size() // ALIGNMENT) * ALIGNMENT
        memory = torch.empty(end, dtype=torch.uint8)
        device = str(self._tensors[0].device)
        if on_gpu(device):
            pin(memory, self, device)
        self._copies = []
        for tensor, start in zip(self._tensors, places, strict=True):
            flat = memory[start : start + tensor.numel() * tensor.element_size()].view(tensor.dtype)
            # Laid out as PyTorch would copy it: channels last where it is, without gaps where it is a view.
            strides = torch.empty_like(tensor, device="meta").stride()
            copy = flat.as_strided(tensor.shape, strides)
            self._copies.append(copy.copy_(tensor.data, non_blocking=True))

    def park(self) -> None:
        """Leave the weights on the host alone; their device memory is free after `release`."""
        wait(str(self._tensors[0].device))
        for tensor, copy in zip(self._tensors, self._copies, strict=True):
            tensor.data = copy

    def wake(self, device: str) -> None:
        """Send the weights back to `device`, where they are after `wait`: from pinned memory it is queued."""
        for tensor, copy in zip(self._tensors, self._copies, strict=True):
            tensor.data = copy.to(device, non_blocking=True)


def pin(memory: torch.Tensor, owner: object, device: str) -> None:
    """Lock a host tensor's pages while its `owner` lives; where that is refused, copies are merely slower."""
    import torch

    runtime, address = torch.cuda.cudart(), memory.data_ptr()
    if int(runtime.cudaHostRegister(address, memory.nbytes, 0)) == 0:
        # With the owner and not with the memory, whose pages may be gone before its finalizer is called.
        weakref.finalize(owner, runtime.cudaHostUnregister, address).atexit = False
        return
    with contextlib.suppress(RuntimeError):  # CUDA remembers the refusal: the next kernel would be blamed
        torch.empty(1, device=device).fill_(0)


def require(package: str) -> None:
    """Raise ModuleNotFoundError, with what to do, where `package` is not installed."""
    if importlib.util.find_spec(package) is None:
        raise ModuleNotFoundError(
            f"the production models need {package}: run `make`, or install what the extra `full` in "
            "pyproject.toml names, with --no-deps where requirements-nodeps.txt has it",
            name=package,
        )


def on_gpu(device: str) -> bool:
    """Whether it is a CUDA device."""
    return device.startswith("cuda")


def precision(device: str, half: str = "float16") -> torch.dtype:
    """The type to compute in: `half` ("float16" or "bfloat16") on a GPU, float32 on the CPU."""
    import torch

    return getattr(torch, half) if on_gpu(device) else torch.float32


def phase(device: str, text: str) -> contextlib.AbstractContextManager[Any]:
    """On a GPU an NVTX range, which Nsight shows beside the kernels; elsewhere nothing."""
    if not on_gpu(device):
        return contextlib.nullcontext()
    import torch

    return torch.cuda.nvtx.range(text)


def release(device: str) -> None:
    """Give memory that PyTorch keeps for later back to the device."""
    if on_gpu(device):
        import gc

        import torch

        gc.collect()  # networks are full of reference cycles
        torch.cuda.empty_cache()


def release_all(device: str) -> None:
    """`release`, and cuBLAS's workspaces with it: one for each stream, 32 MiB on an H100.

    Not where somebody may replay a recorded graph: it holds the addresses of those that it was recorded with.
    """
    release(device)
    if not on_gpu(device) or len(recorders):
        return
    import torch

    if clear := getattr(torch._C, "_cuda_clearCublasWorkspaces", None):
        clear()
        torch.cuda.empty_cache()


def wait(device: str) -> None:
    """Have the host wait for what this thread has queued on a GPU; by an event, which is no hidden wait."""
    if not on_gpu(device):
        return
    import torch

    event = torch.cuda.Event()
    event.record(torch.cuda.current_stream(device))
    event.synchronize()


def frames_on(clip: ClipView, fps: float, size: int, device: str) -> torch.Tensor:
    """The clip's frames on `device`, uint8 `[T, 3, H, W]` RGB, channels last in memory, not to be written to.

    Uploaded at most once per worker and clip for all its back ends; the caller's stream waits for the copy,
    the host does not.
    """

    def compute() -> torch.Tensor:
        with phase(device, "upload frames"):
            return upload(clip.frames(fps, size).images, device).permute(0, 3, 1, 2)

    return clip.memo(("frames on device", fps, size, device), compute)


def upload(array: np.ndarray, device: str) -> torch.Tensor:
    """A copy of `array` on `device`; to a GPU through pinned buffers, filling one while another is sent."""
    import torch

    kind = torch.from_numpy(np.empty(0, array.dtype)).dtype
    tensor = torch.empty(array.shape, dtype=kind, device=device)
    if not on_gpu(device):
        np.copyto(tensor.numpy(), array)
        return tensor
    rows = max(1, STAGE // max(1, array[:1].nbytes))
    for part in batches(len(array), rows):
        # Freed while in use, it is not handed out again before the copy has been made.
        staged = torch.empty(array[part].shape, dtype=kind, pin_memory=True)
        np.copyto(staged.numpy(), array[part])
        tensor[part].copy_(staged, non_blocking=True)
    return tensor


def download(*tensors: torch.Tensor) -> list[np.ndarray]:
    """The tensors as arrays (bfloat16 as float32), with one wait for all of them."""
    import torch

    wide = [tensor.float() if tensor.dtype == torch.bfloat16 else tensor for tensor in tensors]
    copies = [tensor.to("cpu", non_blocking=True) for tensor in wide]
    wait(str(tensors[0].device))
    return [copy.numpy() for copy in copies]


def standardise(pixels: torch.Tensor, means: Sequence[float], deviations: Sequence[float]) -> torch.Tensor:
    """`pixels` [T, C, H, W] less each channel's mean, over its deviation.

    By numbers: a tensor of them would be copied to the device, and waited for.
    """
    import torch

    channels = zip(pixels.unbind(1), means, deviations, strict=True)
    return torch.stack([(channel - mean) / deviation for channel, mean, deviation in channels], dim=1)


def fitting_batch(wanted: int, item_mb: float, device: str) -> int:
    """`wanted`, or as many items of `item_mb` megabytes of activations as there is room for, at least one.

    Room is SHARE of what the driver says is free, or executor.memory_fraction leaves to this process, and of
    what PyTorch keeps without using it.
    """
    if not on_gpu(device):
        return wanted
    import torch

    free, total = torch.cuda.mem_get_info(device)
    reserved = torch.cuda.memory_reserved(device)
    fraction = torch.cuda.get_per_process_memory_fraction(torch.device(device).index)
    free = max(0, min(free, fraction * total - reserved))
    kept = reserved - torch.cuda.memory_allocated(device)
    return max(1, min(wanted, int(SHARE * (free + kept) / (item_mb * 1e6))))


def batches(count: int, size: int) -> Iterator[slice]:
    """Slices of at most `size` that cover `count` items."""
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def equal_batch(count: int, most: int) -> int:
    """The size of batches of `count` items in as few runs as `most` allows, the last hardly smaller."""
    return math.ceil(count / math.ceil(count / most))


def random_net(build: Callable[[], torch.nn.Module], device: str, dtype: torch.dtype) -> torch.nn.Module:
    """The network that `build` makes, on `device`, in `dtype`, with the same random weights every time."""
    import torch

    with building, torch.device(device):
        net = build()
    return initialise(net.to(device=device, dtype=dtype))


def initialise(net: torch.nn.Module, seed: int = 0) -> torch.nn.Module:
    """Overwrite a network's parameters where they are, with random ones that keep activations near scale.

    Weights are normal with variance 1/fan_in (LeCun et al., "Efficient BackProp", 1998), biases zero, layers
    of normalisation the identity. So numbers neither overflow half precision nor die away to zeros, with
    which a GPU draws less power. The generator is the network's own: other threads do not disturb it.
    """
    import torch

    generators: dict[torch.device, torch.Generator] = {}
    with torch.no_grad():
        for module in net.modules():
            norm = "norm" in type(module).__name__.lower()
            for name, parameter in module.named_parameters(recurse=False):
                if not parameter.requires_grad:
                    continue  # a constant, such as the steps of a distribution
                if name.endswith("bias"):
                    parameter.zero_()
                elif norm:
                    parameter.fill_(1.0)
                else:
                    if parameter.device not in generators:
                        generators[parameter.device] = torch.Generator(parameter.device).manual_seed(seed)
                    fan_in = parameter[0].numel() if parameter.dim() > 1 else parameter.numel()
                    parameter.normal_(0.0, fan_in**-0.5, generator=generators[parameter.device])
    return net


def settle(net: torch.nn.Module, shape: tuple[int, ...]) -> None:
    """Give batch normalisation the statistics of one batch of noise in 0..1 of this `shape`.

    Without them, what activation functions take away adds up over a random network's layers. In double
    precision, so that the last digits, in which machines and moments differ, are lost when they are rounded.
    """
    import torch

    norms = [m for m in net.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]
    for norm in norms:
        norm.momentum = 1.0
    weight = next(net.parameters())
    device, dtype = weight.device, weight.dtype
    generator = torch.Generator(device).manual_seed(0)
    noise = torch.rand(shape, generator=generator, device=device, dtype=torch.float64)
    with torch.no_grad():
        net.double().train()(noise)
    net.to(dtype).eval()
