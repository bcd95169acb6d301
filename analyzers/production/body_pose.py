"""People and their 17 keypoints by YOLO11x-pose, from the whole frame: see analyzers/production/yolo.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clipbench.analyzers.base import ClipFacts, Segment, setting
from clipbench.analyzers.body_pose import KEYPOINTS, posture
from clipbench.analyzers.features.samples import Samples, joined
from clipbench.analyzers.features.time_spans import frame_spans
from clipbench.analyzers.features.vision.boxes import rounded
from clipbench.analyzers.production.pretrained import FileModel
from clipbench.analyzers.production.yolo import CACHE, RELEASE, Found, Yolo, YoloSettings


@dataclass
class YoloPoseSettings(YoloSettings):
    """Settings of body_pose on YOLO."""

    candidates: int = setting(300, "boxes per frame that suppression chooses from", low=1, high=30_000)
    max_objects: int = setting(20, "persons kept per frame; COCO is scored on as many", low=1, high=30_000)
    min_keypoint: float = setting(0.5, "keypoints with a lower score count as unseen", low=0, high=1)
    min_keypoints: int = setting(3, "persons with fewer keypoints seen are dropped", low=1, high=17)


class YoloPose(Yolo):
    """YOLO11x-pose on sampled frames: it finds persons and keypoints in one run, without crops."""

    name = "body_pose"
    settings: YoloPoseSettings
    settings_type = YoloPoseSettings
    file = FileModel("yolo11x-pose.pt", f"{RELEASE}/yolo11x-pose.pt", CACHE, 0.12)
    network, description, classes = "PoseModel", "yolo11x-pose.yaml", 1

    def finish(
        self,
        clip: ClipFacts,
        found: Sequence[Samples[list[Found]]],
        state: None,
        upstream: Mapping[str, list[Segment]],
    ) -> list[Segment]:
        s = self.settings
        times, samples = joined(found)
        segments = []
        for span, persons in zip(frame_spans(times, clip), samples, strict=True):
            for person in persons:
                scores = person.points[:, 2]
                scores = scores[scores >= s.min_keypoint]
                if len(scores) < s.min_keypoints:
                    continue
                keypoints = {name: rounded(at) for name, at in zip(KEYPOINTS, person.points, strict=True)}
                label = posture(person.points, s.min_keypoint, clip.width / clip.height)
                data = {"box": rounded(person.box), "keypoints": keypoints}
                segments.append(Segment(*span, label, round(float(scores.mean()), 4), data))
        return segments
