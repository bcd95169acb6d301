"""The objects in the picture and their boxes: COCO's 80 classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from clipbench.analyzers.base import Analyzer, ClipView, Segment
from clipbench.analyzers.features.time_spans import frame_spans
from clipbench.analyzers.features.vision.boxes import rounded
from clipbench.analyzers.features.vision.coco_detector import CocoDetector, DetectorSettings


@dataclass
class ObjectDetectionSettings(DetectorSettings):
    """Settings of object_detection."""


class ObjectDetection(Analyzer):
    """NanoDet on sampled frames; objects that appear in a single sample only are dropped."""

    name = "object_detection"
    settings: ObjectDetectionSettings
    settings_type = ObjectDetectionSettings

    def models(self) -> tuple[str, ...]:
        return (self.settings.detector,)

    def load(self, device: str = "cpu") -> None:
        self._detector = CocoDetector(self.settings)

    def analyze(self, clip: ClipView, upstream: Mapping[str, list[Segment]]) -> list[Segment]:
        times = clip.frames(self.settings.fps, self.settings.size).times_s
        return [
            Segment(start, end, found.label, round(found.score, 4), {"box": rounded(found.box)})
            for (start, end), objects in zip(frame_spans(times, clip), self._detector.find(clip), strict=True)
            for found in objects
        ]

    def unload(self) -> None:
        self._detector.close()
