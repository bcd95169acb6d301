"""People and background by SegFormer-B5, trained on ADE20K's 150 classes, of which one is "person".

Source: Xie et al., "SegFormer: Simple and Efficient Design for Semantic Segmentation with Transformers",
NeurIPS 2021. It knows a person from a cat, so that the masks do not wait for object_detection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from clipbench.analyzers.background_segmentation import PIXELS, BackgroundSegmentation, SegmentationSettings
from clipbench.analyzers.base import ClipView, Segment, setting
from clipbench.analyzers.features.vision.coco_detector import spans
from clipbench.analyzers.production import device as devices
from clipbench.analyzers.production.base import ProductionSettings
from clipbench.analyzers.production.hub import FromHub, library_class
from clipbench.analyzers.production.weights import HubModel

if TYPE_CHECKING:
    import torch

#: The class "person" among ADE20K's, counted from 0.
PERSON = 12
#: Frames' longer side and the network's pictures in tiny size.
TINY_SIDE, TINY_PIXELS = 160, 64
#: Activations of one picture of 640 by 640 in MB: the decoder joins four maps of 768 channels at a quarter of
#: the sides, 157 MB in half precision, and holds them once apart and once joined.
FRAME_MB = 400.0


@dataclass
class SegformerSettings(ProductionSettings, SegmentationSettings):
    """Settings of background_segmentation on SegFormer; the embedded `model` has no effect."""

    batch: int = setting(16, "frames per run of the network", low=1, high=1024)
    pixels: int = setting(640, "sides of the network's square pictures", low=32, high=2048)


class Segformer(devices.OnDevice, FromHub, BackgroundSegmentation):
    """SegFormer-B5 on sampled frames."""

    name = "background_segmentation"
    upstream = ()
    settings_type = SegformerSettings
    hub_model = HubModel("nvidia/segformer-b5-finetuned-ade-640-640", 0.34)
    config_name = "segformer"
    #: Weights in half precision are 0.17 GB, a batch of pictures the rest.
    memory_gb = 7.0

    def __init__(self, settings: SegformerSettings | None = None) -> None:
        super().__init__(settings)
        if self.tiny:
            self.settings = replace(self.settings, size=TINY_SIDE, pixels=TINY_PIXELS)

    def load(self, device: str = "cpu") -> None:
        self.place(device, net=self.build(library_class("SegformerForSemanticSegmentation"), device))

    def analyze(self, clip: ClipView, upstream: Mapping[str, list[Segment]]) -> list[Segment]:
        times, images = clip.frames(self.settings.fps, self.settings.size)
        samples = zip(spans(times, clip), images, self._persons(clip), strict=True)
        return [self._segment(*sample) for sample in samples]

    def facts(self) -> dict[str, int]:
        return {"batch": self._batch}

    def _persons(self, clip: ClipView) -> np.ndarray:
        """How probably each pixel is a person's: float32 [T, PIXELS, PIXELS], stretched to a square."""
        import torch

        s = self.settings
        frames = devices.frames_on(clip, s.fps, s.size, self.device)
        net = self.nets["net"]
        self._batch = devices.fitting_batch(s.batch, FRAME_MB * (s.pixels / 640) ** 2, self.device)
        found = []
        with torch.inference_mode(), devices.phase(self.device, "SegFormer"):
            for part in devices.batches(len(frames), self._batch):
                logits = net(pixel_values=prepare(frames[part], s.pixels).to(net.dtype)).logits
                person = logits.float().softmax(dim=1)[:, PERSON : PERSON + 1]
                found.append(torch.nn.functional.interpolate(person, (PIXELS, PIXELS), mode="bilinear"))
            (masks,) = devices.download(torch.cat(found)[:, 0])
        return np.nan_to_num(masks)


def prepare(frames: torch.Tensor, side: int) -> torch.Tensor:
    """Frames uint8 [T, 3, H, W] stretched to float32 [T, 3, side, side], as SegFormer's processor does it."""
    import torch

    pixels = torch.nn.functional.interpolate(
        frames.float() / 255, (side, side), mode="bilinear", antialias=True
    )
    return devices.standardise(pixels, *devices.IMAGENET)
