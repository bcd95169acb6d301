"""A sentence about what every second shows: the embedded stand-in for Qwen2-VL.

No package has a small vision-language model. This analyzer describes with a fixed grammar: what the detector
found, what an ImageNet classifier recognises, how the camera moves, and which text is on screen.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from clipbench.analyzers.base import Chunk, ChunkedAnalyzer, ClipFacts, FrameSettings, Segment, setting
from clipbench.analyzers.features.samples import Samples, joined
from clipbench.analyzers.features.text.english import counted, listed, sentence
from clipbench.analyzers.features.text.lexicon import thing_of
from clipbench.analyzers.features.time_spans import covered_s, overlapping_each
from clipbench.analyzers.features.vision.imagenet import Classifier, Guess, best_guess

MOTIONS = {
    "static": "the camera is still",
    "pan_left": "the camera pans left",
    "pan_right": "the camera pans right",
    "tilt_up": "the camera tilts up",
    "tilt_down": "the camera tilts down",
    "zoom_in": "the camera zooms in",
    "zoom_out": "the camera zooms out",
    "roll": "the camera rolls",
    "shake": "the camera shakes",
}


@dataclass
class Qwen2VLTemporalSettings(FrameSettings):
    """Settings of qwen2_vl_temporal."""

    fps: float = setting(2.0, "frames classified per second of clip", low=0.01, high=240)
    size: int = setting(640, "longer side of the frames in pixels, 0 for as stored", low=0, high=8192)
    model: str = setting("efficientnet-lite0", "model card of the classifier")
    batch: int = setting(8, "frames per run of the classifier", low=1, high=256)
    min_class: float = setting(0.4, "probability from which a class is named", low=0, high=1)
    min_class_beside: float = setting(0.6, "the same, beside detected objects", low=0, high=1)
    min_object: float = setting(0.5, "confidence from which a detection is named", low=0, high=1)
    max_subjects: int = setting(4, "kinds of things named in a sentence", low=1, high=80)


class Qwen2VLTemporal(ChunkedAnalyzer[None, Samples[Guess]]):
    """A sentence per second, composed from a classifier and other analyzers' results."""

    name = "qwen2_vl_temporal"
    upstream = ("object_detection", "camera_analysis", "text_overlay")
    stand_in = (
        "no package has a small vision-language model: the sentences are composed from an ImageNet "
        "classifier, object_detection, camera_analysis and text_overlay"
    )
    settings: Qwen2VLTemporalSettings
    settings_type = Qwen2VLTemporalSettings
    _classifier: Classifier | None = None

    def load(self, device: str = "cpu") -> None:
        self._classifier = Classifier(self.settings.model, self.settings.batch)

    def unload(self) -> None:
        if self._classifier is not None:
            self._classifier.close()
            self._classifier = None

    def begin(self, clip: ClipFacts) -> None:
        return None

    def feed(self, chunk: Chunk, state: None) -> tuple[Samples[Guess], None]:
        assert self._classifier is not None
        frames = chunk.frames(self.settings.fps, self.settings.size)
        if not len(frames.times_s):
            return Samples(frames.times_s.copy(), []), None
        probabilities = self._classifier(chunk, frames).probabilities
        return Samples(frames.times_s.copy(), [best_guess(one) for one in probabilities]), None

    def finish(
        self,
        clip: ClipFacts,
        found: Sequence[Samples[Guess]],
        state: None,
        upstream: Mapping[str, list[Segment]],
    ) -> list[Segment]:
        times, guesses = joined(found)
        seconds = max(1, math.ceil(clip.duration_s - 1e-3))
        spans = [(float(second), round(min(second + 1.0, clip.duration_s), 3)) for second in range(seconds)]
        each = {name: overlapping_each(segments, spans) for name, segments in upstream.items()}
        return [
            self._describe(
                *span, guesses[_within(times, second)], {name: next(now) for name, now in each.items()}
            )
            for second, span in enumerate(spans)
        ]

    def _describe(
        self, start_s: float, end_s: float, guesses: list[Guess], upstream: Mapping[str, list[Segment]]
    ) -> Segment:
        detections = during(upstream.get("object_detection"), start_s, end_s)
        objects = objects_in(detections, start_s, end_s, self.settings.min_object)
        subjects = dict(list(objects.items())[: self.settings.max_subjects])
        guess = max(guesses, key=lambda guess: guess.probability)
        # Beside people the classifier mostly names clothes and tools, and is less reliable.
        least = self.settings.min_class_beside if subjects else self.settings.min_class
        if guess.probability >= least and thing_of(guess.kind) not in map(thing_of, subjects):
            subjects[guess.kind] = 1

        moves = during(upstream.get("camera_analysis"), start_s, end_s)
        motion = max(moves, key=lambda move: covered_s([move], start_s, end_s)).label if moves else None
        texts = [text.label for text in during(upstream.get("text_overlay"), start_s, end_s)]
        texts = list(dict.fromkeys(texts))

        shown = listed([counted(name, count) for name, count in subjects.items()])
        written = listed([f"“{text}”" for text in texts])
        label = sentence(
            shown or "nothing is recognised",
            MOTIONS.get(motion or "", ""),
            f"the text reads {written}" if written else "",
        )
        data = {
            "subjects": list(subjects),
            "scene": guess.name if guess.probability >= self.settings.min_class else None,
            "motion": motion,
            "text": texts,
        }
        return Segment(start_s, end_s, label, None, data)


def _within(times_s: np.ndarray, second: int) -> slice:
    """The frames in `[second, second + 1)`, or the last one before it."""
    first, end = np.searchsorted(times_s, [second - 1e-6, second + 1 - 1e-6])
    return slice(max(0, int(first) - 1), max(1, int(first))) if first == end else slice(int(first), int(end))


def during(segments: list[Segment] | None, start_s: float, end_s: float) -> list[Segment]:
    """The `segments` (None: there are no results) that cover at least a tenth of the time."""
    least = 0.1 * (end_s - start_s)
    return [segment for segment in segments or () if covered_s([segment], start_s, end_s) >= least]


def objects_in(
    detections: list[Segment], start_s: float, end_s: float, min_confidence: float
) -> dict[str, int]:
    """How many objects of each class are seen at once (the median of its samples), the surest class first.

    A class must cover 0.4 of the time: one that flickers is a mistake of the detector.
    """
    seen: dict[str, list[Segment]] = {}
    for detection in detections:
        if detection.confidence is None or detection.confidence >= min_confidence:
            seen.setdefault(detection.label, []).append(detection)
    counts = {}
    for label, found in sorted(seen.items(), key=lambda item: -sum(d.confidence or 1.0 for d in item[1])):
        if covered_s(found, start_s, end_s) >= 0.4 * (end_s - start_s):
            counts[label] = math.ceil(median(Counter(d.start_s for d in found).values()))
    return counts
