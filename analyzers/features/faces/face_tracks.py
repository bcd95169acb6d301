"""Following the same person's face from one sampled frame to the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from clipbench.analyzers.features.faces.blazeface import SAME_FACE
from clipbench.analyzers.features.faces.face_finder import Face
from clipbench.analyzers.features.vision.boxes import iou

#: Portraits that correlate by more than this show the same person a moment later. Measured on photographs:
#: at least 0.7 with the head turned by 12 degrees, eyes closed or half the light; at most 0.4 between people.
SAME_PERSON = 0.5


class LastFace(NamedTuple):
    """The last face of a track: `box` and `portrait` as in Face."""

    track: int
    box: np.ndarray
    portrait: np.ndarray


@dataclass
class FaceTracks:
    """The tracks that may still go on, in order of their start; sample after sample is added to them."""

    open: list[LastFace] = field(default_factory=list)
    started: int = 0
    samples: int = 0

    def add(self, faces: Sequence[Face]) -> list[int]:
        """The track of each face of the next sample, by numbers in order of their start.

        A face continues the track whose last face it overlaps most and looks like, so a cut between two
        people in the same place ends a track.
        """
        pairs = [(iou(last.box, face.box), last, k) for last in self.open for k, face in enumerate(faces)]
        track_of: dict[int, int] = {}
        for overlap, last, k in sorted(pairs, key=lambda pair: -pair[0]):
            alike = overlap > SAME_FACE and last.portrait @ faces[k].portrait > SAME_PERSON
            if alike and last.track not in track_of.values() and k not in track_of:
                track_of[k] = last.track
        for k in range(len(faces)):
            if k not in track_of:
                track_of[k] = self.started
                self.started += 1
        tracks = [track_of[k] for k in range(len(faces))]
        now = [LastFace(n, face.box, face.portrait) for n, face in zip(tracks, faces, strict=True)]
        self.open = sorted(now, key=lambda last: last.track)
        self.samples += 1
        return tracks
