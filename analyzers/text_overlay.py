"""Text on screen: what it says, where, and from when until when.

Reading costs tens of milliseconds per line and finding lines about a hundred per frame, so neither is done
twice for the same picture: a frame in which nothing changed is not searched, and a line whose strokes have
not moved is not read again, even while the picture behind it moves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from clipbench.analyzers.base import Analyzer, ClipView, FrameSettings, Segment, Settings, setting
from clipbench.analyzers.features.text.ocr import LineReader, PpOcr, Reading
from clipbench.analyzers.features.vision.boxes import rounded

#: Lines are compared at this height in pixels, in square cells, so that one changed letter counts.
PRINT_HEIGHT = 32


@dataclass
class TextOverlaySettings(FrameSettings):
    """Settings of text_overlay."""

    fps: float = setting(2.0, "frames read per second of clip", low=0.01, high=60)
    size: int = setting(0, "longer side of the frames in pixels, 0 for as stored", low=0, high=8192)
    detector: str = setting("ppocr-v6-det", "model card of the network that finds lines")
    recognizer: str = setting("ppocr-v6-rec", "model card of the network that reads lines")
    detection_size: int = setting(640, "longer side in pixels for finding lines", low=64, high=4096)
    box_threshold: float = setting(0.5, "mean text probability a line's box must have", low=0, high=1)
    batch: int = setting(6, "lines read at once", low=1, high=256)
    min_confidence: float = setting(0.6, "readings below this are dropped", low=0, high=1)
    brief_confidence: float = setting(0.9, "the same, for text in a single sample", low=0, high=1)
    retry_confidence: float = setting(0.9, "a reading below this is tried twice more", low=0, high=1)
    min_letters: int = setting(2, "letters and digits that a text must have", low=1, high=100)
    same_text: float = setting(0.75, "similarity from which an unsure reading is a known text", low=0, high=1)
    same_strokes: float = setting(
        0.5, "agreement of strokes from which a line is not read again", low=-1, high=1
    )
    frame_change: float = setting(
        4.0, "grey levels of change from which a frame is searched", low=0, high=255
    )


@dataclass
class Line:
    """A line of text while it is on screen: its best reading, and box and strokes when it was last read."""

    reading: Reading
    box: np.ndarray
    strokes: np.ndarray
    first: int
    last: int
    samples: int = 1
    tries: int = 1
    stood: bool = False


class TextOverlay(Analyzer):
    """Lines of text, each from the sample in which it appears until the one in which it is gone."""

    name = "text_overlay"
    settings: TextOverlaySettings
    settings_type: ClassVar[type[Settings]] = TextOverlaySettings
    _reader: LineReader | None = None

    def models(self) -> tuple[str, ...]:
        return (self.settings.detector, self.settings.recognizer)

    def load(self, device: str = "cpu") -> None:
        options = self.settings
        self._reader = PpOcr(
            options.detector,
            options.recognizer,
            detection_size=options.detection_size,
            box_threshold=options.box_threshold,
            batch=options.batch,
        )

    def unload(self) -> None:
        self._reader = None

    def analyze(self, clip: ClipView, upstream: Mapping[str, list[Segment]]) -> list[Segment]:
        frames = clip.frames(self.settings.fps, self.settings.size)
        lines: list[Line] = []
        searched: np.ndarray | None = None
        for sample, image in enumerate(frames.images):
            look = thumbnail(image)
            if searched is not None and change(searched, look) < self.settings.frame_change:
                for line in lines:
                    if line.last == sample - 1:
                        line.last, line.samples, line.stood = sample, line.samples + 1, True
                continue
            searched = look
            self._follow(lines, sample, image)
        until = [*frames.times_s[1:], clip.duration_s]
        height, width = frames.images.shape[1:3]
        return [
            Segment(
                round(float(frames.times_s[line.first]), 3),
                round(float(until[line.last]), 3),
                line.reading.text,
                round(line.reading.confidence, 3),
                {"box": rounded(line.box / [width, height, width, height])},
            )
            for line in sorted(lines, key=lambda line: (line.first, line.box[1], line.box[0]))
            if self._worth_telling(line, width, height)
        ]

    def _follow(self, lines: list[Line], sample: int, image: np.ndarray) -> None:
        """Continue the live lines in this sample, and add the new ones."""
        assert self._reader is not None
        options = self.settings
        live = [line for line in lines if line.last >= sample - 2]
        settled = []
        for line in live:
            if agreement(line.strokes, strokes(image, line.box)) >= options.same_strokes:
                line.last, line.samples, line.stood = sample, line.samples + 1, True
                if line.reading.confidence >= options.retry_confidence or line.tries >= 3:
                    settled.append(line.box)
        quads = [
            quad
            for quad in self._reader.find(image)
            if not any(overlap(bounds(quad), box) > 0.75 for box in settled)
        ]
        for quad, reading in zip(quads, self._reader.read(image, quads), strict=True):
            if not reading.text:
                continue
            box = bounds(quad)
            known = next((line for line in live if self._repeats(line, reading, box, sample)), None)
            if known is None:
                lines.append(Line(reading, box, strokes(image, box), sample, sample))
                continue
            known.samples += known.last != sample
            known.last, known.tries = sample, known.tries + 1
            known.box, known.strokes = box, strokes(image, box)
            before = known.reading
            grown = len(reading.text) > len(before.text) and reading.text.startswith(before.text)
            if grown or reading.confidence > before.confidence:
                known.reading = reading

    def _repeats(self, line: Line, reading: Reading, box: np.ndarray, sample: int) -> bool:
        """Whether `reading` is another one of a known line.

        Two confident readings that differ in one letter are two texts ("Part 1", "Part 2"); an unsure one
        (fading in, half covered) counts as the similar text in its place. A line that is being typed only
        grows; one that scrolls keeps its words but not its place.
        """
        from rapidfuzz.fuzz import ratio

        old, new = line.reading, reading
        if overlap(line.box, box) <= 0.1:
            return line.last < sample and old.text == new.text
        if old.text.casefold() == new.text.casefold() or new.text.startswith(old.text):
            return True
        unsure = min(old.confidence, new.confidence) < self.settings.retry_confidence
        return unsure and ratio(old.text, new.text) / 100 >= self.settings.same_text

    def _worth_telling(self, line: Line, width: int, height: int) -> bool:
        """Whether a line is sure enough, and not a part of the scene that crosses the frame's edge.

        An overlay stays in the frame, or moves within it; a sign or name plate that moves with the picture
        and is cut off by the edge was only partly read.
        """
        options, text = self.settings, line.reading.text
        needed = options.min_confidence if line.samples > 1 else options.brief_confidence
        letters = sum(map(str.isalnum, text))
        cut_off = (line.box[:2] <= 1).any() or (line.box[2:] >= np.array([width, height]) - 2).any()
        sure = line.reading.confidence >= needed and letters >= options.min_letters
        return bool(sure and (line.stood or not cut_off))


def bounds(quad: np.ndarray) -> np.ndarray:
    """The upright box [x1, y1, x2, y2] around corners [4, 2]."""
    return np.concatenate([quad.min(0), quad.max(0)])


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two boxes."""
    sides = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None)
    both = sides.prod()
    return float(both / max((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - both, 1e-9))


def thumbnail(image: np.ndarray) -> np.ndarray:
    """`image` in grey with its longer side at 320 pixels, for detecting changes."""
    import cv2

    height, width = image.shape[:2]
    scale = 320 / max(height, width)
    shape = (max(8, round(width * scale)), max(8, round(height * scale)))
    return cv2.cvtColor(cv2.resize(image, shape, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)


def change(a: np.ndarray, b: np.ndarray) -> float:
    """The mean change in grey levels of the area of 8 by 8 pixels that changed most."""
    import cv2

    return float(cv2.blur(cv2.absdiff(a, b), (8, 8)).max())


def strokes(image: np.ndarray, box: np.ndarray) -> np.ndarray:
    """The grey-level gradients [PRINT_HEIGHT, W, 2] in `box` of `image`, scaled to a fixed height."""
    import cv2

    height, width = image.shape[:2]
    x1, y1 = np.clip(np.floor(box[:2]), 0, [width - 1, height - 1]).astype(int)
    x2, y2 = np.maximum(np.ceil(box[2:]).astype(int), [x1 + 1, y1 + 1])
    grey = cv2.cvtColor(image[y1:y2, x1:x2], cv2.COLOR_RGB2GRAY).astype(np.float32)
    shape = (max(4, round(PRINT_HEIGHT * grey.shape[1] / grey.shape[0])), PRINT_HEIGHT)
    crop = cv2.resize(grey, shape, interpolation=cv2.INTER_AREA)
    return np.dstack([cv2.Sobel(crop, cv2.CV_32F, 1, 0), cv2.Sobel(crop, cv2.CV_32F, 0, 1)])


def agreement(a: np.ndarray, b: np.ndarray) -> float:
    """How well two sets of gradients show the same strokes: -1..1, of the cell that agrees least.

    Letters have the strongest edges in a line's box, so only edges at least half as strong as the box's
    strong ones count: what moves behind the letters is mostly fainter. Cells without such edges (spaces) do
    not count.
    """
    power_a, power_b = (a**2).sum(2), (b**2).sum(2)
    strong = np.quantile(power_a, 0.95) / 4
    counts = (power_a >= strong) | (power_b >= strong)
    same = (2 * (a * b).sum(2) * counts).sum(0)
    total = ((power_a + power_b) * counts).sum(0)
    starts = np.arange(0, max(1, a.shape[1] - PRINT_HEIGHT // 2), PRINT_HEIGHT)
    same, total = np.add.reduceat(same, starts), np.add.reduceat(total, starts)
    heard = total > 0.2 * total.max()
    return float((same[heard] / total[heard]).min()) if heard.any() and total.max() > 0 else 0.0
