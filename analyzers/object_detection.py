"""The objects in the picture and their boxes: COCO's 80 classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clipbench.analyzers.base import Chunk, ChunkedAnalyzer, ClipFacts, Segment
from clipbench.analyzers.features.samples import Samples, joined
from clipbench.analyzers.features.time_spans import frame_spans
from clipbench.analyzers.features.vision.boxes import rounded
from clipbench.analyzers.features.vision.coco_detector import CocoDetector, DetectorSettings
from clipbench.analyzers.features.vision.nanodet import Detection
from clipbench.analyzers.features.vision.tracks import consistent


@dataclass
class ObjectDetectionSettings(DetectorSettings):
    """Settings of object_detection."""


class ObjectDetection(ChunkedAnalyzer[None, Samples[list[Detection]]]):
    """NanoDet on sampled frames, without what appears unclearly and in a single sample only.

    It misses about half of the people below three tenths of the frame's height, and most other objects below
    a tenth; it knows no more than COCO's 80 classes, and a cat's face that fills the frame is a person to it.
    A chunk's findings are all that the network sees, about 100 bytes per object.
    """

    name = "object_detection"
    settings: ObjectDetectionSettings
    settings_type = ObjectDetectionSettings

    def models(self) -> tuple[str, ...]:
        return (self.settings.detector,)

    def load(self, device: str = "cpu") -> None:
        self._detector = CocoDetector(self.settings)

    def begin(self, clip: ClipFacts) -> None:
        return None

    def feed(self, chunk: Chunk, state: None) -> tuple[Samples[list[Detection]], None]:
        times = chunk.frames(self.settings.fps, self.settings.size).times_s
        return Samples(times.copy(), self._detector.find(chunk)), None

    def finish(
        self,
        clip: ClipFacts,
        found: Sequence[Samples[list[Detection]]],
        state: None,
        upstream: Mapping[str, list[Segment]],
    ) -> list[Segment]:
        times, samples = joined(found)
        kept = consistent(times, samples, clip.width / clip.height, self.settings.rule)
        return [
            Segment(start, end, one.label, round(one.score, 4), {"box": rounded(one.box)})
            for (start, end), objects in zip(frame_spans(times, clip), kept, strict=True)
            for one in objects
        ]

    def unload(self) -> None:
        self._detector.close()
