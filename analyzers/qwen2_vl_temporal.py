"""A sentence about what every second shows: the embedded stand-in for Qwen2-VL.

No package has a small vision-language model. This analyzer describes with a fixed grammar: what the detector
is sure of, what an ImageNet classifier recognises, how the camera moves, and which text is on screen. No
sentence is about two shots: where there is a cut, one ends and the next begins.

It cannot tell what anybody does, how things are related, or where it is. It knows COCO's 80 classes and the
nouns in features/vision/everyday.py, and has no word for anything else. Where cut_analysis has no result, a
sentence may span a cut.
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
from clipbench.analyzers.features.time_spans import by_time, covered_s, pieces
from clipbench.analyzers.features.vision.imagenet import Classifier, nouns_of

#: A sentence's usual length in seconds, and what is too short for one of its own.
STEP_S, LEAST_S = 1.0, 0.3
#: Detections that are named from a lower confidence, because they are rarely mistaken (see `min_object`).
DISTINCT = frozenset({"person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat"})
#: COCO's classes of clothes, which are no subject beside somebody who wears them.
WORN = frozenset({"tie"})
#: The share of a sentence's time for which a thing is seen that is not just a flicker.
LASTING = 0.4
#: Seconds for which a text may be told that is no longer there.
LATE_TEXT_S = 0.5
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
    # Of 38 pictures (photographs, textures, text, plain colours), 26 show nothing that has a noun: the surest
    # had 0.33 at most, but for a dog at 0.66 in a black silhouette of a horse. Of the other 12, 8 had 0.59 to
    # 0.95.
    min_class: float = setting(0.4, "probability from which a noun is named", low=0, high=1)
    min_class_beside: float = setting(0.6, "the same, beside detected objects", low=0, high=1)
    # On the same 38 in four sizes with noise, from 0.5 on 36 names were right and 11 wrong; from 0.4 on 32
    # were wrong, but of these only two were people or vehicles.
    min_object: float = setting(
        0.5, "confidence that the surest detection of a class must have, to name it", low=0, high=1
    )
    min_distinct: float = setting(0.4, "the same, for people and vehicles", low=0, high=1)
    min_motion: float = setting(0.5, "confidence from which a motion of the camera is stated", low=0, high=1)
    max_subjects: int = setting(4, "kinds of things named in a sentence", low=1, high=80)


#: The nouns of a frame, with their probabilities.
Nouns = dict[str, float]


class Qwen2VLTemporal(ChunkedAnalyzer[None, Samples[Nouns]]):
    """A sentence per second of each shot, composed from a classifier and other analyzers' results."""

    name = "qwen2_vl_temporal"
    upstream = ("object_detection", "camera_analysis", "text_overlay", "cut_analysis")
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

    def feed(self, chunk: Chunk, state: None) -> tuple[Samples[Nouns], None]:
        assert self._classifier is not None
        frames = chunk.frames(self.settings.fps, self.settings.size)
        if not len(frames.times_s):
            return Samples(frames.times_s.copy(), []), None
        probabilities = self._classifier(chunk, frames).probabilities
        return Samples(frames.times_s.copy(), [nouns_of(one) for one in probabilities]), None

    def finish(
        self,
        clip: ClipFacts,
        found: Sequence[Samples[Nouns]],
        state: None,
        upstream: Mapping[str, list[Segment]],
    ) -> list[Segment]:
        times, nouns = joined(found)
        cuts = [
            (s.start_s + s.end_s) / 2
            for s in upstream.get("cut_analysis", ())
            if s.label in ("hard_cut", "fade")
        ]
        spans = pieces(clip.duration_s, cuts, STEP_S, LEAST_S)
        found_by = {name: by_time(segments) for name, segments in upstream.items()}
        return [
            self._describe(
                *span,
                nouns[_within(times, *span)],
                {name: found.overlapping(*span) for name, found in found_by.items()},
            )
            for span in spans
        ]

    def _describe(
        self, start_s: float, end_s: float, nouns: list[Nouns], upstream: Mapping[str, list[Segment]]
    ) -> Segment:
        detections = upstream.get("object_detection", [])
        objects = objects_in(detections, start_s, end_s, self.settings.min_object, self.settings.min_distinct)
        named = [item for item in objects.items() if "person" not in objects or item[0] not in WORN]
        subjects = dict(named[: self.settings.max_subjects])
        noun, probability = surest(nouns)
        # Beside people the classifier mostly names clothes and tools, and is less reliable.
        least = self.settings.min_class_beside if subjects else self.settings.min_class
        if probability >= least and thing_of(noun) not in map(thing_of, subjects):
            subjects[noun] = 1

        motion = motion_in(upstream.get("camera_analysis", []), start_s, end_s, self.settings.min_motion)
        lasting = [text.label for text in upstream.get("text_overlay", ()) if _lasts(text, start_s, end_s)]
        texts = list(dict.fromkeys(lasting))

        shown = listed([counted(name, count) for name, count in subjects.items()])
        written = listed([f"“{text}”" for text in texts])
        label = sentence(
            shown or "nothing is recognised",
            MOTIONS.get(motion or "", ""),
            f"the text reads {written}" if written else "",
        )
        data = {
            "subjects": list(subjects),
            "scene": noun if probability >= self.settings.min_class else None,
            "motion": motion,
            "text": texts,
        }
        return Segment(round(start_s, 3), round(end_s, 3), label, None, data)


