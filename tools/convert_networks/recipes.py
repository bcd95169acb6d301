"""How each converted network is made from its source, and what it is compared with.

All converted vision networks take uint8 RGB pictures [N, H, W, 3]: the scaling that a network was trained
with is part of the graph, so that no analyzer can get it wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from tools.convert_networks.graph import Graph
from tools.convert_networks.torch_networks import CrepeTiny, EfficientNetLite0, MoveNetDecoder


class Scaled(torch.nn.Module):
    """A network that gets `(picture - mean) / scale`: as BGR if `bgr`, [N, 3, H, W] if `channels_first`."""

    mean: torch.Tensor
    factor: torch.Tensor

    def __init__(
        self,
        network: torch.nn.Module,
        mean: float | list[float],
        scale: float | list[float],
        *,
        channels_first: bool = False,
        bgr: bool = False,
    ) -> None:
        super().__init__()
        self.network, self.channels_first, self.bgr = network, channels_first, bgr
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32).reshape(-1, 1, 1))
        self.register_buffer("factor", 1 / torch.tensor(scale, dtype=torch.float32).reshape(-1, 1, 1))

    def forward(self, pictures: torch.Tensor) -> Any:
        # As bytes, and plane by plane: so it is a fraction of the work.
        x = pictures.permute(0, 3, 1, 2)
        x = (x.flip(1) if self.bgr else x).float()
        x = (x - self.mean) * self.factor
        return self.network(x if self.channels_first else x.permute(0, 2, 3, 1))


class Sequence(torch.nn.Module):
    """Two modules, of which the first returns a tuple with the inputs of the second."""

    def __init__(self, first: torch.nn.Module, second: torch.nn.Module) -> None:
        super().__init__()
        self.first, self.second = first, second

    def forward(self, x: torch.Tensor) -> Any:
        return self.second(*self.first(x))


@dataclass(frozen=True)
class Recipe:
    """One converted network; its card says what the source file is.

    `build` makes the module to export from the source file; `reference` makes the original network, if the
    export was rearranged. `size` is the input picture's height and width, which may vary with `any_size`;
    None means sound, as [N, 1024]. `faces` says whether its pictures are of faces instead of scenes.
    """

    outputs: tuple[str, ...]
    build: Callable[[Path], torch.nn.Module]
    reference: Callable[[Path], torch.nn.Module] | None = None
    size: tuple[int, int] | None = None
    any_size: bool = False
    faces: bool = False
    int8: bool = False


MOVENET_HEADS = (
    "StatefulPartitionedCall/truediv_2",  # the person's centre, weighted towards the middle of the crop
    "StatefulPartitionedCall/kpt_regress_0/conv2d_6/BiasAdd",
    "StatefulPartitionedCall/Sigmoid",  # a heat map per keypoint
    "StatefulPartitionedCall/kpt_offset_0/conv2d_7/BiasAdd",
)


def _movenet(path: Path) -> torch.nn.Module:
    """MoveNet for batches: its own graph picks one person by flat indices, which only works for one crop."""
    heads = Graph(path, inputs=("StatefulPartitionedCall/stack",), outputs=MOVENET_HEADS)
    return Scaled(Sequence(heads, MoveNetDecoder()), 0.0, 1.0)


def _scaled(
    nodes: tuple[str, ...], mean: float | list[float], scale: float | list[float], **order: bool
) -> Callable[[Path], torch.nn.Module]:
    """A function that builds the graph up to `nodes`, behind the scaling of its pictures."""
    return lambda path: Scaled(Graph(path, outputs=nodes), mean, scale, **order)


RECIPES: dict[str, Recipe] = {
    "nanodet": Recipe(
        ("stride8", "stride16", "stride32"),
        # The rest of the graph only splits and reshapes these maps, for pictures of 416x416.
        build=_scaled(
            tuple(f"PartitionedCall/transpose_{index}" for index in (99, 105, 111)),
            mean=[103.53, 116.28, 123.675],
            scale=[57.375, 57.12, 58.395],
            channels_first=True,
            bgr=True,
        ),
        size=(416, 416),
        any_size=True,
        int8=True,
    ),
    "movenet-lightning": Recipe(
        ("keypoints",),
        build=_movenet,
        reference=lambda path: Scaled(Graph(path), 0.0, 1.0),
        size=(192, 192),
        int8=True,
    ),
    "blazeface-back": Recipe(
        ("scores16", "boxes16", "scores8", "boxes8"),
        build=_scaled(("Identity", "Identity_2", "Identity_1", "Identity_3"), 127.5, 127.5),
        size=(256, 256),
        faces=True,
    ),
    "faceres": Recipe(
        ("male", "age"),
        build=_scaled(("gender_pred/Sigmoid", "age_pred/Softmax"), 0.0, 1.0),
        size=(224, 224),
        faces=True,
        int8=True,
    ),
    "facemesh": Recipe(
        ("landmarks", "face"),
        build=_scaled(("Identity_2", "Identity_1"), 0.0, 255.0),
        size=(192, 192),
        faces=True,
        int8=True,
    ),
    "iris": Recipe(("landmarks",), build=_scaled(("Identity",), 0.0, 255.0), size=(64, 64), faces=True),
    "selfie": Recipe(("person",), build=_scaled(("activation_10",), 0.0, 255.0), size=(256, 256)),
    "efficientnet-lite0": Recipe(
        ("logits", "embedding"),
        build=lambda path: Scaled(EfficientNetLite0.read(path), 127.0, 128.0, channels_first=True),
        size=(224, 224),
        int8=True,
    ),
    "crepe-tiny": Recipe(("pitch",), build=CrepeTiny.read, int8=True),
}
