"""Text on screen: what it says, where, and from when until when.

Reading costs tens of milliseconds per line and finding lines about a hundred per frame, so neither is done
twice for the same picture: a frame in which nothing changed is not searched, and a line whose strokes have
not moved is not read again, even while the picture behind it moves.

Small letters are looked for only in the first of every twenty searched frames. It cannot read handwriting,
letters of less than a hundredth of the frame's longer side, or text that is on screen for one sample and not
quite sharp.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import numpy as np

from clipbench.analyzers.base import (
    Chunk,
    ChunkedAnalyzer,
    ClipFacts,
    FrameSettings,
    Segment,
    Settings,
    setting,
)
from clipbench.analyzers.features.text.ocr import LineReader, PpOcr, Reading
from clipbench.analyzers.features.text.strokes import agreement, change, strokes, thumbnail
from clipbench.analyzers.features.vision.boxes import rounded


@dataclass
class TextOverlaySettings(FrameSettings):
    """Settings of text_overlay."""

    fps: float = setting(2.0, "frames read per second of clip", low=0.01, high=60)
    # Measured with PP-OCR on captions in 3840 x 2160 whose font has 36 to 96 pixels: errors are the same at
    # 1280 as in full frames, and more at 960. Smaller print is lost before, at `detection_size`.
    size: int = setting(
        1280, "longer side of the frames in pixels at most, 0 for as stored: no better", low=0, high=8192
    )
    detector: str = setting("ppocr-v6-det", "model card of the network that finds lines")
    recognizer: str = setting("ppocr-v6-rec", "model card of the network that reads lines")
    detection_size: int = setting(640, "longer side in pixels for finding lines", low=64, high=4096)
    # Of phrases on a photograph in 1280 x 720, whose font has 18 pixels, all were read at 736, and those
    # at an angle at 640 too; of 14 pixels all at 960, of 12 most. 960 takes 2.5 times as long as 640.
    small_size: int = setting(960, "the same where small letters are looked for", low=64, high=4096)
    small_every: int = setting(20, "of so many searched frames, one is for small letters", low=1, high=1000)
    box_threshold: float = setting(0.5, "mean text probability a line's box must have", low=0, high=1)
    batch: int = setting(6, "lines read at once", low=1, high=256)
    # Of 43 readings of texts on textures (13 to 30 pixels, upright and at an angle, noise), the least sure
    # right one had 0.88; what was read in photographs without text had up to 0.84.
    min_confidence: float = setting(0.85, "readings below this are dropped", low=0, high=1)
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
    """A line of text while it is on screen: its best reading, and box and strokes when it was last read.

    `first` and `last` are samples of the clip, the box is in pixels.
    """

    reading: Reading
    box: np.ndarray
    strokes: np.ndarray
    first: int
    last: int
    samples: int = 1
    tries: int = 1
    stood: bool = False


class EndedLine(NamedTuple):
    """What is told of a line: first and last sample, reading, and box in fractions of the frame."""

    first: int
    last: int
    reading: Reading
    box: np.ndarray


class LinesFound(NamedTuple):
    """What a chunk has: its samples' times [T], and the lines that ended in it and are worth telling."""

    times_s: np.ndarray
    ended: list[EndedLine]


@dataclass
class TextState:
    """What is known after some samples: how many, and how many were searched, the lines that may go on.

    `searched` is the `thumbnail` of the sample that was searched last, and `shape` the frames' height and
    width. The strokes of a line that is as long as the frame is wide have about 100 kB.
    """

    samples: int = 0
    searches: int = 0
    lines: list[Line] = field(default_factory=list)
    searched: np.ndarray | None = None
    shape: tuple[int, int] = (0, 0)


class TextOverlay(ChunkedAnalyzer[TextState, LinesFound]):
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
            small_size=options.small_size,
            box_threshold=options.box_threshold,
            batch=options.batch,
        )

    def unload(self) -> None:
        self._reader = None

    def begin(self, clip: ClipFacts) -> TextState:
        return TextState()

    def feed(self, chunk: Chunk, state: TextState) -> tuple[LinesFound, TextState]:
        times, images = chunk.frames(self.settings.fps, self.settings.size)
        state.shape = (images.shape[1], images.shape[2])
        ended: list[Line] = []
        for image in images:
            sample, look = state.samples, thumbnail(image)
            if state.searched is None or change(state.searched, look) >= self.settings.frame_change:
                state.searched = look
                small = state.searches % self.settings.small_every == 0
                state.searches += 1
                self._follow(state.lines, sample, image, small)
            else:
                for line in state.lines:
                    if line.last == sample - 1:
                        line.last, line.samples, line.stood = sample, line.samples + 1, True
            state.samples += 1
            # A line may be missed in one sample.
            ended += [line for line in state.lines if line.last < sample - 1]
            state.lines = [line for line in state.lines if line.last >= sample - 1]
        return LinesFound(times.copy(), self._told(ended, state.shape)), state

    def finish(
        self,
        clip: ClipFacts,
        found: Sequence[LinesFound],
        state: TextState,
        upstream: Mapping[str, list[Segment]],
    ) -> list[Segment]:
        times = np.concatenate([one.times_s for one in found])
        until = [*times[1:], clip.duration_s]
        lines = [line for one in found for line in one.ended] + self._told(state.lines, state.shape)
        return [
            Segment(
                round(float(times[line.first]), 3),
                round(float(until[line.last]), 3),
                line.reading.text,
                round(line.reading.confidence, 3),
                {"box": rounded(line.box)},
            )
            for line in sorted(lines, key=lambda line: (line.first, line.box[1], line.box[0]))
        ]

    def _told(self, lines: list[Line], shape: tuple[int, int]) -> list[EndedLine]:
        """The lines that are worth telling, in frames of that height and width."""
        height, width = shape
        return [
            EndedLine(line.first, line.last, line.reading, line.box / [width, height, width, height])
            for line in lines
            if self._worth_telling(line, width, height)
        ]

    def _follow(self, lines: list[Line], sample: int, image: np.ndarray, small: bool) -> None:
        """Continue the live lines in this sample, and add the new ones, the `small` ones too if asked to."""
        assert self._reader is not None
        options = self.settings
        live = list(lines)
        settled = []
        for line in live:
            if agreement(line.strokes, strokes(image, line.box)) >= options.same_strokes:
                line.last, line.samples, line.stood = sample, line.samples + 1, True
                if line.reading.confidence >= options.retry_confidence or line.tries >= 3:
                    settled.append(line.box)
        quads = [
            quad
            for quad in self._reader.find(image, small)
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
