"""Faces with their landmarks: found once per frame and worker, whichever analyzer asks first.

BlazeFace (Bazarevsky et al. 2019, arXiv:1907.05047, the back-camera variant) proposes boxes, and the face
mesh (Kartynnik et al. 2019, arXiv:1907.06724) places 468 landmarks in each and says whether it is a face
at all: BlazeFace alone takes a cat for one. The steps between are those of MediaPipe's face pipeline.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from clipbench.analyzers.base import Analyzer, ClipView, FrameSettings, setting
from clipbench.analyzers.features.networks import open_net
from clipbench.analyzers.features.vision.crops import apply, area, crop, iou, letterbox

DETECTOR_PIXELS, MESH_PIXELS = 256, 192
#: Mesh landmarks at the corners of the eye on the left of an upright face's picture, outer one first,
#: and of the other eye.
LEFT_EYE, RIGHT_EYE = (33, 133), (263, 362)
#: How much of a face's surroundings the mesh network wants to see, in sides of the detected box.
MESH_MARGIN = 1.5
#: Boxes that overlap by more than this (IoU) are the same face.
SAME_FACE = 0.3
#: Portraits that correlate by more than this are of the same person a moment later. Seen on photographs:
#: 0.7 and up with the head turned 12 degrees, eyes closed or the light halved; 0.4 and less between people.
SAME_PERSON = 0.5


@dataclass
class FaceSettings(FrameSettings):
    """Settings of an analyzer that looks at faces. Two that agree on all but `fps` share their faces."""

    detector: str = setting("blazeface-back", "model card of the network that proposes face boxes")
    mesh: str = setting("facemesh", "model card of the network that places 468 landmarks")
    # Seen: 0.87 for an ordinary face, 0.66 for a noisy profile, 0.54 and less for a face painted on a rocket.
    min_confidence: float = setting(
        0.6, "faces that both networks together believe less are dropped", low=0.01, high=1
    )
    batch: int = setting(4, "frames or faces per network call", low=1, high=1024)


class Face(NamedTuple):
    """A face in one frame: `box` [4] and `mesh` [468, 2] in pixels of it.

    `confidence` is the detector's times the mesh network's, as each is fooled by what the other is not.
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
        return [round(float(v), 4) for v in np.clip(self.box / [width, height, width, height], 0, 1)]


class FaceFinder:
    """The two networks that find faces; raises models.ModelError where one cannot be loaded."""

    def __init__(self, settings: FaceSettings) -> None:
        self.settings = settings
        self._detector, self._mesh = open_net(settings.detector), open_net(settings.mesh)

    def find(self, clip: ClipView) -> list[list[Face]]:
        """The faces in each frame that `clip` has at the settings' rate, largest first.

        Frames that another analyzer of this worker has looked at are not looked at again. A face is found
        from about 5 % of the frame's longer side up.
        """
        s = self.settings
        times, images = clip.frames(s.fps, s.size)
        known = clip.memo(("faces", s.detector, s.mesh, s.size, s.min_confidence), dict)
        times = [round(float(t), 6) for t in times]
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
        candidates = [(i, *face) for i, found in enumerate(self._detect(images)) for face in found]
        faces: list[list[Face]] = [[] for _ in images]
        if not candidates:
            return faces
        crops = []
        for i, _, points in candidates:
            (dx, dy), side = points[3] - points[2], MESH_MARGIN * points[1].max()
            crops.append(crop(images[i], points[0], side, np.arctan2(dy, dx), MESH_PIXELS))
        pictures = np.stack([picture for picture, _ in crops])
        outputs = self._mesh(pictures, batch=self.settings.batch)
        presence, meshes = output(outputs, 1), output(outputs, 468, 3)
        for k, (i, score, _) in enumerate(candidates):
            confidence = score * float(presence[k, 0])
            if confidence >= self.settings.min_confidence:
                mesh = apply(crops[k][1], meshes[k, :, :2])
                box = np.concatenate([mesh.min(0), mesh.max(0)])
                faces[i].append(Face(box, confidence, mesh, portrait(crops[k][0])))
        return [sorted(found, key=lambda face: -area(face.box)) for found in faces]

    def _detect(self, images: list[np.ndarray]) -> list[list[tuple[float, np.ndarray]]]:
        """Per image, (score, [centre, size, six keypoints] as [8, 2] in pixels) of each face."""
        boxed = [letterbox(image, DETECTOR_PIXELS) for image in images]
        pictures = np.stack([picture for picture, _, _ in boxed])
        scores, points = decode(self._detector(pictures, batch=self.settings.batch))
        found = []
        for score, at, (_, scale, offset) in zip(scores, points, boxed, strict=True):
            keep = score >= self.settings.min_confidence
            at = at[keep]
            at[:, [0, 2, 3, 4, 5, 6, 7]] -= offset
            found.append(merge(score[keep], at / scale))
        return found


