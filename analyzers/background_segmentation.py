"""People and background: a mask of the people, and the background's colours and blur.

The people are those of object_detection's network, and the masks those of MediaPipe's selfie segmentation,
which looks at them one by one: see analyzers/features/vision/person_masks.py. What the detector takes for
something else is left out where the network mistakes it for a part of somebody. Who counts is known when the
whole clip has been seen; until then each frame leaves what its segment is made from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from clipbench.analyzers.base import Chunk, ChunkedAnalyzer, ClipFacts, Segment, Settings, setting
from clipbench.analyzers.features.onnx_networks import open_network
from clipbench.analyzers.features.time_spans import frame_spans
from clipbench.analyzers.features.vision import beside_people, nanodet, person_masks
from clipbench.analyzers.features.vision.background_measures import detail, lost_detail, main_colors
from clipbench.analyzers.features.vision.coco_detector import CocoDetector, DetectorSettings
from clipbench.analyzers.features.vision.nanodet import Detection
from clipbench.analyzers.features.vision.person_masks import Look
from clipbench.analyzers.features.vision.tracks import counting

#: The longer side of the small pictures that the background's colours are counted in.
COLOR_SIDE = 64


@dataclass
class BackgroundSegmentationSettings(DetectorSettings):
    """Settings of background_segmentation.

    On the photographs of features/vision/beside_people.py, masks had a mean IoU of 0.563, 0.570, 0.575 and
    0.578 with a `mask_side` of 96, 128, 192 and 256; of people below a quarter of the frame's height, 0.323,
    0.339, 0.348 and 0.355. Masks grow with it.
    """

    model: str = setting("selfie", "model card of the network that separates people from background")
    batch: int = setting(4, "people per network call", low=1, high=1024)
    min_probability: float = setting(0.5, "pixels more probable than this are a person", low=0, high=1)
    min_share: float = setting(
        0.1, "of a person's box: someone whose mask fills less of it is none", low=0, high=1
    )
    mask_side: int = setting(192, "longer side of the masks in the segments, in pixels", low=4, high=256)
    colors: int = setting(3, "background colours at most", low=1, high=16)


class SeenLook(NamedTuple):
    """A `Look` as it is kept: `levels` is a PNG file."""

    region: np.ndarray
    persons: tuple[int, ...]
    levels: bytes


class FrameMask(NamedTuple):
    """What is kept of a frame of `shape` (height, width): about 15 kB in PNG files with one person.

    `persons` are all that the detector takes for people, and `looks` what the other network sees around them;
    `picture` is the frame with COLOR_SIDE; `detail` is that of the function `detail`, one
    plane under the other.
    """

    time_s: float
    shape: tuple[int, int]
    persons: list[Detection]
    looks: list[SeenLook]
    picture: bytes
    detail: bytes


class BackgroundSegmentation(ChunkedAnalyzer[None, list[FrameMask]]):
    """A mask of the people per sampled frame.

    It sees nobody whom the detector does not find, and nothing of an arm that reaches beyond a square around
    its body. What somebody holds is mostly in the mask, unless the detector knows it. What is behind may be
    if it is dark and touches the body. In crowds of more than six, people are seen less exactly.
    """

    name = "background_segmentation"
    settings: BackgroundSegmentationSettings
    settings_type: ClassVar[type[Settings]] = BackgroundSegmentationSettings

    def models(self) -> tuple[str, ...]:
        return self.settings.detector, self.settings.model

    def load(self, device: str = "cpu") -> None:
        self._detector = CocoDetector(self.settings)
        self._network = open_network(self.settings.model)

    def begin(self, clip: ClipFacts) -> None:
        return None

    def feed(self, chunk: Chunk, state: None) -> tuple[list[FrameMask], None]:
        times, images = chunk.frames(self.settings.fps, self.settings.size)
        if len(times) == 0:
            return [], None
        persons, looks = self.look(chunk)
        return [
            self._kept(*frame) for frame in zip(times.tolist(), images, persons, looks, strict=True)
        ], None

    def finish(
        self,
        clip: ClipFacts,
        found: Sequence[list[FrameMask]],
        state: None,
        upstream: Mapping[str, list[Segment]],
    ) -> list[Segment]:
        # Gone through twice, so that the frames of a long clip are not all in memory at once.
        seen = [(frame.time_s, frame.persons) for one in found for frame in one]
        times, persons = np.array([time_s for time_s, _ in seen]), [each for _, each in seen]
        counts = counting(times, persons, clip.width / clip.height, self.settings.rule)
        frames = (frame for one in found for frame in one)
        spans = frame_spans(times, clip)
        return [self._segment(*each) for each in zip(spans, frames, counts, strict=True)]

    def headline(self, segments: list[Segment]) -> str:
        shares = [s.data["person_share"] for s in segments if s.label == "person"]
        if not shares:
            return "no person"
        mean = sum(shares) / len(shares)
        return f"person in {len(shares)} of {len(segments)}, covering {mean:.0%}"

    def unload(self) -> None:
        self._detector.close()
        self._network.close()

    def look(self, chunk: Chunk) -> tuple[list[list[Detection]], list[list[Look]]]:
        """Per frame, whom the detector takes for people, and what is around them.

        The chunk has at least one frame.
        """
        images = chunk.frames(self.settings.fps, self.settings.size).images
        found, level = self._detector.find(chunk), self.settings.min_probability
        persons = [[one for one in objects if one.label == "person"] for objects in found]
        parts = []
        for number, (image, people) in enumerate(zip(images, persons, strict=True)):
            boxes = [one.box for one in people]
            for members in person_masks.groups(boxes):
                around = [boxes[member] for member in members]
                region = person_masks.square_around(around, image.shape[1], image.shape[0])
                parts.append((number, region, members))
        looks: list[list[Look]] = [[] for _ in images]
        if parts:
            pictures = np.stack([person_masks.picture(images[number], region) for number, region, _ in parts])
            seen = self._network(pictures, batch=self.settings.batch)[0][..., 0]
            for (number, region, members), picture, probability in zip(parts, pictures, seen, strict=True):
                levels = person_masks.kept(probability)
                if things := beside_people.things(found[number]):
                    boxes = [
                        one.box
                        for member, one in enumerate(persons[number])
                        if member in members or one.score >= self.settings.min_score
                    ]
                    levels = beside_people.without_things(levels, picture, region, boxes, things, level)
                looks[number].append(Look(region, members, levels))
        return persons, looks

    def _kept(
        self, time_s: float, image: np.ndarray, persons: list[Detection], looks: list[Look]
    ) -> FrameMask:
        import cv2

        height, width = image.shape[:2]
        picture = cv2.resize(image, scaled(height, width, COLOR_SIDE), interpolation=cv2.INTER_AREA)
        seen = [SeenLook(look.region, look.persons, packed(look.levels)) for look in looks]
        images = (picture, np.concatenate(detail(image)))
        return FrameMask(time_s, (height, width), persons, seen, *map(packed, images))

    def _segment(self, span: tuple[float, float], frame: FrameMask, counts: list[bool]) -> Segment:
        import cv2

        s = self.settings
        height, width = frame.shape
        probability, certainty = self._people(frame, counts)
        there = probability > s.min_probability
        person = bool(there.any())
        sizes = [scaled(height, width, side) for side in (s.mask_side, COLOR_SIDE)]
        mask, small = (
            cv2.resize(probability, size, interpolation=cv2.INTER_AREA) > s.min_probability for size in sizes
        )
        behind = unpacked(frame.picture)[~small]
        fine, coarse = np.split(unpacked(frame.detail), 2)
        data = {
            "person_share": round(float(there.mean()), 4),
            "mask": {"size": list(mask.shape), "counts": run_lengths(mask)},
            "background_rgb": [color for color, _ in main_colors(behind, s.colors)],
            "background_blur": lost_detail(fine, coarse, there) if person else None,
        }
        return Segment(*span, "person" if person else "no_person", round(certainty, 4), data)

    def _people(self, frame: FrameMask, counts: list[bool]) -> tuple[np.ndarray, float]:
        """The probability of a person per pixel, float32 [H, W], and how certain all of it is, 0 to 1.

        That is the network's mean confidence in its decision about each pixel that it was asked about and,
        without people, what the surest of those who do not count lacks of certainty.
        """
        height, width = frame.shape
        level = self.settings.min_probability
        total, sure = np.zeros((height, width), np.float32), []
        boxes = [one.box for one, counted in zip(frame.persons, counts, strict=True) if counted]
        for region, persons, levels in frame.looks:
            look = Look(region, persons, unpacked(levels))
            if not any(counts[number] for number in persons):
                continue
            seen = person_masks.of_persons(look, boxes, level)
            own = [frame.persons[number].box for number in persons if counts[number]]
            if person_masks.filling(seen > level, region, own) < self.settings.min_share:
                continue
            np.maximum(total, person_masks.pasted(seen, region, width, height), out=total)
            sure.append(float(np.where(seen > level, seen, 1 - seen).mean()))
        if sure:
            return total, float(np.mean(sure))
        return total, 1 - max((one.score for one in frame.persons), default=nanodet.MIN_SCORE)


def scaled(height: int, width: int, side: int) -> tuple[int, int]:
    """Width and height of a frame whose longer side becomes `side`."""
    scale = side / max(height, width)
    return max(1, round(width * scale)), max(1, round(height * scale))


def packed(image: np.ndarray) -> bytes:
    """A uint8 image of one or three channels as a PNG file, which is smaller and loses nothing."""
    import cv2

    return cv2.imencode(".png", image)[1].tobytes()


def unpacked(png: bytes) -> np.ndarray:
    """The image in a PNG file that `packed` made."""
    import cv2

    image = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    assert image is not None
    return image


def run_lengths(mask: np.ndarray) -> list[int]:
    """Run lengths of a boolean mask, row by row, background first (the first run may be 0)."""
    flat = np.concatenate([[False], mask.ravel()])
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    return [int(count) for count in np.diff([0, *changes, mask.size])]
