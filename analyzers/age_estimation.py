"""Age and gender of every face, from FaceRes, averaged over the moments in which the face is seen.

The network is HSE-FaceRes (Savchenko 2019, doi:10.7717/peerj-cs.197) as the Human library publishes it: a
MobileNet trained for identities, with one output for gender and one of a hundred classes for age.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from analyzers.base import Analyzer, ClipView, Segment, setting
from analyzers.faces import Face, FaceFinder, FaceSettings, crop, output, tracks
from analyzers.nets import Net, open_net

PIXELS = 224
#: The net's age classes. Its peaks lie at the 29th, 59th and 69th output: people's round guesses, less one.
AGES = np.arange(1, 101)


@dataclass
class AgeSettings(FaceSettings):
    fps: float = setting(3.0, "frames read per second of clip", low=0.01, high=240)
    model: str = setting("faceres", "model card of the age and gender network")
    margin: float = setting(1.2, "side of the crop, in heights of the face", low=0.5, high=4)
    smooth_s: float = setting(2.0, "a person's estimates are averaged over so many seconds", low=0, high=3600)


class Guess(NamedTuple):
    """What the network says of one face: years, and the probability that it is a man's."""

    age: float
    male: float


class AgeEstimation(Analyzer):
    """Age in years and gender, per face and sample."""

    name = "age_estimation"
    settings_type = AgeSettings

    def models(self) -> tuple[str, ...]:
        return self.settings.detector, self.settings.mesh, self.settings.model

    def load(self, device: str = "cpu") -> None:
        self._finder = FaceFinder(self.settings)
        self._net: Net = open_net(self.settings.model)

    def analyze(self, clip: ClipView, upstream) -> list[Segment]:
        samples = self._finder.find(clip)
        times, images = clip.frames(self.settings.fps, self.settings.size)
        ends = [*times[1:], max(clip.duration_s, times[-1])] if len(times) else []
        segments = []
        for track in tracks(samples):
            guesses = self._guess([(images[i], face) for i, face in track])
            at = np.array([times[i] for i, _ in track])
            for i, face in track:
                near = np.abs(at - times[i]) <= self.settings.smooth_s / 2 + 1e-6
                age = float(np.mean([g.age for g, use in zip(guesses, near, strict=True) if use]))
                male = float(np.mean([g.male for g, use in zip(guesses, near, strict=True) if use]))
                data = {
                    "age": round(age, 1),
                    "box": face.relative_box(*images.shape[1:3]),
                    "face_confidence": round(face.score, 4),
                }
                label = "male" if male > 0.5 else "female"
                segments.append(
                    Segment(float(times[i]), float(ends[i]), label, round(max(male, 1 - male), 4), data)
                )
        return sorted(segments, key=lambda s: s.start_s)

    def unload(self) -> None:
        self._finder.close()
        self._net.close()

    def _guess(self, faces: list[tuple[np.ndarray, Face]]) -> list[Guess]:
        """The network's raw answers, one face at a time in the picture and batched in the network."""
        pictures = np.stack([self._crop(image, face) for image, face in faces])
        outputs = self._net(pictures, batch=self.settings.batch)
        ages, males = output(outputs, len(AGES)) @ AGES, output(outputs, 1)[:, 0]
        return [Guess(float(age), float(male)) for age, male in zip(ages, males, strict=True)]

    def _crop(self, image: np.ndarray, face: Face) -> np.ndarray:
        box = face.box.reshape(2, 2)
        side = self.settings.margin * (box[1] - box[0]).max()
        return crop(image, box.mean(axis=0), side, face.roll, PIXELS)[0]
