"""Scenes by change points in CLIP's image embeddings instead of an ImageNet classifier's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from clipbench.analyzers.base import Chunk, ClipFacts, Frames, Segment, setting
from clipbench.analyzers.production.clip_encoder import ClipEncoderSettings, UsesClip
from clipbench.analyzers.scene_segmentation import EdgesFound, EdgeState, SceneAnalyzer, SceneSettings


@dataclass
class ClipSceneSettings(ClipEncoderSettings, SceneSettings):
    """Settings of scene_segmentation on CLIP."""

    # CLIP's vectors share a large common part: those of unrelated pictures are about 0.5 apart, not 1.
    min_distance: float = setting(0.25, "least cosine distance of two scenes", low=0, high=2)


class ClipSceneSegmentation(UsesClip, SceneAnalyzer):
    """The embedded analyzer on CLIP's embeddings."""

    name = "scene_segmentation"
    settings: ClipSceneSettings
    settings_type = ClipSceneSettings

    def load(self, device: str = "cpu") -> None:
        self.open_encoder(device)

    def frame_embeddings(self, chunk: Chunk, frames: Frames) -> np.ndarray:
        return self.embeddings(chunk)

    def finish(
        self,
        clip: ClipFacts,
        found: Sequence[EdgesFound],
        state: EdgeState,
        upstream: Mapping[str, list[Segment]],
    ) -> list[Segment]:
        segments = super().finish(clip, found, state, upstream)
        self._facts = {"frames": sum(len(one.times_s) for one in found)}
        return segments
