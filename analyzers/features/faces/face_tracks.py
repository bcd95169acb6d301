"""Following the same person's face from one sampled frame to the next."""

from __future__ import annotations

from clipbench.analyzers.features.faces.blazeface import SAME_FACE
from clipbench.analyzers.features.faces.face_finder import Face
from clipbench.analyzers.features.vision.boxes import iou

#: Portraits that correlate by more than this show the same person a moment later. Measured on photographs:
#: at least 0.7 with the head turned by 12 degrees, eyes closed or half the light; at most 0.4 between people.
SAME_PERSON = 0.5


def follow_faces(samples: list[list[Face]]) -> list[list[tuple[int, Face]]]:
    """The same person's face from one sample to the next, as lists of (sample index, face).

    A face continues the track whose last face it overlaps most and looks like, so a cut between two people in
    the same place ends a track. Tracks are in order of their start.
    """
    found: list[list[tuple[int, Face]]] = []
    for i, faces in enumerate(samples):
        pairs = []
        for track in found:
            last, before = track[-1]
            if last == i - 1:
                pairs += [(iou(before.box, face.box), track, k) for k, face in enumerate(faces)]
        placed: set[int] = set()
        for overlap, track, k in sorted(pairs, key=lambda pair: -pair[0]):
            last, before = track[-1]
            alike = overlap > SAME_FACE and before.portrait @ faces[k].portrait > SAME_PERSON
            if alike and last == i - 1 and k not in placed:
                track.append((i, faces[k]))
                placed.add(k)
        found += [[(i, face)] for k, face in enumerate(faces) if k not in placed]
    return found
