"""Objects of COCO's 80 classes by YOLO11x: see analyzers/production/yolo.py."""

from __future__ import annotations

from collections.abc import Mapping

from clipbench.analyzers.base import ClipView, Segment
from clipbench.analyzers.features.vision.coco_detector import COCO, rounded, spans
from clipbench.analyzers.object_detection import ObjectDetection
from clipbench.analyzers.production.weights import FileModel
from clipbench.analyzers.production.yolo import CACHE, RELEASE, Yolo


class YoloDetection(Yolo, ObjectDetection):
    """YOLO11x on sampled frames. It is sure enough of a single frame to need no second one to confirm it."""

    name = "object_detection"
    file = FileModel("yolo11x.pt", f"{RELEASE}/yolo11x.pt", CACHE, 0.11)
    network, description, classes = "DetectionModel", "yolo11x.yaml", len(COCO)

    def analyze(self, clip: ClipView, upstream: Mapping[str, list[Segment]]) -> list[Segment]:
        times = clip.frames(self.settings.fps, self.settings.size).times_s
        return [
            Segment(start, end, COCO[found.kind], round(found.score, 4), {"box": rounded(found.box)})
            for (start, end), objects in zip(spans(times, clip), self.find(clip), strict=True)
            for found in objects
        ]
