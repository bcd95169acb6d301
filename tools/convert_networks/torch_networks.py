"""The parts of the converted networks that are written in PyTorch here, because no graph file has them.

EfficientNet-lite0 (Google, 2020) and CREPE tiny (Kim et al., "CREPE: A Convolutional Representation for Pitch
Estimation", 2018) come as bare PyTorch weights; MoveNet's decoding step is rewritten for batches.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from tools.convert_networks.ops import same_padding


def load_weights(path: Path) -> dict[str, torch.Tensor]:
    weights: dict[str, torch.Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return weights


def same_conv(x: torch.Tensor, conv: nn.Conv2d) -> torch.Tensor:
    """`conv` on NCHW `x` with TensorFlow's SAME padding."""
    kernel, stride = conv.kernel_size[0], conv.stride[0]
    (top, bottom), (left, right) = (same_padding(int(side), kernel, stride) for side in x.shape[2:])
    if top + bottom + left + right:
        x = functional.pad(x, (left, right, top, bottom))
    y: torch.Tensor = conv(x)
    return y


class InvertedResidual(nn.Module):
    """MobileNetV2's block without squeeze-and-excitation; the attributes are named as in the weights."""

    def __init__(self, inside: int, outside: int, kernel: int, stride: int, expand: int) -> None:
        super().__init__()
        wide = inside * expand
        self.residual = stride == 1 and inside == outside
        self.expands = expand > 1
        if self.expands:
            self._expand_conv = nn.Conv2d(inside, wide, 1, bias=False)
            self._bn0 = nn.BatchNorm2d(wide, eps=1e-3)
        self._depthwise_conv = nn.Conv2d(wide, wide, kernel, stride, groups=wide, bias=False)
        self._bn1 = nn.BatchNorm2d(wide, eps=1e-3)
        self._project_conv = nn.Conv2d(wide, outside, 1, bias=False)
        self._bn2 = nn.BatchNorm2d(outside, eps=1e-3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = functional.relu6(self._bn0(self._expand_conv(x))) if self.expands else x
        y = functional.relu6(self._bn1(same_conv(y, self._depthwise_conv)))
        projected: torch.Tensor = self._bn2(self._project_conv(y))
        return x + projected if self.residual else projected


class EfficientNetLite0(nn.Module):
    """EfficientNet-lite0: pictures [N, 3, 224, 224] to ImageNet logits [N, 1000] and the pooled [N, 1280]."""

    #: blocks in a row, kernel, stride of the first, expansion, channels
    STAGES = (
        (1, 3, 1, 1, 16),
        (2, 3, 2, 6, 24),
        (2, 5, 2, 6, 40),
        (3, 3, 2, 6, 80),
        (3, 5, 1, 6, 112),
        (4, 5, 2, 6, 192),
        (1, 3, 1, 6, 320),
    )

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = nn.Conv2d(3, 32, 3, 2, bias=False)
        self._bn0 = nn.BatchNorm2d(32, eps=1e-3)
        blocks, inside = [], 32
        for repeats, kernel, stride, expand, outside in self.STAGES:
            for index in range(repeats):
                blocks.append(InvertedResidual(inside, outside, kernel, 1 if index else stride, expand))
                inside = outside
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = nn.Conv2d(320, 1280, 1, bias=False)
        self._bn1 = nn.BatchNorm2d(1280, eps=1e-3)
        self._fc = nn.Linear(1280, 1000)

    @classmethod
    def read(cls, path: Path) -> EfficientNetLite0:
        net = cls()
        net.load_state_dict(load_weights(path))
        return net

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = functional.relu6(self._bn0(same_conv(x, self._conv_stem)))
        for block in self._blocks:
            x = block(x)
        embedding = functional.relu6(self._bn1(self._conv_head(x))).mean((2, 3))
        return self._fc(embedding), embedding


class CrepeTiny(nn.Module):
    """CREPE tiny: frames of 1024 samples at 16 kHz [N, 1024] to the strength of 360 pitches [N, 360].

    Pitch i is 10 * 2 ** ((20 * i + 1997.3794084376191) / 1200) Hz. Each frame is normalised to mean 0 and
    deviation 1 here, as torchcrepe does before its network.
    """

    CHANNELS = (1, 128, 16, 16, 16, 32, 64)

    def __init__(self) -> None:
        super().__init__()
        for index, (inside, outside) in enumerate(zip(self.CHANNELS, self.CHANNELS[1:], strict=False), 1):
            kernel, stride = ((1, 512), (1, 4)) if index == 1 else ((1, 64), (1, 1))
            setattr(self, f"conv{index}", nn.Conv2d(inside, outside, kernel, stride))
            setattr(self, f"conv{index}_BN", nn.BatchNorm2d(outside, eps=0.0010000000474974513))
        self.classifier = nn.Linear(256, 360)

    @classmethod
    def read(cls, path: Path) -> CrepeTiny:
        net = cls()
        # Sound lies along the width: along the height, ONNX Runtime computes one value at a time.
        net.load_state_dict(
            {
                name: values.transpose(2, 3) if values.dim() == 4 else values
                for name, values in load_weights(path).items()
            }
        )
        return net

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        frames = frames - frames.mean(1, keepdim=True)
        # The sample deviation, because torch.std has no equivalent in ONNX.
        deviation = ((frames**2).sum(1, keepdim=True) / 1023).sqrt()
        x = (frames / deviation.clamp(min=1e-10))[:, None, None, :]
        for index in range(1, len(self.CHANNELS)):
            x = functional.pad(x, (254, 254) if index == 1 else (31, 32))
            x = functional.relu(getattr(self, f"conv{index}")(x))
            x = functional.max_pool2d(getattr(self, f"conv{index}_BN")(x), (1, 2), (1, 2))
        return torch.sigmoid(self.classifier(x.permute(0, 3, 1, 2).flatten(1)))


class MoveNetDecoder(nn.Module):
    """MoveNet's last step for a batch: four NHWC maps to keypoints [N, 1, 17, 3] (y, x, score in 0..1).

    The person is where the weighted centre map peaks. The offsets there say roughly where each keypoint is,
    and the keypoint is the peak of its heat map near that place, corrected by a local offset.
    """

    def forward(
        self, centre: torch.Tensor, regression: torch.Tensor, heat: torch.Tensor, offset: torch.Tensor
    ) -> torch.Tensor:
        size = int(heat.shape[1])
        grid = torch.arange(size, dtype=torch.float32)
        peak = centre.flatten(1).argmax(1, keepdim=True)
        rough = regression.flatten(1, 2).gather(1, peak[:, :, None].expand(-1, -1, 34)).reshape(-1, 17, 2)
        rough_y = rough[:, :, 0] + torch.div(peak, size, rounding_mode="floor")
        rough_x = rough[:, :, 1] + peak % size
        distance = (
            (grid[None, :, None, None] - rough_y[:, None, None]) ** 2
            + (grid[None, None, :, None] - rough_x[:, None, None]) ** 2
        ).sqrt()
        # 1.8: the graph's own constant, which keeps the weight finite at the rough place.
        near = (heat / (distance + 1.8)).flatten(1, 2).argmax(1)
        score = heat.flatten(1, 2).gather(1, near[:, None]).squeeze(1)
        pairs = offset.flatten(1, 2).reshape(-1, size * size, 17, 2)
        fine = pairs.gather(1, near[:, None, :, None].expand(-1, -1, -1, 2)).squeeze(1)
        y = (torch.div(near, size, rounding_mode="floor") + fine[:, :, 0]) / size
        x = (near % size + fine[:, :, 1]) / size
        return torch.stack((y, x, score), 2)[:, None]
