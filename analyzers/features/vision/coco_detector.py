"""Objects of COCO's 80 classes in sampled frames: found once per worker, whichever analyzer asks first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

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
        """The objects in each of the clip's or chunk's frames at the settings' rate, best first.

        They include those that `consistent` drops. The lists are shared: do not change them.
        """
        s = self.settings
        key = ("detections", s.detector, s.detector_side, s.fps, s.size)
        return clip.memo(key, lambda: self._find(clip))

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


@dataclass
class Track:
    """An object that is followed from sample to sample: where it was last, and how surely it was seen."""

    number: int
    last: Detection
    samples: int = 1
    total_score: float = field(init=False)

    def __post_init__(self) -> None:
        self.total_score = self.last.score

    def extend(self, detection: Detection) -> None:
        """Add what is seen in the next sample."""
        self.last, self.samples = detection, self.samples + 1
        self.total_score += detection.score

    def is_steady(self, min_score: float, min_samples: int) -> bool:
        """Whether it was seen in `min_samples` with a mean score of `min_score`."""
        return self.total_score / self.samples >= min_score and self.samples >= min_samples


@dataclass
class Tracks:
    """The tracks that may still go on, in order of their start; sample after sample is added to them."""

    open: list[Track] = field(default_factory=list)
    started: int = 0
    samples: int = 0

    def add(self, found: Sequence[Detection]) -> list[Track]:
        """The track of each detection of the next sample; tracks without a detection in it end."""
        before, tracks = list(self.open), []
        self.samples += 1
        for detection in found:
            overlaps = [
                iou(track.last.box, detection.box) if track.last.label == detection.label else 0.0
                for track in before
            ]
            if overlaps and max(overlaps) >= FOLLOW:
                track = before.pop(overlaps.index(max(overlaps)))
                track.extend(detection)
            else:
                track = Track(self.started, detection)
                self.started += 1
            tracks.append(track)
        self.open = sorted(tracks, key=lambda track: track.number)
        return tracks


def consistent(
    samples: Sequence[Sequence[Detection]], min_score: float, min_samples: int
) -> list[list[Detection]]:
    """The detections of objects that are followed over `min_samples` with a mean score of `min_score`.

    So a frame in which an object is seen less clearly is kept, and a flicker is not. If a clip has fewer
    samples than `min_samples`, only the score counts.
    """
    tracks, least = Tracks(), min(min_samples, len(samples))
    tracked = [list(zip(tracks.add(found), found, strict=True)) for found in samples]
    return [
        [detection for track, detection in best_first(of_sample) if track.is_steady(min_score, least)]
        for of_sample in tracked
    ]


def best_first(tracked: Sequence[tuple[Track, Detection]]) -> list[tuple[Track, Detection]]:
    """The detections of a sample in the order of their scores."""
    return sorted(tracked, key=lambda one: (-one[1].score, one[0].number))
