"""Random parameters with which a network computes with numbers like those of a trained one."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import torch

M = TypeVar("M", bound="torch.nn.Module")


def initialise(network: M, seed: int = 0) -> M:
    """Overwrite a network's parameters in place with random ones that keep the scale of activations.

    Weights are normal with variance 1/fan_in (LeCun et al., "Efficient BackProp", 1998), biases are zero,
    and normalisation layers do nothing. So numbers neither overflow half precision nor become zeros, with
    which a GPU draws less power. The generator is not the global one, so other threads do not disturb it.
    """
    import torch

    generators: dict[torch.device, torch.Generator] = {}
    with torch.no_grad():
        for module in network.modules():
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
    return network
