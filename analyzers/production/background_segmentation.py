"""People and background by SegFormer-B5, trained on ADE20K's 150 classes, of which one is "person".

Source: Xie et al., "SegFormer: Simple and Efficient Design for Semantic Segmentation with Transformers",
NeurIPS 2021. It can tell a person from a cat, so its masks need no detector.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from clipbench.analyzers.background_segmentation import (
    BackgroundSegmentation,
    BackgroundSegmentationSettings,
)
from clipbench.analyzers.base import Chunk, ClipFacts, setting
from clipbench.analyzers.features.vision.nanodet import Detection
from clipbench.analyzers.features.vision.person_masks import PIXELS, Look
from clipbench.analyzers.production import torch_device, transfers
from clipbench.analyzers.production.base import ProductionSettings
from clipbench.analyzers.production.batching import batches, equal_batch, fitting_batch
from clipbench.analyzers.production.hub import FromHub, library_class
from clipbench.analyzers.production.normalisation import IMAGENET, standardise
from clipbench.analyzers.production.parking import OnDevice
from clipbench.analyzers.production.pretrained import HubModel

if TYPE_CHECKING:
    import torch

#: The class "person" among ADE20K's, counted from 0.
PERSON = 12
#: In tiny size, the longer side of the frames and of the network's pictures.
TINY_SIDE, TINY_PIXELS = 160, 64
#: Activations of one picture of 640 by 640 in MB: the decoder joins four maps of 768 channels at a quarter of
#: the sides, 157 MB in half precision, and holds them separately and joined.
FRAME_MB = 400.0


@dataclass
class SegformerSettings(ProductionSettings, BackgroundSegmentationSettings):
    """Settings of background_segmentation on SegFormer; the embedded networks have no effect."""

    fps: float = setting(2.0, "frames read per second of clip", low=0.01, high=240)
    min_share: float = setting(0.02, "below this share of its pixels a frame has no person", low=0, high=1)
    batch: int = setting(16, "frames per run of the network", low=1, high=1024)
    pixels: int = setting(640, "sides of the network's square pictures", low=32, high=2048)


class Segformer(OnDevice, FromHub, BackgroundSegmentation):
    """SegFormer-B5 on sampled frames."""

    name = "background_segmentation"
    settings: SegformerSettings
    settings_type = SegformerSettings
    hub_model = HubModel("nvidia/segformer-b5-finetuned-ade-640-640", 0.34)
    config_name = "segformer"
    #: Weights in half precision are 0.17 GB; the rest is a batch of pictures.
    memory_gb = 7.0
    _batch = 0  # nothing was run here: another worker may have read the frames

    def __init__(self, settings: SegformerSettings | None = None) -> None:
        super().__init__(settings)
        if self.tiny:
            self.settings = replace(self.settings, size=TINY_SIDE, pixels=TINY_PIXELS)

    def load(self, device: str = "cpu") -> None:
        self.place(device, segformer=self.build(library_class("SegformerForSemanticSegmentation"), device))

    def facts(self) -> dict[str, int]:
        return {"batch": self._batch}

    def begin(self, clip: ClipFacts) -> None:
        self._batch = 0
        return super().begin(clip)

    def look(self, chunk: Chunk) -> tuple[list[list[Detection]], list[list[Look]]]:
        """As the embedded analyzer's, of all people together: one look at the whole frame."""
        persons: list[list[Detection]] = []
        looks: list[list[Look]] = []
        for probability in self.person_probabilities(chunk):
            there = (probability > self.settings.min_probability).mean() >= self.settings.min_share
            frame = np.array([0.0, 0.0, 1.0, 1.0])
            persons.append([Detection("person", 1.0, frame)] if there else [])
            levels = np.rint(probability * 255).astype(np.uint8)
            looks.append([Look(frame, (0,), levels)] if there else [])
        return persons, looks

    def person_probabilities(self, chunk: Chunk) -> np.ndarray:
        """Per frame and pixel, the probability of a person: float32 [T, 256, 256], stretched to a square.

        The chunk has at least one frame.
        """
        import torch

        s = self.settings
        frames = transfers.frames_on_device(chunk, s.fps, s.size, self.device)
        network = self.networks["segformer"]
        dtype = next(network.parameters()).dtype
        # A ragged last batch would be a further set of shapes, of few pictures, for all of the layers.
        most = fitting_batch(s.batch, FRAME_MB * (s.pixels / 640) ** 2, self.device)
        batch = equal_batch(len(frames), most)
        self._batch = max(self._batch, batch)
        found = []
        with torch.inference_mode(), torch_device.phase(self.device, "SegFormer"):
            for part in batches(len(frames), batch):
                logits = network(pixel_values=prepare(frames[part], s.pixels).to(dtype)).logits
                person = logits.float().softmax(dim=1)[:, PERSON : PERSON + 1]
                found.append(torch.nn.functional.interpolate(person, (PIXELS, PIXELS), mode="bilinear"))
            (masks,) = transfers.download(torch.cat(found)[:, 0])
        probabilities: np.ndarray = np.nan_to_num(masks)
        return probabilities


def prepare(frames: torch.Tensor, side: int) -> torch.Tensor:
    """Frames uint8 [T, 3, H, W] stretched to float32 [T, 3, side, side], as SegFormer's processor does it."""
    import torch

    pixels = torch.nn.functional.interpolate(
        frames.float() / 255, (side, side), mode="bilinear", antialias=True
    )
    return standardise(pixels, *IMAGENET)
