"""Straight lines that divide a picture into halves or thirds, and whether they divide two pictures.

A level horizon, the edge of a wall and a door frame are such lines too. What shows two pictures is that one
of them moves across the line, which stays where it is; or that the step of colour across the line changes
along it, while sky and sea, or wall and floor, differ everywhere in the same way; or that the sides move
against each other. What shows one picture is that both sides move alike.

What it cannot do: two pictures of which neither moves across the line or against the other are not told from
a horizon where they differ in the same way everywhere. That was so in a fifth of random pairs of photographs.
A thin post before a camera at rest may be taken for a seam.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

#: Difference of luma above which a pixel is on an edge.
_EDGE = 12
#: Where a split screen is divided, in shares of its width or height, and the tolerance of that.
_DIVISIONS, _OFF = (1 / 3, 1 / 2, 2 / 3), 0.02
#: A line is compared with those so many beside it; its sides are the lines from so far off to so far off.
_BESIDE, _ASIDE = 5, (3, 6)
#: In so many parts of a line its step of colour is compared.
_PARTS = 16
#: How many lines of either side show how it moves, and from which response of phase correlation.
_DEEP, _SURE = 64, 0.93
#: From which shift in pixels a side moves from frame to frame, and up to which difference two move alike.
_MOVES, _ALIKE = 0.2, 0.3
#: How far in pixels a side must move across a line, which an edge of two pixels cannot hide, and how far the
#: line may move meanwhile.
_CROSSED, _STAYED = 3.0, 1
#: How uneven the step across a line is. Chosen on 61 split pairs of photographs, and 30 horizons and shelves
#: as straight and level, still, panned or with waves, at crf 18 to 33: 71 % of the pairs reach it, and of the
#: others only two whose halves are unrelated photographs.
_UNEVEN = 0.15
#: How far the colours along a side are from their mean, in levels, if it is a picture and no post.
_VARIED = 8.0


class EdgeLines(NamedTuple):
    """The share of pixels on an edge in eight parts of the lines around each division, `[3, n, 8]`."""

    columns: np.ndarray
    rows: np.ndarray


class Line(NamedTuple):
    """A dividing line: the column or row `at`, and the share of it that is an edge."""

    share: float
    at: int
    upright: bool


class Sides(NamedTuple):
    """The two sides of the line `at` a column or row, in one frame.

    `uneven` is how much the step of colour across the line changes along it, from 0, everywhere the same, to
    1. `across` is how far one side moved across the line since the frame before and the other did not, in
    pixels. `alike` is 1 if both moved in the same way, -1 if they moved along it against each other, else 0.
    """

    uneven: float
    across: float
    alike: float
    at: float


def edge_lines(grey: np.ndarray) -> EdgeLines:
    """The edges along the columns and rows of a grey image uint8 `[H, W]`, near the divisions."""
    return EdgeLines(*(_edge_lines(grey, upright) for upright in (True, False)))


def seam(near: Sequence[EdgeLines]) -> float:
    """How clearly a straight line divides the picture into halves or thirds, from edge to edge, 0..1.

    It is the share of the line's pixels that are on an edge, averaged over frames that are `near` each other,
    so that only a line counts that stays in place while the picture moves.
    """
    return max(_clearest(np.mean(each, axis=0))[0] for each in zip(*near, strict=True))


def dividing_line(lines: EdgeLines, shape: tuple[int, ...], least: float) -> Line | None:
    """The line that divides one picture of this `shape` best, if at least this share of it is an edge."""
    found = []
    for upright, parts in ((True, lines.columns), (False, lines.rows)):
        share, division, place = _clearest(parts)
        count = shape[1] if upright else shape[0]
        found.append(Line(share, _near(count, division)[0] - _BESIDE + place, upright))
    best = max(found)
    return best if best.share >= least else None


def sides(line: Line, image: np.ndarray, grey: np.ndarray, before: np.ndarray) -> Sides:
    """What is on the sides of a line of an RGB image, and how they moved; `grey` is its luma.

    `before` is the luma of the frame before.
    """
    if line.upright:
        image = image.transpose(1, 0, 2)
        grey, before = np.ascontiguousarray(grey.T), np.ascontiguousarray(before.T)
    at, (near, far) = line.at, _ASIDE
    first, second = image[max(0, at - far + 1) : at - near + 1], image[at + near : at + far]
    first_deep, second_deep = slice(max(0, at - _DEEP), at - near + 1), slice(at + near, at + _DEEP)
    moves = [_shift(before[side], grey[side]) for side in (first_deep, second_deep)]
    across, alike = 0.0, 0
    if moves[0] is not None and moves[1] is not None:
        move, other = np.array(moves[0]), np.array(moves[1])
        # A camera that sways moves both sides, and the line with them.
        across = float(move[1] - other[1])
        if min(np.linalg.norm(move), np.linalg.norm(other)) >= _MOVES:
            against = abs(move[0]) >= _MOVES <= abs(other[0]) and move[0] * other[0] < 0
            alike = -1 if against else int(np.linalg.norm(move - other) <= _ALIKE)
    uneven = _uneven(first, second) if len(first) and len(second) else 0.0
    return Sides(uneven, across, float(alike), float(at))


def are_two_pictures(seen: np.ndarray, step: int) -> bool:
    """Whether the `Sides` of some frames, `[N, 4]` at every `step`-th frame, are those of two pictures."""
    if not len(seen):
        return False
    uneven, across, alike, at = seen.T
    if abs(np.mean(alike)) > 0.5:
        return bool(np.mean(alike) < 0)
    crossed = abs(float(across.sum())) * step >= _CROSSED and np.ptp(at) <= _STAYED
    return bool(crossed or np.median(uneven) >= _UNEVEN)


def _uneven(first: np.ndarray, second: np.ndarray) -> float:
    """How much the step from the lines `first` to the lines `second` of an image changes along them, 0..1.

    It is 0 where one of them has one colour, as a post or a wall.
    """
    import cv2

    size = (min(_PARTS, first.shape[1]), 1)
    parts = [
        cv2.resize(np.ascontiguousarray(each), size, interpolation=cv2.INTER_AREA) for each in (first, second)
    ]
    sides = [part[0].astype(float) for part in parts]
    if min(np.linalg.norm(side - side.mean(axis=0), axis=1).mean() for side in sides) < _VARIED:
        return 0.0
    steps = sides[1] - sides[0]
    lengths = np.linalg.norm(steps, axis=1).mean()
    return 1 - float(np.linalg.norm(steps.mean(axis=0)) / lengths) if lengths > 0 else 0.0


def _near(count: int, division: int) -> tuple[int, int]:
    """The first and last of `count` lines that may be the division's."""
    share = _DIVISIONS[division]
    return round((share - _OFF) * count), round((share + _OFF) * count)


