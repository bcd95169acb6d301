"""The pose of people: 17 keypoints per person, and the posture that follows from them.

MoveNet SinglePose Lightning (Google 2021) gets a square around each person that the detector found. As in
MoveNet's own cropping, the square leaves room around the body and is black outside the frame.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from clipbench.analyzers.base import Chunk, ChunkedAnalyzer, ClipFacts, Segment, setting
from clipbench.analyzers.features.onnx_networks import open_network
from clipbench.analyzers.features.time_spans import frame_spans
from clipbench.analyzers.features.vision.boxes import rounded
from clipbench.analyzers.features.vision.coco_detector import CocoDetector, DetectorSettings
from clipbench.analyzers.features.vision.crops import apply, crop
from clipbench.analyzers.features.vision.nanodet import Detection
from clipbench.analyzers.features.vision.tracks import Track, Tracks

KEYPOINTS = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder",
    "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee",
    "right_knee", "left_ankle", "right_ankle",
)  # fmt: skip
PIXELS = 192
#: The crop's side, in longer sides of the person's box.
ROOM = 1.2
#: So many persons' crops wait at most for their tracks to prove steady; 110 kB each.
MOST_WAITING = 32
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


class Person(NamedTuple):
    """A person in one of the clip's samples, and the number of its track."""

    sample: int
    track: int
    detection: Detection


class Crop(NamedTuple):
    """A person cut out, uint8 [PIXELS, PIXELS, 3], and the map from it to fractions of the frame [2, 3]."""

    person: Person
    picture: np.ndarray
    to_frame: np.ndarray


class Pose(NamedTuple):
    """A person's keypoints [17, 3]: x and y in fractions of the frame, which may be outside it; a score."""

    person: Person
    points: np.ndarray


@dataclass
class PoseState:
    """The persons that are followed, and the crops of those whose tracks are not steady yet."""

    tracks: Tracks
    waiting: list[Crop] = field(default_factory=list)


class PosesFound(NamedTuple):
    """What a chunk has: its samples' times [T], poses, and which tracks ended in it and were steady."""

    times_s: np.ndarray
    poses: list[Pose]
    steady: list[int]


class BodyPose(ChunkedAnalyzer[PoseState, PosesFound]):
    """MoveNet on the persons that the detector finds, and that are sure or seen steadily.

    It has no pose of people below a tenth of the frame's height, and may give two who stand before each other
    the same one. The confidence is the mean score of the keypoints that are seen: it says nothing of how many
    are hidden, and was not calibrated.

    Whether a track is steady is certain when it ends. Keypoints are placed as soon as a track is steady so
    far, so that few crops have to be kept; `finish` drops the poses of tracks that turned out not to be.
    """

    name = "body_pose"
    settings: BodyPoseSettings
    settings_type = BodyPoseSettings

    def models(self) -> tuple[str, ...]:
        return self.settings.detector, self.settings.model

    def load(self, device: str = "cpu") -> None:
        self._detector = CocoDetector(self.settings)
        self._network = open_network(self.settings.model)

    def begin(self, clip: ClipFacts) -> PoseState:
        return PoseState(Tracks(clip.width / clip.height))

    def feed(self, chunk: Chunk, state: PoseState) -> tuple[PosesFound, PoseState]:
        s = self.settings
        times, images = chunk.frames(s.fps, s.size)
        first = state.tracks.samples
        persons, tracks = self._follow(times, self._detector.find(chunk), state.tracks)
        steady = {number for number, one in tracks.items() if s.rule.is_steady(one)}
        going_on = {track.number for track in state.tracks.open}
        crops = state.waiting + [
            cut_out(images[person.sample - first], person)
            for person in persons
            if person.track in steady | going_on or self._is_sure(person)
        ]
        ready = [crop for crop in crops if crop.person.track in steady or self._is_sure(crop.person)]
        waiting = [
            crop
            for crop in crops
            if crop.person.track in going_on - steady and not self._is_sure(crop.person)
        ]
        # A pose is small: beyond a bound it is cheaper to place keypoints in vain than to keep the crop.
        surplus = max(0, len(waiting) - MOST_WAITING)
        state.waiting = waiting[surplus:]
        poses = self._place(ready + waiting[:surplus])
        return PosesFound(times.copy(), poses, sorted(steady - going_on)), state

    def finish(
        self,
        clip: ClipFacts,
        found: Sequence[PosesFound],
        state: PoseState,
        upstream: Mapping[str, list[Segment]],
    ) -> list[Segment]:
        s = self.settings
        rule = s.rule.for_samples(state.tracks.samples)
        steady = {number for one in found for number in one.steady}
        steady |= {track.number for track in state.tracks.open if rule.is_steady(track)}
        poses = [pose for one in found for pose in one.poses]
        poses += self._place([crop for crop in state.waiting if crop.person.track in steady])
        spans = frame_spans(np.concatenate([one.times_s for one in found]), clip)
        segments = []
        for person, points in sorted(poses, key=lambda pose: sort_key(pose.person)):
            scores = points[points[:, 2] >= s.min_keypoint, 2]
            counts = person.track in steady or self._is_sure(person)
            if counts and len(scores) >= s.min_keypoints:
                label = posture(points, s.min_keypoint, clip.width / clip.height)
                keypoints = {name: rounded(point) for name, point in zip(KEYPOINTS, points, strict=True)}
                data = {"box": rounded(person.detection.box), "keypoints": keypoints}
                segments.append(Segment(*spans[person.sample], label, round(float(scores.mean()), 4), data))
        return segments

    def unload(self) -> None:
        self._detector.close()
        self._network.close()

    def _is_sure(self, person: Person) -> bool:
        """Whether it counts, whatever becomes of its track."""
        return person.detection.score >= self.settings.sure_score

    def _follow(
        self, times_s: np.ndarray, samples: list[list[Detection]], tracks: Tracks
    ) -> tuple[list[Person], dict[int, Track]]:
        """The persons that are large enough, and the tracks of all that were open or are started here."""
        persons, known = [], {track.number: track for track in tracks.open}
        for time_s, objects in zip(times_s.tolist(), samples, strict=True):
            sample, found = tracks.samples, [one for one in objects if one.label == "person"]
            for track, one in zip(tracks.add(time_s, found), found, strict=True):
                known[track.number] = track
                if one.box[3] - one.box[1] >= self.settings.min_height:
                    persons.append(Person(sample, track.number, one))
        return persons, known

    def _place(self, crops: list[Crop]) -> list[Pose]:
        """The poses of the persons that were cut out."""
        if not crops:
            return []
        crops = sorted(crops, key=lambda crop: sort_key(crop.person))
        pictures = np.stack([crop.picture for crop in crops])
        found = self._network(pictures, batch=self.settings.batch)[0][:, 0]
        return [
            Pose(crop.person, np.column_stack([apply(crop.to_frame, at[:, 1::-1] * PIXELS), at[:, 2]]))
            for crop, at in zip(crops, found, strict=True)
        ]


def sort_key(person: Person) -> tuple[int, float, int]:
    """By sample, and in it the surest first."""
    return person.sample, -person.detection.score, person.track


def cut_out(image: np.ndarray, person: Person) -> Crop:
    """The square around a person in `image`."""
    size = np.array(image.shape[1::-1])
    box = person.detection.box
    low, high = box[:2] * size, box[2:] * size
    picture, to_image = crop(image, (low + high) / 2, ROOM * (high - low).max(), 0.0, PIXELS)
    return Crop(person, picture, to_image / size[:, None])


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
