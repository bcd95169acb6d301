"""Faces with their landmarks: found once per frame and worker, whichever analyzer asks first.

BlazeFace (Bazarevsky et al. 2019, arXiv:1907.05047, the back-camera variant) proposes boxes, and the face
mesh (Kartynnik et al. 2019, arXiv:1907.06724) places 468 landmarks in each and decides whether it is a face
at all: BlazeFace alone mistakes a cat for one. The steps between are those of MediaPipe's face pipeline.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from clipbench.analyzers.base import ClipView, FrameSettings, setting
from clipbench.analyzers.features.faces import blazeface
from clipbench.analyzers.features.onnx_networks import open_network, output_of_shape
from clipbench.analyzers.features.vision.boxes import area, rounded
from clipbench.analyzers.features.vision.crops import apply, crop, letterbox

#: The sides of the face mesh's square input.
MESH_PIXELS = 192
#: Mesh landmarks at the corners of the eye on the left of an upright face's picture, outer corner first,
#: and of the other eye.
LEFT_EYE, RIGHT_EYE = (33, 133), (263, 362)
#: The side of the mesh network's crop, in sides of the detected box.
MESH_MARGIN = 1.5


@dataclass
class FaceSettings(FrameSettings):
    """Settings of an analyzer that looks at faces; it shares them if all but `fps` and `batch` are equal."""

    detector: str = setting("blazeface-back", "model card of the network that proposes face boxes")
    mesh: str = setting("facemesh", "model card of the network that places 468 landmarks")
    # Measured: 0.87 for an ordinary face, 0.66 for a noisy profile, at most 0.54 for a face on a rocket.
    min_confidence: float = setting(
        0.6, "faces with less confidence of both networks together are dropped", low=0.01, high=1
    )
    batch: int = setting(4, "frames or faces per network call", low=1, high=1024)


class Face(NamedTuple):
    """A face in one frame: `box` [4] and `mesh` [468, 2] in pixels of it.

    `confidence` is the product of both networks' confidences, because they make different mistakes.
    `portrait` [576] is the upright face in 24 x 24 grey values of mean 0 and length 1, so that the product
    of two portraits is their correlation.
    """

    box: np.ndarray
    confidence: float
    mesh: np.ndarray
    portrait: np.ndarray

    @property
    def roll(self) -> float:
        """Radians by which the line through the outer corners of the eyes is turned clockwise."""
        dx, dy = self.mesh[RIGHT_EYE[0]] - self.mesh[LEFT_EYE[0]]
        return float(np.arctan2(dy, dx))

    def relative_box(self, height: int, width: int) -> list[float]:
        """The box as fractions of a frame of that size, cut off at its edges."""
        return rounded(np.clip(self.box / [width, height, width, height], 0, 1))


class FaceFinder:
    """The two networks that find faces; raises weights.ModelError if one cannot be loaded."""

    def __init__(self, settings: FaceSettings) -> None:
        self.settings = settings
        self._detector, self._mesh = open_network(settings.detector), open_network(settings.mesh)

    def find(self, clip: ClipView) -> list[list[Face]]:
        """The faces in each of the clip's frames at the settings' rate, largest first.

        Frames that another analyzer of this worker has searched are not searched again. The smallest faces
        that are found have about 5 % of the frame's longer side.
        """
        s = self.settings
        times_s, images = clip.frames(s.fps, s.size)
        known: dict[float, list[Face]] = clip.memo(
            ("faces", s.detector, s.mesh, s.size, s.min_confidence), dict
        )
        times = [round(float(t), 6) for t in times_s]
        new = [i for i, t in enumerate(times) if t not in known]
        for start in range(0, len(new), s.batch):
            chunk = new[start : start + s.batch]
            for i, faces in zip(chunk, self._find([images[i] for i in chunk]), strict=True):
                known[times[i]] = faces
        return [known[t] for t in times]

    def close(self) -> None:
        self._detector.close()
        self._mesh.close()

    def _find(self, images: list[np.ndarray]) -> list[list[Face]]:
        proposed = [(i, *face) for i, found in enumerate(self.candidates(images)) for face in found]
        faces: list[list[Face]] = [[] for _ in images]
        if not proposed:
            return faces
        crops = []
        for i, _, points in proposed:
            (dx, dy), side = points[3] - points[2], MESH_MARGIN * points[1].max()
            crops.append(crop(images[i], points[0], side, np.arctan2(dy, dx), MESH_PIXELS))
        pictures = np.stack([picture for picture, _ in crops])
        outputs = self._mesh(pictures, batch=self.settings.batch)
        presence, meshes = output_of_shape(outputs, 1), output_of_shape(outputs, 468, 3)
        for k, (i, score, _) in enumerate(proposed):
            confidence = score * float(presence[k, 0])
            if confidence >= self.settings.min_confidence:
                mesh = apply(crops[k][1], meshes[k, :, :2])
                box = np.concatenate([mesh.min(0), mesh.max(0)])
                faces[i].append(Face(box, confidence, mesh, portrait(crops[k][0])))
        return [sorted(found, key=lambda face: -area(face.box)) for found in faces]

    def candidates(self, images: list[np.ndarray]) -> list[list[tuple[float, np.ndarray]]]:
        """Per image, BlazeFace's faces: (score, [centre, size, six keypoints] as [8, 2] in pixels)."""
        boxed = [letterbox(image, blazeface.PIXELS) for image in images]
        pictures = np.stack([picture for picture, _, _ in boxed])
        scores, points = blazeface.decode(self._detector(pictures, batch=self.settings.batch))
        found = []
        for score, at, (_, scale, offset) in zip(scores, points, boxed, strict=True):
            keep = score >= self.settings.min_confidence
            at = at[keep]
            at[:, [0, 2, 3, 4, 5, 6, 7]] -= offset
            found.append(blazeface.merge(score[keep], at / scale))
        return found


def portrait(upright: np.ndarray) -> np.ndarray:
    """The middle of an upright crop, as in `Face.portrait`."""
    import cv2

    edge = round(len(upright) * (1 - 1 / MESH_MARGIN) / 2)
    grey = cv2.cvtColor(upright[edge:-edge, edge:-edge], cv2.COLOR_RGB2GRAY)
    values = cv2.resize(grey, (24, 24), interpolation=cv2.INTER_AREA).astype(np.float64).ravel()
    values -= values.mean()
    unit: np.ndarray = values / max(float(np.linalg.norm(values)), 1e-9)
    return unit
