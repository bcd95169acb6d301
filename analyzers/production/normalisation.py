"""Normalising the channels of pictures as the networks were trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

#: Means and deviations of ImageNet's pictures by channel, for values in 0..1.
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
#: The same of the pictures that CLIP was trained on.
CLIP = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


def standardise(pixels: torch.Tensor, means: Sequence[float], deviations: Sequence[float]) -> torch.Tensor:
    """`pixels` [T, C, H, W] minus each channel's mean, divided by its deviation.

    Means and deviations stay numbers: the host would wait while a tensor of them was copied to the device.
    """
    import torch

    channels = zip(pixels.unbind(1), means, deviations, strict=True)
    return torch.stack([(channel - mean) / deviation for channel, mean, deviation in channels], dim=1)
