"""How the camera moves between two frames: corner tracks, and the transforms that they follow.

Shi-Tomasi corners (Shi and Tomasi 1994) are tracked with pyramidal Lucas-Kanade flow (Bouguet 2001), forward
and backward; a track counts if it comes back to where it began. RANSAC (Fischler and Bolles 1981) fits
similarity transforms, one after the other. Which of them is the camera's, camera_support.py says.

The constants were chosen on 152 rendered clips: people who sway, walk and come closer before plain, rough and
busy backgrounds, at rest and under pans, tilts, zooms and rolls of several speeds, at 10 to 60 frames a
second, with noise, bars and captions, and crf 18 to 30.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from clipbench.analyzers.features.vision import camera_support
from clipbench.analyzers.features.vision.block_means import block_means
from clipbench.analyzers.features.vision.crops import apply

#: The picture is divided into this many cells along its longer side; each has at most so many corners.
_CELLS = 8
_PER_CELL = 5
#: Weaker corners (least eigenvalue) are not followed: noise of one level reaches 0.00003, text 0.02. Corners
#: of noise do no harm, as nothing follows them.
_FLOOR = 3e-5
#: So many tracks must agree, because of many some do by chance; a third will do of few.
_ENOUGH_TRACKS, _FEW_TRACKS = 8, 4
#: In pixels: how far from its start a track may come back, and how far from the fitted transform it may be.
_ROUND_TRIP, _RESIDUAL = 0.7, 0.5
#: So many motions are tried, with that of a camera at rest.
_MOTIONS = 3
_REST = np.eye(2, 3)
#: A shift that no tracks show is one if it explains this share of what can tell.
_SHIFTED = 0.6
#: A camera that moves leaves nothing where it was, so what stays counts so many times.
_PREFER_REST = 2.0
#: What moves is a thing if it is spread over this share of the frame, the whole picture if over that one.
_THING, _FRAME = 0.35, 0.6
#: A change of light by less than this share is noise.
_RELIT = 0.004


class Motion(NamedTuple):
    """How the picture moves from one frame to another: shift in pixels, factor and radians about its centre.

    `evidence` is the share of the picture that shows it, 0..1, of what can show a motion.
    """

    dx: float
    dy: float
    scale: float
    roll: float
    evidence: float


def _cells(points: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Row and column of the cell of each of `points` `[N, 2]`: int `[N, 2]`."""
    cells: np.ndarray = (points[:, ::-1] * _CELLS / max(shape)).astype(int)
    return cells


