"""Objects of COCO's 80 classes in sampled frames: found once per worker, whichever analyzer asks first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clipbench.analyzers.base import ClipView, FrameSettings, setting
from clipbench.analyzers.features.onnx_networks import open_network
from clipbench.analyzers.features.vision import nanodet
from clipbench.analyzers.features.vision.boxes import iou
from clipbench.analyzers.features.vision.nanodet import Detection

#: An object is followed from sample to sample if its boxes overlap by at least this.
FOLLOW = 0.3


@dataclass
class DetectorSettings(FrameSettings):
    """Settings of an analyzer that reads detections; analyzers share them if all but the scores are equal.

    The defaults were chosen on forty portrait shots of five photographs, in which the object has a fifth to
    five quarters of the frame's size. Recall and precision at IoU 0.5, by `detector_side`: 0.97 and 0.90 at
    320, 0.94 and 0.92 at 352, 0.93 and 0.86 at 416 (the size of its training), 0.91 and 0.82 at 480: in
    larger pictures it sees less of a near object. Objects of a tenth of the frame's size are mostly missed:
    recall 0.17, 0.18 and 0.24 at the first three.
    """

    fps: float = setting(3.0, "frames read per second of clip", low=0.01, high=240)
    detector: str = setting("nanodet", "model card of the network that finds objects")
    detector_side: int = setting(352, "longer side of the detector's pictures in pixels", low=32, high=2048)
    detector_batch: int = setting(4, "frames per call of the detector", low=1, high=1024)
    min_score: float = setting(
        0.35, "objects with a lower mean score are dropped", low=nanodet.MIN_SCORE, high=1
    )
    min_samples: int = setting(2, "objects seen in fewer neighbouring samples are dropped", low=1, high=100)


class CocoDetector:
    """The detection network; raises weights.ModelError if it cannot be loaded."""

    def __init__(self, settings: DetectorSettings) -> None:
        self.settings = settings
        self._network = open_network(settings.detector)

    def find(self, clip: ClipView) -> list[list[Detection]]:
        """The objects in each of the clip's frames at the settings' rate, best first.

        `consistent` drops those below the settings' `min_score` and `min_samples`.
        """
        s = self.settings
        key = ("detections", s.detector, s.detector_side, s.fps, s.size)
        return consistent(clip.memo(key, lambda: self._find(clip)), s.min_score, s.min_samples)

    def close(self) -> None:
        self._network.close()

    def _find(self, clip: ClipView) -> list[list[Detection]]:
        s = self.settings
        images = clip.frames(s.fps, s.size).images
        found = []
        for start in range(0, len(images), s.detector_batch):
            batch = images[start : start + s.detector_batch]
            pictures = np.stack([nanodet.fit(image, s.detector_side) for image in batch])
            maps = self._network(pictures)
            found += [nanodet.decode([values[i] for values in maps]) for i in range(len(pictures))]
        return found


def follow(samples: list[list[Detection]]) -> list[list[tuple[int, Detection]]]:
    """The same object from one sample to the next, as lists of (sample index, detection)."""
    tracks: list[list[tuple[int, Detection]]] = []
    for index, found in enumerate(samples):
        open_tracks = [track for track in tracks if track[-1][0] == index - 1]
        for detection in found:
            overlaps = [
                iou(track[-1][1].box, detection.box) if track[-1][1].label == detection.label else 0.0
                for track in open_tracks
            ]
            if overlaps and max(overlaps) >= FOLLOW:
                open_tracks.pop(overlaps.index(max(overlaps))).append((index, detection))
            else:
                tracks.append([(index, detection)])
    return tracks


def consistent(samples: list[list[Detection]], min_score: float, min_samples: int) -> list[list[Detection]]:
    """The detections of objects that are followed over `min_samples` with a mean score of `min_score`.

    So a frame in which an object is seen less clearly is kept, and a flicker is not. If a clip has fewer
    samples than `min_samples`, only the score counts.
    """
    kept: list[list[Detection]] = [[] for _ in samples]
    for track in follow(samples):
        mean = sum(detection.score for _, detection in track) / len(track)
        if mean >= min_score and len(track) >= min(min_samples, len(samples)):
            for index, detection in track:
                kept[index].append(detection)
    return [sorted(found, key=lambda detection: -detection.score) for found in kept]
