"""The base class of the analyzers that look at faces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from clipbench.analyzers.base import Chunk, ChunkedAnalyzer, ClipFacts, Segment, setting
from clipbench.analyzers.features.faces.face_finder import Face, FaceFinder, FaceSettings
from clipbench.analyzers.features.faces.face_tracks import FaceTracks
from clipbench.analyzers.features.onnx_networks import open_network

#: What an analyzer's own network says of a face.
Traits = TypeVar("Traits")


@dataclass
class FaceAnalyzerSettings(FaceSettings):
    """Settings of an analyzer that gives each face to a network of its own."""

    model: str = setting("", "model card of the network that looks at each face")


class SeenFace(NamedTuple, Generic[Traits]):
    """A face in one of the clip's samples: its track, its box in fractions of the frame, and its traits."""

    sample: int
    track: int
    box: list[float]
    confidence: float
    traits: Traits


class FacesFound(NamedTuple, Generic[Traits]):
    """What a chunk has: its samples' times [T], and the faces in them."""

    times_s: np.ndarray
    faces: list[SeenFace[Traits]]


class FaceAnalyzer(ChunkedAnalyzer[FaceTracks, FacesFound[Traits]], Generic[Traits]):
    """An analyzer that gives each face to a network of its own, which its settings name as `model`.

    Meshes and pictures are not kept: a face's traits are all that is needed of it later.
    """

    settings: FaceAnalyzerSettings

    def models(self) -> tuple[str, ...]:
        return self.settings.detector, self.settings.mesh, self.settings.model

    def load(self, device: str = "cpu") -> None:
        self._finder, self._network = FaceFinder(self.settings), open_network(self.settings.model)

    def unload(self) -> None:
        self._finder.close()
        self._network.close()

    def begin(self, clip: ClipFacts) -> FaceTracks:
        return FaceTracks()

    def feed(self, chunk: Chunk, state: FaceTracks) -> tuple[FacesFound[Traits], FaceTracks]:
        times, images = chunk.frames(self.settings.fps, self.settings.size)
        first = state.samples
        seen = [
            (track, index, face)
            for index, faces in enumerate(self._finder.find(chunk))
            for track, face in zip(state.add(faces), faces, strict=True)
        ]
        seen.sort(key=lambda one: one[:2])
        traits = self._look([(images[index], face) for _, index, face in seen]) if seen else []
        faces = [
            SeenFace(first + index, track, face.relative_box(*images.shape[1:3]), face.confidence, one)
            for (track, index, face), one in zip(seen, traits, strict=True)
        ]
        return FacesFound(times.copy(), faces), state

    def finish(
        self,
        clip: ClipFacts,
        found: Sequence[FacesFound[Traits]],
        state: FaceTracks,
        upstream: Mapping[str, list[Segment]],
    ) -> list[Segment]:
        times = [float(time) for one in found for time in one.times_s]
        spans = list(pairwise([*times, max(clip.duration_s, *times[-1:])]))
        tracks: dict[int, list[SeenFace[Traits]]] = {}
        for one in found:
            for face in one.faces:
                tracks.setdefault(face.track, []).append(face)
        segments = []
        for number in sorted(tracks):
            segments += self._describe(tracks[number], [spans[face.sample] for face in tracks[number]])
        return sorted(segments, key=lambda s: s.start_s)

    def _look(self, faces: list[tuple[np.ndarray, Face]]) -> list[Traits]:
        """The traits of each face, which is in the picture beside it; there is at least one."""
        raise NotImplementedError

    def _describe(self, track: list[SeenFace[Traits]], spans: list[tuple[float, float]]) -> list[Segment]:
        """The segments of one person's track, whose faces are seen at `spans`, in seconds."""
        raise NotImplementedError
