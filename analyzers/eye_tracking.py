"""Where each pair of eyes looks, how far the eyes are open, and when they blink.

MediaPipe's iris network (Ablavatski et al. 2020, arXiv:2006.11341) gives the contour of each eye and the
centre of its iris. It was trained on the eye at the left of the picture; the other one is mirrored for it.

Gaze is relative to the head: how far the iris is from the middle between the corners of its eye, in half
widths of the eye (the convention of the Human library's gaze angle), with y counted from the resting position
of the iris. Faces differ in that, and more when they are seen from above or below, so the median of a
face's own gaze is taken off once it was seen for long enough.

Openness is the eye aspect ratio of Soukupová and Čech 2016 ("Real-Time Eye Blink Detection using Facial
Landmarks"): as there, an eye below 0.2 counts as closed.

It cannot tell where in the scene somebody looks, because it does not know how the head is turned. Who looks a
little down all the time counts as looking straight ahead. In faces narrower than about 50 pixels, of which an
eye has about 12, gaze is mostly noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from clipbench.analyzers.base import Segment, setting
from clipbench.analyzers.features.faces.face_analyzer import FaceAnalyzer, FaceAnalyzerSettings, SeenFace
from clipbench.analyzers.features.faces.face_finder import LEFT_EYE, RIGHT_EYE, Face
from clipbench.analyzers.features.onnx_networks import output_of_shape
from clipbench.analyzers.features.vision.boxes import rounded
from clipbench.analyzers.features.vision.crops import apply, crop

PIXELS = 64
#: The side of the network's crop, in widths of the eye.
EYE_MARGIN = 2.3
#: The network's points: corners of the eye, pairs of (upper, lower) lid, and the centre of the iris.
OUTER, INNER, LIDS, IRIS = 0, 8, ((11, 3), (13, 5)), 71
#: The y of an iris that looks straight ahead: above the line through the corners, in half widths of the eye.
REST_Y = -0.14


@dataclass
class EyeTrackingSettings(FaceAnalyzerSettings):
    """Settings of eye_tracking."""

    # Every second frame is one of age_estimation, which has then found its faces already.
    fps: float = setting(6.0, "frames read per second of clip", low=0.01, high=240)
    model: str = setting("iris", "model card of the eye contour and iris network")
    sideways: float = setting(0.15, "|gaze x| from which the gaze is left or right", low=0, high=1)
    upright: float = setting(0.08, "|gaze y| from which the gaze is up or down", low=0, high=1)
    # Of photographs of faces that look into the camera, rest was at y -0.02 to 0.05 in two large ones, and at
    # 0.1 to 0.3 in small ones.
    rest_s: float = setting(
        2.0, "seconds with open eyes from which a face's own median is its rest", low=0, high=3600
    )
    rest_sideways: float = setting(
        0.15, "|x| of a median that is rest: beyond, it looks aside", low=0, high=1
    )
    rest_upright: float = setting(0.25, "the same for |y|", low=0, high=1)
    closed: float = setting(0.2, "openness below which eyes are closed", low=0, high=1)
    blink_s: float = setting(0.5, "longest time that eyes are closed in a blink", low=0, high=10)


class Eyes(NamedTuple):
    """Both eyes of a face.

    `iris` are the centres [2, 2] in fractions of the frame, the one on the left first; `gaze` is [2].
    """

    iris: np.ndarray
    gaze: np.ndarray
    openness: float


class EyeTracking(FaceAnalyzer[Eyes]):
    """Gaze and openness per face and sample, and blinks."""

    name = "eye_tracking"
    settings: EyeTrackingSettings
    settings_type = EyeTrackingSettings

    def _look(self, faces: list[tuple[np.ndarray, Face]]) -> list[Eyes]:
        crops = []
        for image, face in faces:
            for corners in (LEFT_EYE, RIGHT_EYE):
                ends = face.mesh[list(corners)]
                side = EYE_MARGIN * float(np.linalg.norm(ends[1] - ends[0]))
                crops.append(crop(image, ends.mean(axis=0), side, face.roll, PIXELS))
        pictures = np.stack([picture for picture, _ in crops])
        pictures[1::2] = pictures[1::2, :, ::-1]
        outputs = self._network(pictures, batch=self.settings.batch)
        points = output_of_shape(outputs, 76, 3)[..., :2].astype(np.float64)
        points[1::2, :, 0] = PIXELS - points[1::2, :, 0]
        # In the crops every face is upright, so gaze and openness are measured there. In a face that is
        # turned away, the eye that is more visible has more weight.
        eyes = []
        for k, (image, _) in zip(range(0, len(crops), 2), faces, strict=True):
            maps = [to_image for _, to_image in crops[k : k + 2]]
            iris = np.array([apply(m, p[[IRIS]])[0] for m, p in zip(maps, points[k : k + 2], strict=True)])
            iris = iris[np.argsort(iris[:, 0], kind="stable")]
            shown = [float(np.linalg.norm(m[:, 0])) for m in maps]
            look = np.average([gaze(eye) for eye in points[k : k + 2]], axis=0, weights=shown)
            openness = np.average([aspect_ratio(eye) for eye in points[k : k + 2]], weights=shown)
            eyes.append(Eyes(iris / image.shape[1::-1], look, float(openness)))
        return eyes

    def _describe(self, track: list[SeenFace[Eyes]], spans: list[tuple[float, float]]) -> list[Segment]:
        rest = self._rest(track, spans)
        track = [face._replace(traits=face.traits._replace(gaze=face.traits.gaze - rest)) for face in track]
        labels = [self._label(face.traits) for face in track]
        segments = []
        for face, span, label in zip(track, spans, labels, strict=True):
            eyes = face.traits
            left, right = (rounded(point) for point in eyes.iris)
            data: dict[str, Any] = {
                "gaze": rounded(np.clip(eyes.gaze, -1, 1)),
                "openness": round(eyes.openness, 4),
                "iris": {"left": left, "right": right},
                "box": face.box,
            }
            segments.append(Segment(*span, label, round(face.confidence, 4), data))
        for first, after in blinks([label == "closed" for label in labels]):
            start, end = spans[first][0], spans[after][0]
            if end - start <= self.settings.blink_s + 1e-6:
                data = {
                    "openness": round(min(face.traits.openness for face in track[first:after]), 4),
                    "face": track[first].box,
                }
                segments.append(Segment(start, end, "blink", None, data))
        return segments

    def _rest(self, track: list[SeenFace[Eyes]], spans: list[tuple[float, float]]) -> np.ndarray:
        """The gaze [2] of a face at rest: its median, or 0 where it was not seen for long or looks aside."""
        options = self.settings
        is_open = [face.traits.openness >= options.closed for face in track]
        seen_s = sum(end - start for (start, end), seen in zip(spans, is_open, strict=True) if seen)
        if seen_s < options.rest_s - 1e-6 or not any(is_open):
            return np.zeros(2)
        looks = [face.traits.gaze for face, seen in zip(track, is_open, strict=True) if seen]
        middle: np.ndarray = np.median(looks, axis=0)
        return np.where(np.abs(middle) <= [options.rest_sideways, options.rest_upright], middle, 0.0)

    def _label(self, eyes: Eyes) -> str:
        if eyes.openness < self.settings.closed:
            return "closed"
        x, y = eyes.gaze / [self.settings.sideways, self.settings.upright]
        if max(abs(x), abs(y)) < 1:
            return "center"
        if abs(x) >= abs(y):
            return "left" if x < 0 else "right"
        return "up" if y < 0 else "down"


def gaze(eye: np.ndarray) -> np.ndarray:
    """Gaze [x, y] of an eye's contour [76, 2] in its upright crop.

    Its x is counted from the middle of the crop, which is the middle between the mesh's corners, because the
    contour's own corners shift when the iris moves towards them. Its y is counted from the contour's corners,
    which vary less between faces.
    """
    half_width = PIXELS / EYE_MARGIN / 2
    corners_y = eye[[OUTER, INNER], 1].mean()
    return np.array([eye[IRIS, 0] - PIXELS / 2, eye[IRIS, 1] - corners_y]) / half_width - [0, REST_Y]


def aspect_ratio(eye: np.ndarray) -> float:
    """Height to width of an eye's contour [76, 2]."""
    heights = [np.linalg.norm(eye[upper] - eye[lower]) for upper, lower in LIDS]
    return float(np.mean(heights) / max(np.linalg.norm(eye[INNER] - eye[OUTER]), 1e-6))


def blinks(closed: list[bool]) -> list[tuple[int, int]]:
    """(first closed, first open again) of each closed stretch between open samples."""
    changes = [k for k in range(1, len(closed)) if closed[k] != closed[k - 1]]
    return [(a, b) for a, b in pairwise(changes) if closed[a]]
