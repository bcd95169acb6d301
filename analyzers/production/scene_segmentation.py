"""Scenes by change points in CLIP's image embeddings instead of an ImageNet classifier's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clipbench.analyzers.base import ClipView, Frames, FrameSettings, setting
from clipbench.analyzers.production.base import ProductionSettings
from clipbench.analyzers.production.clip_model import WithClip
from clipbench.analyzers.scene_segmentation import SceneSegmentation


@dataclass
class ClipSceneSettings(FrameSettings, ProductionSettings):
    fps: float = setting(2.0, "frames read per second of clip", low=0.01, high=240)
    size: int = setting(640, "longer side of the frames in pixels, 0 for as stored", low=0, high=8192)
    batch: int = setting(64, "frames per run of the network, where memory allows", low=1, high=1024)
    reach: int = setting(2, "frames on either side that are averaged and compared", low=1, high=100)
    # CLIP's vectors share a large common part: those of unrelated pictures are about 0.5 apart, not 1.
    min_distance: float = setting(0.25, "least cosine distance of two scenes", low=0, high=2)
    ratio: float = setting(2.5, "a new scene's distance over that of calm neighbours", low=1, high=100)
    min_scene_s: float = setting(1.0, "shorter scenes join the one before", low=0, high=600)


class ClipSceneSegmentation(WithClip, SceneSegmentation):
    """The embedded analyzer with CLIP's eyes."""

    name = "scene_segmentation"
    settings_type = ClipSceneSettings

    def load(self, device: str = "cpu") -> None:
        self.open_eyes(device)

    def _embeddings(self, clip: ClipView, frames: Frames) -> np.ndarray:
        return self.embeddings(clip)
