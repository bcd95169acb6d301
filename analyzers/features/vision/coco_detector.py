"""Objects of COCO's 80 classes in sampled frames: found once per worker, whichever analyzer asks first.

NanoDet (RangiLyu 2020-2021, github.com/RangiLyu/nanodet; here NanoDet-g) rates for each cell of three grids
how likely it is inside an object of each class, and how far away that object's sides are.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from clipbench.analyzers.base import ClipView, FrameSettings, setting
from clipbench.analyzers.features.networks import open_net
from clipbench.analyzers.features.vision.crops import iou

COCO = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
    "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow",
    "elephant", "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee",
    "skis", "snowboard", "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard",
    "tennis racket", "bottle", "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple",
    "sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch",
    "potted plant", "bed", "dining table", "toilet", "tv", "laptop", "mouse", "remote", "keyboard",
    "cell phone", "microwave", "oven", "toaster", "sink", "refrigerator", "book", "clock", "vase",
    "scissors", "teddy bear", "hair drier", "toothbrush",
)  # fmt: skip

STRIDES = (8, 16, 32)
#: The network's pictures have sides that are multiples of this.
MULTIPLE = 32
#: Distances are distributions over this many steps of a cell's size.
STEPS = 11
#: Candidates below this score are not worth keeping, whatever an analyzer asks for.
FLOOR = 0.2
#: Boxes of one class that overlap by more than this (IoU) are one object; of any class, by more than that.
SAME_CLASS, ANY_CLASS = 0.5, 0.8
#: An object is followed from sample to sample where its boxes overlap by at least this.
FOLLOW = 0.3


@dataclass
class DetectorSettings(FrameSettings):
    """Settings of an analyzer that reads detections. Two that agree on all but scores share them.

    The defaults were chosen on forty portrait shots of five photographs, a fifth to five quarters of what
    fills the frame. Recall and precision at IoU 0.5, by `detector_side`: 0.97 and 0.90 at 320, 0.94 and
    0.92 at 352, 0.93 and 0.86 at 416 (the size of its training), 0.91 and 0.82 at 480: larger pictures
    show it less of a near object. Objects of a tenth of that are mostly missed: recall 0.17, 0.18 and
    0.24 at the first three.
    """

    fps: float = setting(3.0, "frames read per second of clip", low=0.01, high=240)
    detector: str = setting("nanodet", "model card of the network that finds objects")
    detector_side: int = setting(352, "longer side of the detector's pictures in pixels", low=32, high=2048)
    detector_batch: int = setting(4, "frames per call of the detector", low=1, high=1024)
    min_score: float = setting(0.35, "objects with a lower mean score are dropped", low=FLOOR, high=1)
    min_samples: int = setting(2, "objects seen in fewer neighbouring samples are dropped", low=1, high=100)


class Detection(NamedTuple):
    """An object in one frame: its COCO class, score 0..1, and box [4] in fractions of the frame."""

    label: str
    score: float
    box: np.ndarray


class Detector:
    """The detection network; raises models.ModelError where it cannot be loaded."""

    def __init__(self, settings: DetectorSettings) -> None:
        self.settings = settings
        self._net = open_net(settings.detector)

    def find(self, clip: ClipView) -> list[list[Detection]]:
        """The objects in each frame that `clip` has at the settings' rate, best first.

        Only those that the settings' `min_score` and `min_samples` let through: see `consistent`.
        """
        s = self.settings
        key = ("detections", s.detector, s.detector_side, s.fps, s.size)
        return consistent(clip.memo(key, lambda: self._find(clip)), s.min_score, s.min_samples)

    def close(self) -> None:
        self._net.close()

    def _find(self, clip: ClipView) -> list[list[Detection]]:
        s = self.settings
        images = clip.frames(s.fps, s.size).images
        found = []
        for start in range(0, len(images), s.detector_batch):
            pictures = np.stack([fit(image, s.detector_side) for image in images[start:][: s.detector_batch]])
            maps = self._net(pictures)
            found += [detect([values[i] for values in maps]) for i in range(len(pictures))]
        return found


def fit(image: np.ndarray, longest: int) -> np.ndarray:
    """`image` with its longer side at `longest` and the other in proportion, both rounded up to MULTIPLE.

    The little stretching that this means costs less than a margin would: measured on portrait frames of
    photographs, objects score as high as in a square with margins, at 60 % of the operations.
    """
    import cv2

    height, width = image.shape[:2]
    scale = longest / max(height, width)
    sides = [max(1, -(-round(side * scale) // MULTIPLE)) * MULTIPLE for side in (width, height)]
    smaller = sides[0] < width
    return cv2.resize(image, sides, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)


def detect(maps: list[np.ndarray]) -> list[Detection]:
    """The objects in one picture from NanoDet's maps [124, rows, columns], one per stride; best first."""
    import cv2

    rows, columns = maps[0].shape[1:]
    size = np.array([columns, rows]) * STRIDES[0]
    boxes, scores, classes = [], [], []
    for stride, values in zip(STRIDES, maps, strict=True):
        logits = values[: len(COCO)].reshape(len(COCO), -1)
        best = logits.argmax(0)
        score = 1 / (1 + np.exp(-logits[best, np.arange(len(best))]))
        cells = np.flatnonzero(score >= FLOOR)
        centres = np.stack([cells % values.shape[2], cells // values.shape[2]], axis=1) + 0.5
        sides = values[len(COCO) :].reshape(4, STEPS, -1)[:, :, cells]
        weights = np.exp(sides - sides.max(1, keepdims=True))
        distances = (weights * np.arange(STEPS)[:, None]).sum(1) / weights.sum(1)
        corners = np.concatenate([centres - distances[:2].T, centres + distances[2:].T], axis=1)
        boxes.append(np.clip(corners * stride / np.tile(size, 2), 0, 1))
        scores.append(score[cells])
        classes.append(best[cells])
    boxes, scores, classes = np.concatenate(boxes), np.concatenate(scores), np.concatenate(classes)
    if not len(boxes):
        return []
    corner_and_size = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1).astype(np.float64)
    kept = cv2.dnn.NMSBoxesBatched(corner_and_size, scores.tolist(), classes.tolist(), FLOOR, SAME_CLASS)
    kept = sorted((int(i) for i in kept), key=lambda i: -scores[i])
    found: list[Detection] = []
    for i in kept:
        if all(iou(boxes[i], other.box) <= ANY_CLASS for other in found):
            found.append(Detection(COCO[classes[i]], float(scores[i]), boxes[i]))
    return found


def follow(samples: list[list[Detection]]) -> list[list[tuple[int, Detection]]]:
    """The same object from one sample to the next, as lists of (sample index, detection)."""
    tracks: list[list[tuple[int, Detection]]] = []
    for index, found in enumerate(samples):
        open_tracks = [track for track in tracks if track[-1][0] == index - 1]
        for detection in found:
            overlap, track = max(
                ((iou(track[-1][1].box, detection.box), track) for track in open_tracks
                 if track[-1][1].label == detection.label),
                key=lambda pair: pair[0], default=(0.0, None),
            )  # fmt: skip
            if overlap >= FOLLOW:
                open_tracks = [other for other in open_tracks if other is not track]
                track.append((index, detection))
            else:
                tracks.append([(index, detection)])
    return tracks


def consistent(samples: list[list[Detection]], min_score: float, min_samples: int) -> list[list[Detection]]:
    """The detections of objects that are followed over `min_samples` with a mean score of `min_score`.

    So a frame in which an object is seen less well is kept, and a flicker is not. A clip with fewer
    samples than `min_samples` is judged by the score alone.
    """
    kept: list[list[Detection]] = [[] for _ in samples]
    for track in follow(samples):
        mean = sum(detection.score for _, detection in track) / len(track)
        if mean >= min_score and len(track) >= min(min_samples, len(samples)):
            for index, detection in track:
                kept[index].append(detection)
    return [sorted(found, key=lambda detection: -detection.score) for found in kept]


def spans(times: np.ndarray, clip: ClipView) -> list[tuple[float, float]]:
    """When each sample begins and ends: with the next one, or the clip."""
    edges = [round(float(time), 6) for time in (*times, max(clip.duration_s, *times[-1:]))]
    return list(pairwise(edges))


def rounded(box: np.ndarray) -> list[float]:
    """A box as it is written to segments."""
    return [round(float(value), 4) for value in box]
