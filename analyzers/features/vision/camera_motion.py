"""How the camera moves between two frames: corner tracks, and the transform that most of them follow.

Shi-Tomasi corners (Shi and Tomasi 1994) are tracked with pyramidal Lucas-Kanade flow (Bouguet 2001), forward
and backward; a track counts if it comes back to where it began. RANSAC (Fischler and Bolles 1981) fits a
similarity transform.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from clipbench.analyzers.features.vision.crops import apply

#: The picture is divided into this many cells along its longer side; each has at most so many corners.
_CELLS = 8
_PER_CELL = 5
#: Corners weaker than this (least eigenvalue) are noise: sensor noise of 4 levels reaches 0.00007, text 0.02.
_FLOOR = 1e-4
#: Fewer tracks than this prove nothing.
MIN_TRACKS = 8
#: In pixels: how far from its start a track may come back, how far from the fitted transform it may be, and
#: how far a fixed point may move.
_ROUND_TRIP, _RESIDUAL, _FIXED = 0.7, 0.5, 0.15
#: Points that are fixed to the screen are an overlay if they cover at most this share of the rows of cells.
_BAND = 0.5


class Motion(NamedTuple):
    """How the picture moves from one frame to another: shift in pixels, factor and radians about its centre.

    `evidence` is the share of the corners that were found again and agree, 0..1.
    """

    dx: float
    dy: float
    scale: float
    roll: float
    evidence: float


def _cells(points: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Row and column of the cell of each of `points` `[N, 2]`: int `[N, 2]`."""
    return (points[:, ::-1] * _CELLS / max(shape)).astype(int)


def corners(grey: np.ndarray) -> np.ndarray:
    """Corners of uint8 `[H, W]`, spread so that text counts no more than its area: float32 `[N, 2]`."""
    import cv2

    distance = max(2.0, max(grey.shape) / 64)
    # A low threshold, because captions have the strongest corners.
    found, quality = cv2.goodFeaturesToTrackWithQuality(  # type: ignore[call-overload]  # allows no mask
        grey, 600, 0.005, distance, None, blockSize=5
    )
    if found is None:
        return np.empty((0, 2), np.float32)
    found = found[quality.ravel() >= _FLOOR, 0]
    kept: list[np.ndarray] = []
    counts: dict[tuple[int, ...], int] = {}
    for point, cell in zip(found, map(tuple, _cells(found, grey.shape)), strict=True):
        counts[cell] = counts.get(cell, 0) + 1
        if counts[cell] <= _PER_CELL:
            kept.append(point)
    return np.array(kept, np.float32).reshape(-1, 2)


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


def _is_overlay(fixed: np.ndarray, rest: np.ndarray, shape: tuple[int, ...]) -> bool:
    """Whether the points that are fixed on the screen are a caption or logo over a moving picture.

    They are if the rest of the picture covers more cells, or covers most rows while the fixed points stay in
    a band. Otherwise an object moves before a camera at rest.
    """
    cells_fixed, cells_rest = (_cells(points, shape) for points in (fixed, rest))
    rows_fixed, rows_rest = len(np.unique(cells_fixed[:, 0])), len(np.unique(cells_rest[:, 0]))
    rows = len(np.unique(np.concatenate([cells_fixed, cells_rest])[:, 0]))
    wider = len(np.unique(cells_rest, axis=0)) > len(np.unique(cells_fixed, axis=0))
    return wider or (rows_fixed <= _BAND * rows and rows_rest > rows_fixed)


def motion(before: np.ndarray, after: np.ndarray, points: np.ndarray) -> Motion | None:
    """The picture's motion between two grey images, from corners `points` of the first.

    None if the tracks are lost, which is a cut, or if there is nothing to follow in a plain picture.
    """
    if len(points) < MIN_TRACKS:
        return None
    moved, good = _follow(before, after, points)
    source, target = points[good], moved[good]
    if len(source) < MIN_TRACKS:
        return None
    matrix = _fit(source, target)
    if matrix is None:
        return None
    fixed = np.linalg.norm(target - source, axis=1) < _FIXED
    considered = np.ones(len(source), bool)
    if (~fixed).sum() >= MIN_TRACKS and fixed.sum() >= 3:
        other = _fit(source[~fixed], target[~fixed])
        if other is not None:
            agree = _agree(other, source, target)
            overlay = fixed & ~agree
            joint = agree[~fixed].mean() > 0.6
            if joint and overlay.any() and _is_overlay(source[overlay], source[agree], before.shape):
                matrix, considered = other, ~overlay
    agree = _agree(matrix, source, target) & considered
    if agree.sum() < MIN_TRACKS:
        return None
    lost = len(points) - len(source)
    evidence = agree.sum() / (considered.sum() + lost)
    a, b = matrix[0, 0], matrix[1, 0]
    centre = np.array(before.shape[::-1]) / 2
    dx, dy = matrix[:, :2] @ centre + matrix[:, 2] - centre
    return Motion(float(dx), float(dy), float(np.hypot(a, b)), float(np.arctan2(b, a)), float(evidence))
