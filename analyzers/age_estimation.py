"""Age and gender of every face by FaceRes, averaged over the moments at which the face is seen.

The network is HSE-FaceRes (Savchenko 2019, doi:10.7717/peerj-cs.197) as the Human library publishes it: a
MobileNet trained for identities, with one output for gender and a hundred classes for age.

It cannot know anybody's age or gender: it says how old a face looks, and the mean error on the reference
clip is more than eight years. Faces that are small, turned away or covered are not found. Its confidence is
not calibrated.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from statistics import median
from typing import NamedTuple

import numpy as np

from clipbench.analyzers.base import Segment, setting
from clipbench.analyzers.features.faces.face_analyzer import FaceAnalyzer, FaceAnalyzerSettings, SeenFace
from clipbench.analyzers.features.faces.face_finder import Face
from clipbench.analyzers.features.onnx_networks import output_of_shape
from clipbench.analyzers.features.vision.crops import crop

PIXELS = 224
#: Years of the network's age classes. Its peaks are at outputs 29, 59 and 69, counted from 0: round numbers.
AGES = np.arange(1, 101)


@dataclass
class AgeEstimationSettings(FaceAnalyzerSettings):
    """Settings of age_estimation."""

    fps: float = setting(3.0, "frames read per second of clip", low=0.01, high=240)
    model: str = setting("faceres", "model card of the age and gender network")
    margin: float = setting(1.2, "side of the crop, in heights of the face", low=0.5, high=4)
    smooth_s: float = setting(2.0, "seconds over which a person's estimates are averaged", low=0, high=3600)


class Guess(NamedTuple):
    """The expected age in years of one face, and the probability that it is a man's."""

    age: float
    male: float


class AgeEstimation(FaceAnalyzer[Guess]):
    """Age in years and gender, per face and sample."""

    name = "age_estimation"
    settings: AgeEstimationSettings
    settings_type = AgeEstimationSettings

    def headline(self, segments: list[Segment]) -> str:
        by_label = groupby(sorted(segments, key=lambda s: s.label), key=lambda s: s.label)
        ages = {label: median(s.data["age"] for s in same) for label, same in by_label}
        return ", ".join(f"{label} of about {age:.0f}" for label, age in ages.items())

    def _look(self, faces: list[tuple[np.ndarray, Face]]) -> list[Guess]:
        outputs = self._network(np.stack([self._crop(*one) for one in faces]), batch=self.settings.batch)
        ages, males = output_of_shape(outputs, len(AGES)) @ AGES, output_of_shape(outputs, 1)[:, 0]
        return [Guess(float(age), float(male)) for age, male in zip(ages, males, strict=True)]

    def _describe(self, track: list[SeenFace[Guess]], spans: list[tuple[float, float]]) -> list[Segment]:
        ages = np.array([face.traits.age for face in track])
        males = np.array([face.traits.male for face in track])
        at = np.array([start for start, _ in spans])
        reach = self.settings.smooth_s / 2 + 1e-6
        firsts, ends = np.searchsorted(at, at - reach), np.searchsorted(at, at + reach, side="right")
        segments = []
        for face, span, first, end in zip(track, spans, firsts, ends, strict=True):
            male = float(males[first:end].mean())
            data = {
                "age": round(float(ages[first:end].mean()), 1),
                "box": face.box,
                "face_confidence": round(face.confidence, 4),
            }
            label, confidence = ("male", male) if male > 0.5 else ("female", 1 - male)
            segments.append(Segment(*span, label, round(confidence, 4), data))
        return segments

    def _crop(self, image: np.ndarray, face: Face) -> np.ndarray:
        box = face.box.reshape(2, 2)
        side = self.settings.margin * (box[1] - box[0]).max()
        return crop(image, box.mean(axis=0), side, face.roll, PIXELS)[0]
