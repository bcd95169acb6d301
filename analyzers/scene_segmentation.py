"""Scenes: stretches of a clip that show the same place or thing, whatever the camera does.

A scene ends where the image embeddings of the second before and the second after differ abruptly: a pan over
one photograph changes the embedding a little at every sample, a new scene changes it a lot at one. The
threshold adapts to how restless the clip is, as shot detectors adapt theirs (Yusoff, Christmas and Kittler,
"Video Shot Cut Detection Using Adaptive Thresholding", BMVC 2000).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from clipbench.analyzers.base import Analyzer, ClipView, Frames, FrameSettings, Segment, Settings, setting
from clipbench.analyzers.features.vision.imagenet import Classifier


@dataclass
class SceneSettings(FrameSettings):
    """Settings of an analyzer that finds scenes."""

    fps: float = setting(2.0, "frames read per second of clip", low=0.01, high=240)
    size: int = setting(640, "longer side of the frames in pixels, 0 for as stored", low=0, high=8192)
    reach: int = setting(2, "frames on either side that are averaged and compared", low=1, high=100)
    min_distance: float = setting(0.45, "least cosine distance of two scenes", low=0, high=2)
    ratio: float = setting(2.5, "a new scene's distance over that of calm neighbours", low=1, high=100)
    min_scene_s: float = setting(1.0, "shorter scenes join the one before", low=0, high=600)


class SceneAnalyzer(Analyzer):
    """Finds scenes by change points in embeddings of frames, which a subclass computes."""

    settings: SceneSettings
    settings_type: ClassVar[type[Settings]] = SceneSettings

    def frame_embeddings(self, clip: ClipView, frames: Frames) -> np.ndarray:
        """A unit vector for each of the clip's frames: [T, D]."""
        raise NotImplementedError

    def analyze(self, clip: ClipView, upstream: Mapping[str, list[Segment]]) -> list[Segment]:
        settings = self.settings
        frames = clip.frames(settings.fps, settings.size)
        vectors = self.frame_embeddings(clip, frames)
        distances = edge_distances(vectors, settings.reach)
        # The calmest quarter of a clip shows how restless it is, however many scenes it has.
        calm = float(np.quantile(edge_distances(vectors, 1), 0.25)) if len(vectors) > 1 else 0.0
        limit = max(settings.min_distance, min(settings.ratio * calm, 2 * settings.min_distance))
        starts = peaks(distances, limit, settings.min_scene_s * settings.fps)
        # A new scene began somewhere between two samples.
        borders = [0.0, *(float(frames.times_s[k - 1] + frames.times_s[k]) / 2 for k in starts[1:])]
        segments = []
        for index, start in enumerate(starts):
            end_s = borders[index + 1] if index + 1 < len(borders) else clip.duration_s
            distance = float(distances[start - 1]) if start else None
            confidence = None if distance is None else round(distance / (distance + limit), 3)
            data = {"index": index, "distance": None if distance is None else round(distance, 4)}
            segments.append(Segment(round(borders[index], 3), round(end_s, 3), "scene", confidence, data))
        return segments


@dataclass
class SceneSegmentationSettings(SceneSettings):
    """Settings of scene_segmentation."""

    model: str = setting("efficientnet-lite0", "model card of the image embeddings")
    batch: int = setting(8, "frames per run of the network", low=1, high=256)


class SceneSegmentation(SceneAnalyzer):
    """Scenes by the embeddings of an ImageNet classifier."""

    name = "scene_segmentation"
    settings: SceneSegmentationSettings
    settings_type = SceneSegmentationSettings
    _classifier: Classifier | None = None

    def load(self, device: str = "cpu") -> None:
        self._classifier = Classifier(self.settings.model, self.settings.batch)

    def unload(self) -> None:
        if self._classifier is not None:
            self._classifier.close()
            self._classifier = None

    def frame_embeddings(self, clip: ClipView, frames: Frames) -> np.ndarray:
        assert self._classifier is not None
        return self._classifier(clip, frames).embeddings


def edge_distances(vectors: np.ndarray, reach: int) -> np.ndarray:
    """Cosine distance of the means of the `reach` unit vectors before and after each edge: [T - 1]."""
    found = []
    for edge in range(1, len(vectors)):
        before = vectors[max(0, edge - reach) : edge].mean(0)
        after = vectors[edge : edge + reach].mean(0)
        found.append(1 - before @ after / (np.linalg.norm(before) * np.linalg.norm(after) + 1e-9))
    return np.array(found)


def peaks(distances: np.ndarray, limit: float, spacing: float) -> list[int]:
    """Frames that begin a scene, including the first frame.

    The others are those at which the distance reaches `limit`; of two that are less than `spacing` frames
    apart, the one with the greater distance.
    """
    chosen = [0]
    for edge in np.argsort(-distances, kind="stable"):
        if distances[edge] >= limit and all(abs(int(edge) + 1 - other) >= spacing for other in chosen):
            chosen.append(int(edge) + 1)
    return sorted(chosen)