def _edge_lines(grey: np.ndarray, upright: bool) -> np.ndarray:
    """Share of pixels that differ across each line near a division, in eight parts of it: `[3, n, 8]`."""
    import cv2

    count = grey.shape[1] if upright else grey.shape[0]
    ranges = [_near(count, division) for division in range(len(_DIVISIONS))]
    longest = 1 + 2 * _BESIDE + max(last - first for first, last in ranges)
    found = np.zeros((len(ranges), longest, 8), np.float32)
    for parts, (first, last) in zip(found, ranges, strict=True):
        start, stop = max(1, first - _BESIDE), min(count - 1, last + _BESIDE + 1)
        if stop <= start:
            continue
        after, before = (
            grey[:, start + by : stop + by] if upright else grey[start + by : stop + by] for by in (1, -1)
        )
        edge = cv2.threshold(cv2.absdiff(after, before), _EDGE, 1, cv2.THRESH_BINARY)[1].astype(np.float32)
        size = (stop - start, 8) if upright else (8, stop - start)
        shares = cv2.resize(edge, size, interpolation=cv2.INTER_AREA)
        place = start - (first - _BESIDE)
        parts[place : place + stop - start] = shares.T if upright else shares
    return found


def _clearest(parts: np.ndarray) -> tuple[float, int, int]:
    """The share of the clearest of the lines `parts` `[3, n, 8]`, its division, and its place there."""
    whole = parts.mean(axis=2)
    best = (0.0, 0, _BESIDE)
    for division, shares in enumerate(whole):
        place = _BESIDE + int(np.argmax(shares[_BESIDE:-_BESIDE]))
        # A thin line with nothing like it beside it and hardly a gap, unlike the edge of a door or tower.
        beside = max(shares[place - _BESIDE], shares[place + _BESIDE])
        if parts[division, place].min() > 0.15 and shares[place] - beside > 0.25:
            best = max(best, (float(shares[place]), division, place))
    return best


def _shift(before: np.ndarray, after: np.ndarray) -> tuple[float, float] | None:
    """How far a grey picture moved along its rows and down, in pixels; None if it did not move as a whole."""
    import cv2

    if min(before.shape) < 8:
        return None
    window = cv2.createHanningWindow(before.shape[::-1], cv2.CV_32F)
    (along, down), response = cv2.phaseCorrelate(before.astype(np.float32), after.astype(np.float32), window)
    return (along, down) if response >= _SURE else None
