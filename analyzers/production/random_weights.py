"""Networks with random weights that compute with numbers like those of trained ones (models=random)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from clipbench.analyzers.features import torch_runtime
from clipbench.analyzers.features.random_parameters import initialise

if TYPE_CHECKING:
    import torch

M = TypeVar("M", bound="torch.nn.Module")


def random_network(build: Callable[[], M], device: str, dtype: torch.dtype) -> M:
    """The network that `build` makes, on `device`, in `dtype`, with the same random weights every time."""
    import torch

    with torch_runtime.building, torch.device(device):
        network = build()
    return initialise(converted(network, device, dtype))


def converted(network: M, device: str | None, dtype: torch.dtype) -> M:
    """`network` in `dtype`, but for what is computed and not learnt; on `device`, or where it is.

    So it is with pretrained weights: the frequencies of rotary positions (`inv_freq`) are computed in float32
    and in no file, and in half precision they would turn positions into others.
    """
    computed = [
        (module, name, buffer)
        for module in network.modules()
        for name, buffer in module.named_buffers(recurse=False)
        if name in module._non_persistent_buffers_set and buffer.is_floating_point()
    ]
    network.to(device=device, dtype=dtype)
    for module, name, buffer in computed:
        module._buffers[name] = buffer.to(device=device)
    return network


def settle_batch_norm(network: torch.nn.Module, shape: tuple[int, ...]) -> None:
    """Set the statistics of batch normalisation to those of one batch of noise in 0..1 of this `shape`.

    Without them, what activation functions remove would add up over a random network's layers. It computes
    in double precision: the last digits, which differ between machines, vanish when the result is rounded.
    """
    import torch

    for module in network.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.momentum = 1.0
    weight = next(network.parameters())
    device, dtype = weight.device, weight.dtype
    generator = torch.Generator(device).manual_seed(0)
    noise = torch.rand(shape, generator=generator, device=device, dtype=torch.float64)
    with torch.no_grad():
        network.double().train()(noise)
    network.to(dtype).eval()
