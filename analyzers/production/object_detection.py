"""Objects of COCO's 80 classes by YOLO11x: see analyzers/production/yolo.py."""

from __future__ import annotations

from collections.abc import Mapping

from clipbench.analyzers.base import ClipView, Segment
from clipbench.analyzers.features.time_spans import frame_spans
from clipbench.analyzers.features.vision.boxes import rounded
from clipbench.analyzers.features.vision.nanodet import COCO
from clipbench.analyzers.production.pretrained import FileModel
from clipbench.analyzers.production.yolo import CACHE, RELEASE, Yolo


class YoloDetection(Yolo):
    """YOLO11x on sampled frames; a single frame is enough, without a second one to confirm an object."""

    name = "object_detection"
    file = FileModel("yolo11x.pt", f"{RELEASE}/yolo11x.pt", CACHE, 0.11)
    network, description, classes = "DetectionModel", "yolo11x.yaml", len(COCO)

    def analyze(self, clip: ClipView, upstream: Mapping[str, list[Segment]]) -> list[Segment]:
        times = clip.frames(self.settings.fps, self.settings.size).times_s
        return [
            Segment(start, end, COCO[found.kind], round(found.score, 4), {"box": rounded(found.box)})
            for (start, end), objects in zip(frame_spans(times, clip), self.find(clip), strict=True)
            for found in objects
        ]
