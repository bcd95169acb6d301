"""Objects of COCO's 80 classes by YOLO11x: see analyzers/production/yolo.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from clipbench.analyzers.base import ClipFacts, Segment
from clipbench.analyzers.features.samples import Samples, joined
from clipbench.analyzers.features.time_spans import frame_spans
from clipbench.analyzers.features.vision.boxes import rounded
from clipbench.analyzers.features.vision.nanodet import COCO
from clipbench.analyzers.production.pretrained import FileModel
from clipbench.analyzers.production.yolo import CACHE, RELEASE, Found, Yolo


class YoloDetection(Yolo):
    """YOLO11x on sampled frames; a single frame is enough, without a second one to confirm an object."""

    name = "object_detection"
    file = FileModel("yolo11x.pt", f"{RELEASE}/yolo11x.pt", CACHE, 0.11)
    network, description, classes = "DetectionModel", "yolo11x.yaml", len(COCO)

    def finish(
        self,
        clip: ClipFacts,
        found: Sequence[Samples[list[Found]]],
        state: None,
        upstream: Mapping[str, list[Segment]],
    ) -> list[Segment]:
        times, samples = joined(found)
        return [
            Segment(start, end, COCO[one.kind], round(one.score, 4), {"box": rounded(one.box)})
            for (start, end), objects in zip(frame_spans(times, clip), samples, strict=True)
            for one in objects
        ]