def corners(grey: np.ndarray) -> np.ndarray:
    """Corners of uint8 `[H, W]`, spread so that text counts no more than its area: float32 `[N, 2]`.

    Each cell has its own strongest ones, so that a plain wall is represented next to a face.
    """
    import cv2

    strength = cv2.cornerMinEigenVal(grey, 5)
    reach = max(2, round(max(grey.shape) / 64))
    highest = cv2.dilate(strength, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
    rows, columns = np.nonzero((strength == highest) & (strength >= _FLOOR))
    points = np.stack([columns, rows], axis=1).astype(np.float32)
    cells = _cells(points, grey.shape) @ np.array([_CELLS + 1, 1])
    order = np.lexsort((-strength[rows, columns], cells))
    # The place of each corner within its cell, the strongest first.
    place = np.arange(len(order)) - np.searchsorted(cells[order], cells[order])
    kept: np.ndarray = points[order[place < _PER_CELL]]
    return kept


def _follow(before: np.ndarray, after: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where `points` `[N, 2]` are in `after`, and which of them are trusted."""
    import cv2

    def follow(source: np.ndarray, target: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 20, 0.01)
        moved, found, _ = cv2.calcOpticalFlowPyrLK(
            source, target, start, np.empty_like(start), winSize=(15, 15), maxLevel=3, criteria=criteria
        )
        return moved, found

    moved, there = follow(before, after, points)
    home, back = follow(after, before, moved)
    good = (there[:, 0] == 1) & (back[:, 0] == 1) & (np.linalg.norm(home - points, axis=1) < _ROUND_TRIP)
    inside = ((moved >= 0) & (moved < np.array(before.shape[::-1]))).all(axis=1)
    return moved, good & inside


def _fit(source: np.ndarray, target: np.ndarray) -> np.ndarray | None:
    """The similarity transform `[2, 3]` from `source` to `target` that most points agree on."""
    import cv2

    if len(source) < 3:
        return None
    return cv2.estimateAffinePartial2D(
        source, target, method=cv2.RANSAC, ransacReprojThreshold=_RESIDUAL, maxIters=500, confidence=0.995
    )[0]


def _agree(matrix: np.ndarray, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Which points of `source` the transform takes to their place in `target`: bool `[N]`."""
    agreed: np.ndarray = np.linalg.norm(apply(matrix, source) - target, axis=1) < _RESIDUAL
    return agreed


def motion(before: np.ndarray, after: np.ndarray, points: np.ndarray) -> Motion | None:
    """The camera's motion between two grey images, from corners `points` of the first.

    None if another picture has taken its place, which is a cut. There is no evidence of rest if nothing can
    be followed, as in a plain picture.
    """
    before = _relit(before, after)
    points = camera_support.off_bars(before, after, points)
    least = int(np.clip(len(points) // 3, _FEW_TRACKS, _ENOUGH_TRACKS))
    source = target = np.empty((0, 2), np.float32)
    if len(points) >= least:
        moved, good = _follow(before, after, points)
        source, target = points[good], moved[good]
    followed = _motions(source, target, least)
    motions = [_REST, *(followed or [_shift(before, after)])]
    agree = np.stack([_agree(each, source, target) for each in motions])
    found = camera_support.supports(before, after, motions, source, agree)
    if not followed and (found[1].share < _SHIFTED or _wide(found[1].spread) < 0.5):
        return Motion(0.0, 0.0, 1.0, 0.0, 0.0) if camera_support.alike(before, after) else None
    scores = [one.share * min(1.0, one.spread) ** 2 for one in found]
    scores[0] *= _PREFER_REST
    best = int(np.argmax(scores))
    wide = _wide(found[best].spread)
    if wide < 0.5:
        best, wide = 0, min(1.0, found[0].spread / _THING)
    matrix, evidence = motions[best], found[best].share * wide
    a, b = matrix[0, 0], matrix[1, 0]
    centre = np.array(before.shape[::-1]) / 2
    dx, dy = matrix[:, :2] @ centre + matrix[:, 2] - centre
    return Motion(float(dx), float(dy), float(np.hypot(a, b)), float(np.arctan2(b, a)), float(evidence))


def _wide(spread: float) -> float:
    """How surely what is spread like this is all of the picture and not a thing in it, 0..1."""
    return float(np.clip((spread - _THING) / (_FRAME - _THING), 0, 1))


def _motions(source: np.ndarray, target: np.ndarray, least: int) -> list[np.ndarray]:
    """The motions that tracks from `source` to `target` `[N, 2]` follow, the most frequent one first."""
    rest = np.ones(len(source), bool)
    found: list[np.ndarray] = []
    while len(found) < _MOTIONS and rest.sum() >= least:
        matrix = _fit(source[rest], target[rest])
        if matrix is None:
            break
        agree = _agree(matrix, source, target) & rest
        if agree.sum() < least:
            break
        found.append(matrix)
        rest &= ~agree
    return found


def _shift(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """The shift by phase correlation, for pictures that have lines and no corners, or move far: `[2, 3]`."""
    import cv2

    height, width = before.shape
    if min(height, width) < 2:
        return _REST
    window = cv2.createHanningWindow((width, height), cv2.CV_32F)
    # On copies, because OpenCV 5.0 applies the window to the images in place.
    (dx, dy), _ = cv2.phaseCorrelate(before.astype(np.float32), after.astype(np.float32), window)
    return np.array([[1, 0, dx], [0, 1, dy]], float)


def _relit(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """`before` in the light of `after`, so that a flicker of the light is no motion."""
    import cv2

    parts = [block_means(each, 16, 16) + 1.0 for each in (before, after)]
    gain = float(np.median(parts[1] / parts[0]))
    return cv2.convertScaleAbs(before, alpha=gain) if abs(gain - 1) > _RELIT and 0.5 < gain < 2 else before
