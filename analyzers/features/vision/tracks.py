"""Objects that are followed from sample to sample, and which detections of them count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from clipbench.analyzers.features.vision.nanodet import Detection

#: How far from where it is expected an object may be found, in diagonals of its box: so far at once (the
#: detector's boxes are not steady), and so much farther per second, up to a limit. A runner, or a car that
#: passes, moves by about one and a half of its own sizes in a third of a second.
NEAR, PER_SECOND, FARTHEST = 0.5, 3.0, 2.0
#: The larger of two widths over the smaller, or of two heights: one of both has to be closer than this, and
#: the other no farther than the last figure. The border cuts those who come and go: their boxes change more.
SAME_SIZE, CUT_SIZE, OTHER_SIDE = 1.5, 2.5, 4.0
#: Boxes this close to the frame's border are cut by it.
BORDER = 0.01
#: Samples in a row that an object may be missed in before its track ends.
MISSED = 1


@dataclass
class Track:
    """An object that is followed from sample to sample: where it was last, and how surely it was seen."""

    number: int
    last: Detection
    time_s: float
    #: The number of the last sample in which it was seen.
    sample: int
    #: Fractions of the frame's width and height per second, of the centre between the last two sightings.
    velocity: np.ndarray = field(default_factory=lambda: np.zeros(2))
    seen: int = 1
    total_score: float = field(init=False)

    def __post_init__(self) -> None:
        self.total_score = self.last.score

    def extend(self, detection: Detection, time_s: float, sample: int) -> None:
        """Add where it is seen next."""
        moved = centre(detection.box) - centre(self.last.box)
        self.velocity = moved / max(time_s - self.time_s, 1e-6)
        self.last, self.time_s, self.sample = detection, time_s, sample
        self.seen += 1
        self.total_score += detection.score

    def is_steady(self, min_score: float, min_samples: int) -> bool:
        """Whether it was seen in `min_samples` with a mean score of `min_score`."""
        return self.total_score / self.seen >= min_score and self.seen >= min_samples

    def distances(self, found: Sequence[Detection], time_s: float, aspect: float) -> np.ndarray:
        """How far each of `found` is from where this object may be, 0..1; infinite if it cannot be the same.

        It may have gone on as it did, or stand still. `aspect` is the frame's width over its height.
        """
        boxes = np.stack([one.box for one in found])
        before, now = sides(self.last.box), sides(boxes)
        ratios = np.maximum(before, now) / np.maximum(np.minimum(before, now), 1e-6)
        limit = np.where(is_cut(self.last.box) | is_cut(boxes), CUT_SIZE, SAME_SIZE)
        same = np.array([one.label == self.last.label for one in found])
        same &= (ratios.min(axis=-1) <= limit) & (ratios.max(axis=-1) <= OTHER_SIDE)
        gap = max(time_s - self.time_s, 0.0)
        square = np.array([aspect, 1.0])
        still = centre(boxes) - centre(self.last.box)
        moved = np.minimum(*(length(off * square) for off in (still, still - self.velocity * gap)))
        reach = min(NEAR + PER_SECOND * gap, FARTHEST) * length(np.maximum(before, now) * square)
        return np.where(same & (moved <= reach), moved / np.maximum(reach, 1e-12), np.inf)


@dataclass
class Tracks:
    """The tracks that may still go on, in order of their start; sample after sample is added to them.

    What moves is followed by its size and by where it should be by now, not by how much its boxes overlap:
    those of somebody who walks past the camera do not, at three samples a second. A track may miss MISSED
    samples. It cannot tell people who look alike to a detector apart: two who cross may change their numbers.
    """

    aspect: float = 1.0
    open: list[Track] = field(default_factory=list)
    started: int = 0
    samples: int = 0

    def add(self, time_s: float, found: Sequence[Detection]) -> list[Track]:
        """The track of each detection of the next sample; tracks that were missed for too long end."""
        sample = self.samples
        self.samples += 1
        pairs = []
        for track in self.open if found else ():
            distances = track.distances(found, time_s, self.aspect)
            for row in np.flatnonzero(np.isfinite(distances)).tolist():
                pairs.append((float(distances[row]), track.number, row, track))
        # One to one, the nearest first.
        chosen: dict[int, Track] = {}
        taken: set[int] = set()
        for _, number, row, track in sorted(pairs, key=lambda pair: pair[:3]):
            if row not in chosen and number not in taken:
                chosen[row] = track
                taken.add(number)
        tracks = []
        for row, detection in enumerate(found):
            if row in chosen:
                track = chosen[row]
                track.extend(detection, time_s, sample)
            else:
                track = Track(self.started, detection, time_s, sample)
                self.started += 1
            tracks.append(track)
        going_on = {track.number: track for track in (*self.open, *tracks) if track.sample >= sample - MISSED}
        self.open = sorted(going_on.values(), key=lambda track: track.number)
        return tracks


def consistent(
    times_s: Sequence[float] | np.ndarray,
    samples: Sequence[Sequence[Detection]],
    aspect: float,
    rule: Rule,
) -> list[list[Detection]]:
    """The detections that `rule` lets count, of each of the samples, best first; see `counting`."""
    return [
        [one for one, counts in sorted(zip(found, kept, strict=True), key=by_score) if counts]
        for found, kept in zip(samples, counting(times_s, samples, aspect, rule), strict=True)
    ]


def counting(
    times_s: Sequence[float] | np.ndarray,
    samples: Sequence[Sequence[Detection]],
    aspect: float,
    rule: Rule,
) -> list[list[bool]]:
    """Of each of the samples' detections, whether `rule` lets it count.

    `times_s` [T] in seconds of the clip; `aspect` is the frame's width over its height.
    """
    tracks, rule = Tracks(aspect), rule.for_samples(len(samples))
    tracked = [
        list(zip(tracks.add(float(time_s), found), found, strict=True))
        for time_s, found in zip(times_s, samples, strict=True)
    ]
    return [[rule.counts(track, detection) for track, detection in of_sample] for of_sample in tracked]


def by_score(one: tuple[Detection, bool]) -> float:
    return -one[0].score


@dataclass(frozen=True)
class Rule:
    """Which detections count: those that are sure by themselves, and those of objects that are seen steadily.

    An object is steady if it is seen in `min_samples` with a mean score of `min_score`: so a frame in which
    it is seen less clearly is kept, and a flicker is not.
    """

    min_score: float
    min_samples: int
    sure_score: float

    def for_samples(self, samples: int) -> Rule:
        """The rule for a clip of so many samples, which may be fewer than `min_samples`."""
        return Rule(self.min_score, min(self.min_samples, samples), self.sure_score)

    def is_steady(self, track: Track) -> bool:
        return track.is_steady(self.min_score, self.min_samples)

    def counts(self, track: Track, detection: Detection) -> bool:
        """Whether `detection` of `track`, of which all is known, counts."""
        return detection.score >= self.sure_score or self.is_steady(track)


def centre(boxes: np.ndarray) -> np.ndarray:
    """The middle [..., 2] of boxes [..., 4]."""
    middle: np.ndarray = (boxes[..., :2] + boxes[..., 2:]) / 2
    return middle


def sides(boxes: np.ndarray) -> np.ndarray:
    """Width and height [..., 2] of boxes [..., 4]."""
    size: np.ndarray = boxes[..., 2:] - boxes[..., :2]
    return size


def length(vectors: np.ndarray) -> np.ndarray:
    """The lengths [...] of vectors [..., 2]."""
    found: np.ndarray = np.hypot(vectors[..., 0], vectors[..., 1])
    return found


def is_cut(boxes: np.ndarray) -> np.ndarray:
    """Which of boxes [..., 4] reach the frame's border: bool [...]."""
    reaches: np.ndarray = (boxes.min(axis=-1) < BORDER) | (boxes.max(axis=-1) > 1 - BORDER)
    return reaches
