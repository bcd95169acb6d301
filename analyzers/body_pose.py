"""The pose of people: 17 keypoints per person, and the posture that follows from them.

MoveNet SinglePose Lightning (Google 2021) gets a square around each person that the detector found. As in
MoveNet's own cropping, the square leaves room around the body and is black outside the frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from clipbench.analyzers.base import Analyzer, ClipView, Segment, setting
from clipbench.analyzers.features.onnx_networks import open_network
from clipbench.analyzers.features.time_spans import frame_spans
from clipbench.analyzers.features.vision.boxes import rounded
from clipbench.analyzers.features.vision.coco_detector import CocoDetector, DetectorSettings
from clipbench.analyzers.features.vision.crops import apply, crop
from clipbench.analyzers.features.vision.nanodet import Detection

KEYPOINTS = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder",
    "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee",
    "right_knee", "left_ankle", "right_ankle",
)  # fmt: skip
PIXELS = 192
#: The crop's side, in longer sides of the person's box.
ROOM = 1.2
#: A body whose line from hips to shoulders leans further than this is lying.
LYING_DEG = 60.0
#: A person whose thighs drop by less than this share of the trunk's length is sitting.
SITTING_DROP = 0.6


@dataclass
class BodyPoseSettings(DetectorSettings):
    """Settings of body_pose."""

    model: str = setting("movenet-lightning", "model card of the network that places keypoints")
    batch: int = setting(8, "persons per network call", low=1, high=1024)
    min_height: float = setting(
        0.1, "persons below this share of the frame's height are skipped", low=0, high=1
    )
    min_keypoint: float = setting(0.3, "keypoints with a lower score count as unseen", low=0, high=1)
    min_keypoints: int = setting(3, "persons with fewer keypoints seen are dropped", low=1, high=17)


class BodyPose(Analyzer):
    """MoveNet on the persons that the detector finds."""

    name = "body_pose"
    settings: BodyPoseSettings
    settings_type = BodyPoseSettings

    def models(self) -> tuple[str, ...]:
        return self.settings.detector, self.settings.model

    def load(self, device: str = "cpu") -> None:
        self._detector = CocoDetector(self.settings)
        self._network = open_network(self.settings.model)

    def analyze(self, clip: ClipView, upstream: Mapping[str, list[Segment]]) -> list[Segment]:
        s = self.settings
        times, images = clip.frames(s.fps, s.size)
        persons = [
            (index, found)
            for index, objects in enumerate(self._detector.find(clip))
            for found in objects
            if found.label == "person" and found.box[3] - found.box[1] >= s.min_height
        ]
        spans = frame_spans(times, clip)
        segments = []
        for (index, person), points in zip(persons, self._keypoints(images, persons), strict=True):
            scores = points[points[:, 2] >= s.min_keypoint, 2]
            if len(scores) >= s.min_keypoints:
                label = posture(points, s.min_keypoint, clip.width / clip.height)
                keypoints = {name: rounded(point) for name, point in zip(KEYPOINTS, points, strict=True)}
                data = {"box": rounded(person.box), "keypoints": keypoints}
                segments.append(Segment(*spans[index], label, round(float(scores.mean()), 4), data))
        return segments

    def unload(self) -> None:
        self._detector.close()
        self._network.close()

    def _keypoints(self, images: np.ndarray, persons: list[tuple[int, Detection]]) -> list[np.ndarray]:
        """Per person [17, 3]: x and y in fractions of the frame, which may be outside it, and a score."""
        if not persons:
            return []
        height, width = images.shape[1:3]
        size = np.array([width, height])
        cut = []
        for index, person in persons:
            low, high = person.box[:2] * size, person.box[2:] * size
            cut.append(crop(images[index], (low + high) / 2, ROOM * (high - low).max(), 0.0, PIXELS))
        found = self._network(np.stack([picture for picture, _ in cut]), batch=self.settings.batch)[0][:, 0]
        return [
            np.column_stack([apply(to_image, points[:, 1::-1] * PIXELS) / size, points[:, 2]])
            for points, (_, to_image) in zip(found, cut, strict=True)
        ]


def posture(points: np.ndarray, min_score: float, aspect: float) -> str:
    """The posture of a body, from its keypoints [17, 3] in a frame `aspect` times as wide as high.

    Without shoulders it is `face_only`, or `lower_body` if hips are seen; without both hips and both knees it
    is `upper_body`; otherwise `lying`, `sitting` or `standing`, by the trunk's lean and by how far the thighs
    drop. Legs beyond the frame's edge are the network's guess and count as unseen.
    """
    seen = points[:, 2] >= min_score
    inside = ((points[:, :2] >= 0) & (points[:, :2] <= 1)).all(1)

    def pair(part: str, visible: np.ndarray) -> list[np.ndarray]:
        at = [KEYPOINTS.index(f"{side}_{part}") for side in ("left", "right")]
        return [points[index, :2] for index in at if visible[index]]

    shoulders, hips, knees = pair("shoulder", seen), pair("hip", seen & inside), pair("knee", seen & inside)
    if not shoulders:
        return "lower_body" if hips else "face_only"
    if len(hips) + len(knees) < 4:
        return "upper_body"
    hip = np.mean(hips, axis=0)
    square = np.array([aspect, 1.0])
    trunk, thigh = (hip - np.mean(shoulders, axis=0)) * square, (np.mean(knees, axis=0) - hip) * square
    if abs(np.degrees(np.arctan2(trunk[0], trunk[1]))) > LYING_DEG:
        return "lying"
    return "sitting" if thigh[1] < SITTING_DROP * np.linalg.norm(trunk) else "standing"