class FaceAnalyzer(Analyzer):
    """An analyzer that gives each face to a network of its own, which its settings name as `model`."""

    def models(self) -> tuple[str, ...]:
        return self.settings.detector, self.settings.mesh, self.settings.model

    def load(self, device: str = "cpu") -> None:
        self._finder, self._net = FaceFinder(self.settings), open_net(self.settings.model)

    def unload(self) -> None:
        self._finder.close()
        self._net.close()


def decode(outputs: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """BlazeFace's outputs as scores [N, 896] and points [N, 896, 8, 2] in pixels of its input.

    The points are the box's centre and size, then eyes, nose, mouth and ears. Its anchors lie at the
    centres of the cells, two per cell at a stride of 16 pixels and six at a stride of 32.
    """
    anchors = []
    for stride, per_cell in ((16, 2), (32, 6)):
        along = (np.arange(DETECTOR_PIXELS // stride) + 0.5) * stride
        grid = np.stack(np.meshgrid(along, along), axis=-1).reshape(-1, 2)
        anchors.append(np.repeat(grid, per_cell, axis=0))
    logits = np.concatenate([output(outputs, 512, 1), output(outputs, 384, 1)], axis=1)[..., 0]
    points = np.concatenate([output(outputs, 512, 16), output(outputs, 384, 16)], axis=1)
    points = points.reshape(*points.shape[:2], 8, 2).astype(np.float64)
    points[:, :, [0, 2, 3, 4, 5, 6, 7]] += np.concatenate(anchors)[None, :, None]
    return 1 / (1 + np.exp(-np.clip(logits.astype(np.float64), -50, 50))), points


def merge(scores: np.ndarray, points: np.ndarray) -> list[tuple[float, np.ndarray]]:
    """Overlapping candidates averaged by score, best first: BlazeFace's own non-maximum suppression.

    A plain one would let the box jump between neighbouring anchors from frame to frame.
    """
    half = points[:, 1] / 2
    boxes = np.concatenate([points[:, 0] - half, points[:, 0] + half], axis=1)
    left = np.argsort(-scores, kind="stable")
    merged = []
    while len(left):
        same = left[[iou(boxes[left[0]], boxes[k]) > SAME_FACE for k in left]]
        same = same if len(same) else left[:1]
        mean = np.average(points[same], axis=0, weights=scores[same])
        merged.append((float(scores[left[0]]), mean))
        left = left[~np.isin(left, same)]
    return merged


def portrait(upright: np.ndarray) -> np.ndarray:
    """The middle of an upright crop as `Face.portrait`."""
    import cv2

    edge = round(len(upright) * (1 - 1 / MESH_MARGIN) / 2)
    grey = cv2.cvtColor(upright[edge:-edge, edge:-edge], cv2.COLOR_RGB2GRAY)
    values = cv2.resize(grey, (24, 24), interpolation=cv2.INTER_AREA).astype(np.float64).ravel()
    values -= values.mean()
    return values / max(np.linalg.norm(values), 1e-9)


def tracks(samples: list[list[Face]]) -> list[list[tuple[int, Face]]]:
    """The same person's face from one sample to the next, as lists of (sample index, face).

    A face goes on with the track whose last face it overlaps most and looks like: across a cut between
    two people in the same place it does not. Tracks come in order of their start.
    """
    found: list[list[tuple[int, Face]]] = []
    for i, faces in enumerate(samples):
        pairs = []
        for track in found:
            last, before = track[-1]
            if last == i - 1:
                pairs += [(iou(before.box, face.box), track, k) for k, face in enumerate(faces)]
        placed: set[int] = set()
        for overlap, track, k in sorted(pairs, key=lambda pair: -pair[0]):
            last, before = track[-1]
            alike = overlap > SAME_FACE and before.portrait @ faces[k].portrait > SAME_PERSON
            if alike and last == i - 1 and k not in placed:
                track.append((i, faces[k]))
                placed.add(k)
        found += [[(i, face)] for k, face in enumerate(faces) if k not in placed]
    return found


def output(outputs: list[np.ndarray], *shape: int) -> np.ndarray:
    """The output with rows of that shape, [N, *shape]: networks differ in the order of theirs.

    Raises ValueError where there is none, as with another network than the one expected.
    """
    for value in outputs:
        if value[0].size == np.prod(shape):
            return value.reshape(len(value), *shape)
    raise ValueError(f"the network has no output of shape {shape}, only {[value.shape for value in outputs]}")