def _within(times_s: np.ndarray, start_s: float, end_s: float) -> slice:
    """The frames in `[start_s, end_s)`: none of another shot."""
    first, end = np.searchsorted(times_s, [start_s - 1e-6, end_s - 1e-6])
    return slice(int(first), int(end))


def surest(frames: Sequence[Nouns]) -> tuple[str, float]:
    """The noun that is most probable in the mean of the frames, of which there may be none."""
    totals: dict[str, float] = {}
    for nouns in frames:
        for noun, probability in nouns.items():
            totals[noun] = totals.get(noun, 0.0) + probability
    best = max(totals, key=lambda noun: totals[noun], default="")
    return best, totals[best] / len(frames) if best else 0.0


def motion_in(moves: Sequence[Segment], start_s: float, end_s: float, least: float) -> str | None:
    """The motion of the camera for most of the time; None if it is not known with confidence `least`."""
    if not moves:
        return None
    longest = max(moves, key=lambda move: covered_s([move], start_s, end_s))
    sure = longest.confidence is None or longest.confidence >= least
    return longest.label if sure else None


def _lasts(text: Segment, start_s: float, end_s: float) -> bool:
    """Whether a text belongs to the time: it is there for long enough, or most of it is there.

    Texts are looked for twice a second, so one that came before may only seem to last for half a second more.
    """
    here_s = covered_s([text], start_s, end_s)
    if text.start_s < start_s and text.end_s < end_s and here_s <= LATE_TEXT_S:
        return False
    return here_s >= min(LASTING * (end_s - start_s), 0.6 * (text.end_s - text.start_s))


def objects_in(
    detections: Sequence[Segment], start_s: float, end_s: float, min_confidence: float, min_distinct: float
) -> dict[str, int]:
    """How many objects of each class are seen at once (the median of its samples), the surest class first.

    Only samples that were taken in the time count: one from before a cut lasts beyond it. Of each class one
    sighting must have `min_confidence`, or `min_distinct` if it is one of `DISTINCT`; then all that the
    detector found count, because of six people in a crowd few are seen clearly. It must be seen for `LASTING`
    of the time: what flickers is a mistake.
    """
    seen: dict[str, list[Segment]] = {}
    begins_s = start_s
    for detection in detections:
        if start_s - 1e-6 <= detection.start_s < end_s - 1e-6:
            seen.setdefault(detection.label, []).append(detection)
    for first in sorted((found[0] for found in seen.values()), key=lambda s: s.start_s)[:1]:
        if first.start_s - start_s < first.end_s - first.start_s:
            begins_s = first.start_s  # it is the first sample of the shot
    counts = {}
    for label, found in sorted(seen.items(), key=lambda item: -sum(d.confidence or 1.0 for d in item[1])):
        least = min_distinct if label in DISTINCT else min_confidence
        sure = any(d.confidence is None or d.confidence >= least for d in found)
        if sure and covered_s(found, start_s, end_s) >= LASTING * (end_s - begins_s):
            counts[label] = math.ceil(median(Counter(d.start_s for d in found).values()))
    return counts
