"""Objects of COCO's 80 classes in sampled frames: found once per worker, whichever analyzer asks first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from clipbench.analyzers.base import ClipView, FrameSettings, setting
from clipbench.analyzers.features.onnx_networks import open_network
from clipbench.analyzers.features.vision import nanodet, second_look
from clipbench.analyzers.features.vision.nanodet import Detection
from clipbench.analyzers.features.vision.tracks import Rule


@dataclass
class DetectorSettings(FrameSettings):
    """Settings of an analyzer that reads detections; analyzers share them if all but the scores are equal.

    The defaults were chosen on forty portrait shots of five photographs, in which the object has a fifth to
    five quarters of the frame's size. Recall and precision at IoU 0.5, by `detector_side`: 0.97 and 0.90 at
    320, 0.94 and 0.92 at 352, 0.93 and 0.86 at 416 (the size of its training), 0.91 and 0.82 at 480: in
    larger pictures it sees less of a near object. Objects of a tenth of the frame's size are mostly missed:
    recall 0.17, 0.18 and 0.24 at the first three; for people there is a second look, see second_look.py.

    `sure_score` was chosen on 400 frames with up to three people of 15 to 100 % of the frame's height before
    plain and photographed backgrounds, with noise and compression up to crf 40: of the boxes of people of 0.5
    and more, 315 were right and 7 wrong, of those between 0.35 and 0.5 there were 99 and 17. Nothing else was
    seen with more than 0.45 in plain backgrounds.
    """

    fps: float = setting(3.0, "frames read per second of clip", low=0.01, high=240)
    detector: str = setting("nanodet", "model card of the network that finds objects")
    detector_side: int = setting(352, "longer side of the detector's pictures in pixels", low=32, high=2048)
    detector_batch: int = setting(4, "frames per call of the detector", low=1, high=1024)
    min_score: float = setting(
        0.35, "objects with a lower mean score are dropped", low=nanodet.MIN_SCORE, high=1
    )
    min_samples: int = setting(
        2, "objects seen in fewer samples are dropped, unless they are sure", low=1, high=100
    )
    sure_score: float = setting(
        0.5, "objects with this score need no second sample", low=nanodet.MIN_SCORE, high=1
    )

    @property
    def rule(self) -> Rule:
        """Which detections count."""
        return Rule(self.min_score, self.min_samples, self.sure_score)


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
            firsts = [nanodet.decode([values[i] for values in maps]) for i in range(len(pictures))]
            found += self._look_again(batch, firsts)
        return found

    def _look_again(self, images: np.ndarray, firsts: list[list[Detection]]) -> list[list[Detection]]:
        """What is seen in frames after a second look at small parts of them."""
        height, width = images.shape[1:3]
        parts = [second_look.squares(found, width, height) for found in firsts]
        pictures = [
            second_look.enlarged(image, part)
            for image, of_frame in zip(images, parts, strict=True)
            for part in of_frame
        ]
        answers: Iterator[list[np.ndarray]] = iter(())
        if pictures:
            maps = self._network(np.stack(pictures), batch=self.settings.detector_batch)
            answers = iter([[values[i] for values in maps] for i in range(len(pictures))])
        return [
            second_look.seen_again(found, [(part, next(answers)) for part in of_frame], width, height)
            for found, of_frame in zip(firsts, parts, strict=True)
        ]
