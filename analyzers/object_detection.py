"""Which objects are in the picture, and where: COCO's 80 classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from clipbench.analyzers.base import Analyzer, ClipView, Segment
from clipbench.analyzers.features.vision.coco_detector import Detector, DetectorSettings, rounded, spans


@dataclass
class ObjectSettings(DetectorSettings):
    """Settings of object_detection."""


class ObjectDetection(Analyzer):
    """NanoDet on sampled frames; objects that flicker up in a single sample are dropped."""

    name = "object_detection"
    settings_type = ObjectSettings

    def models(self) -> tuple[str, ...]:
        return (self.settings.detector,)

    def load(self, device: str = "cpu") -> None:
        self._detector = Detector(self.settings)

    def analyze(self, clip: ClipView, upstream: Mapping[str, list[Segment]]) -> list[Segment]:
        times = clip.frames(self.settings.fps, self.settings.size).times_s
        return [
            Segment(start, end, found.label, round(found.score, 4), {"box": rounded(found.box)})
            for (start, end), objects in zip(spans(times, clip), self._detector.find(clip), strict=True)
            for found in objects
        ]

    def unload(self) -> None:
        self._detector.close()
