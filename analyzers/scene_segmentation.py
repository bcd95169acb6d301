"""Scenes: stretches of a clip that show the same place or thing, whatever the camera does.

A scene ends where the image embeddings of the second before and the second after differ abruptly: a pan over
one photograph changes the embedding a little at every sample, a new scene changes it a lot at one. The
threshold adapts to how restless the clip is, as shot detectors adapt theirs (Yusoff, Christmas and Kittler,
"Video Shot Cut Detection Using Adaptive Thresholding", BMVC 2000).

It cannot see that two shots of one room are one scene if they look different, or that two rooms that look
alike are two, since it knows pictures and not the plot. Scenes shorter than `min_scene_s` are not found.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from clipbench.analyzers.base import (
    Chunk,
    ChunkedAnalyzer,
    ClipFacts,
    Frames,
    FrameSettings,
    Segment,
    Settings,
    setting,
)
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


class EdgesFound(NamedTuple):
    """The times of a chunk's frames, and the distances at the edges between frames that became known.

    `distances` are those of the frames within reach, `steps` those of two neighbours.
    """

    times_s: np.ndarray
    distances: list[float]
    steps: list[float]


class EdgeState(NamedTuple):
    """The embeddings of the latest frames, `[N, D]` from frame `first` on, and the next edge to measure."""

    vectors: np.ndarray | None
    first: int
    next: int


class SceneAnalyzer(ChunkedAnalyzer[EdgeState, EdgesFound]):
    """Finds scenes by change points in embeddings of frames, which a subclass computes."""

    settings: SceneSettings
    settings_type: ClassVar[type[Settings]] = SceneSettings

    def frame_embeddings(self, chunk: Chunk, frames: Frames) -> np.ndarray:
        """A unit vector for each of the chunk's frames, of which there is at least one: [T, D]."""
        raise NotImplementedError

    def begin(self, clip: ClipFacts) -> EdgeState:
        return EdgeState(None, 0, 1)

    def feed(self, chunk: Chunk, state: EdgeState) -> tuple[EdgesFound, EdgeState]:
        frames = chunk.frames(self.settings.fps, self.settings.size)
        if len(frames.times_s) == 0:
            return EdgesFound(frames.times_s, [], []), state
        vectors = self.frame_embeddings(chunk, frames)
        if state.vectors is not None:
            vectors = np.concatenate([state.vectors, vectors])
        reach, seen = self.settings.reach, state.first + len(vectors)
        distances, steps = _distances(vectors, state.first, range(state.next, seen - reach + 1), reach)
        after = state.next + len(distances)
        passed = max(0, after - reach - state.first)
        return EdgesFound(frames.times_s, distances, steps), EdgeState(
            vectors[passed:], state.first + passed, after
        )

    def finish(
        self,
        clip: ClipFacts,
        found: Sequence[EdgesFound],
        state: EdgeState,
        upstream: Mapping[str, list[Segment]],
    ) -> list[Segment]:
        settings = self.settings
        times = np.concatenate([one.times_s for one in found])
        last: tuple[list[float], list[float]] = [], []
        if state.vectors is not None:
            last = _distances(state.vectors, state.first, range(state.next, len(times)), settings.reach)
        distances = np.array([value for one in found for value in one.distances] + last[0])
        steps = np.array([value for one in found for value in one.steps] + last[1])
        # The calmest quarter of a clip shows how restless it is, however many scenes it has.
        calm = float(np.quantile(steps, 0.25)) if len(steps) else 0.0
        limit = max(settings.min_distance, min(settings.ratio * calm, 2 * settings.min_distance))
        starts = peaks(distances, limit, settings.min_scene_s * settings.fps)
        # A new scene began somewhere between two samples.
        borders = [0.0, *(float(times[k - 1] + times[k]) / 2 for k in starts[1:])]
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

    def frame_embeddings(self, chunk: Chunk, frames: Frames) -> np.ndarray:
        assert self._classifier is not None
        return self._classifier(chunk, frames).embeddings


def _distances(vectors: np.ndarray, first: int, edges: range, reach: int) -> tuple[list[float], list[float]]:
    """The distances at `edges` of the frames within `reach`, and of the two frames next to each edge.

    An edge has the number of the frame after it; `vectors` begin with frame `first`.
    """
    rows = [edge - first for edge in edges]
    return [edge_distance(vectors, row, reach) for row in rows], [
        edge_distance(vectors, row, 1) for row in rows
    ]


def edge_distance(vectors: np.ndarray, edge: int, reach: int) -> float:
    """Cosine distance of the means of the `reach` unit vectors before the row `edge` and from it on."""
    before = vectors[max(0, edge - reach) : edge].mean(0)
    after = vectors[edge : edge + reach].mean(0)
    return float(1 - before @ after / (np.linalg.norm(before) * np.linalg.norm(after) + 1e-9))


def peaks(distances: np.ndarray, limit: float, spacing: float) -> list[int]:
    """Frames that begin a scene, including the first frame.

    The others are those at which the distance reaches `limit`; of two that are less than `spacing` frames
    apart, the one with the greater distance.
    """
    chosen = [0]
    for edge in np.argsort(-distances, kind="stable").tolist():
        if distances[edge] < limit:
            break
        place = bisect_left(chosen, edge + 1)
        if all(abs(edge + 1 - other) >= spacing for other in chosen[place - 1 : place + 1]):
            chosen.insert(place, edge + 1)
    return chosen
