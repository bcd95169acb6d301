"""How much of a picture moves as a motion says: what tells the camera's motion from that of an object.

The picture is divided into blocks. The motions that are in question are tried on each: the frame before is
moved, and compared with the frame after. A block in which they would look alike says nothing, be it a piece
of plain wall or one that hardly moves. So the share of a motion is that of the blocks which can tell, and a
wall with a weak texture says as much as a face. Black bars, and a frame at rest around a picture, are left
out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

#: Blocks along the longer side of the picture.
_BLOCKS = 20
#: A block can tell two motions apart if one leaves so many times the difference that the other leaves, and so
#: many levels (squared) more than the blocks that hardly change.
_APART, _LEVELS = 2.5, 0.15
#: A motion explains a block if it leaves at most so many times the least difference.
_NEAR = 1.6
#: Blocks with no more of their kind than this among their nine are chance.
_ALONE = 2
#: Deviation of a position in a picture's width or height, of which all parts count the same.
_EVEN = 12**-0.5
#: Luma below which a pixel is black, and how far from a bar's edge a corner is one of the picture.
_DARK, _MARGIN = 24, 8
#: What noise leaves of two pictures, levels squared: that of 9 levels, smoothed.
_NOISE = 8.0
#: If fewer of the blocks can tell the motions apart, or fewer tracks, all tracks decide.
_TOLD, _TRACKS = 0.03, 8


class Window(NamedTuple):
    """A part of a picture: rows `[top, bottom)` and columns `[left, right)`."""

    top: int
    bottom: int
    left: int
    right: int

    def of(self, image: np.ndarray) -> np.ndarray:
        """That part of `image` `[..., H, W]`."""
        part: np.ndarray = image[..., self.top : self.bottom, self.left : self.right]
        return part

    def has(self, points: np.ndarray, margin: tuple[int, int, int, int] = (0, 0, 0, 0)) -> np.ndarray:
        """Which of `points` `[N, 2]` are in it and not closer to its sides than `margin`: bool `[N]`."""
        top, bottom, left, right = margin
        x, y = points[:, 0], points[:, 1]
        inside: np.ndarray = (y >= self.top + top) & (y < self.bottom - bottom)
        return inside & (x >= self.left + left) & (x < self.right - right)

    def spread(self, points: np.ndarray) -> float:
        """The area of the ellipse of `points` `[N, 2]`, 1 if they are all over the window."""
        if len(points) < 3:
            return 0.0
        size = np.array([self.right - self.left, self.bottom - self.top])
        covariance = np.cov((points / size / _EVEN).T)
        return float(np.sqrt(max(0.0, np.linalg.det(covariance))))


class Support(NamedTuple):
    """What a motion explains of what can tell: its share, 0..1, and how far that is spread.

    `spread` is the area of the ellipse of the blocks or tracks: 1 for all of the frame, about the share of
    the frame for a thing in it, and more than 1 for what is around a thing.
    """

    share: float
    spread: float


def supports(
    before: np.ndarray,
    after: np.ndarray,
    motions: Sequence[np.ndarray],
    tracks: np.ndarray,
    agree: np.ndarray,
) -> list[Support]:
    """The support of each of `motions` `[2, 3]` from one grey image, uint8 `[H, W]`, to another.

    `agree` `[len(motions), N]` says which of the `tracks`, `[N, 2]` in the image before, follow which.
    """
    window = between_bars(before, after)
    left, side = _differences(window.of(before), window.of(after), motions, window)
    known = np.isfinite(left).all(axis=0)
    if not known.any():
        return [Support(0.0, 0.0) for _ in motions]
    least, most = left.min(axis=0), left.max(axis=0)
    calm = float(np.percentile(least[known], 25))
    tells = known & (most > _APART * least) & (most - least > 2 * calm + _LEVELS)
    # Something else happens in the blocks that change whatever is tried.
    counted = tells | (known & (least > 4 * calm + 2))
    explained = tells & (left <= _NEAR * least + calm)
    inset = _inset(explained[0], (explained[1:] & ~explained[0]).any(axis=0))
    tells, counted, explained = inset.of(tells), inset.of(counted), inset.of(explained)
    scaled = Window(*(edge * side for edge in inset))
    within = scaled.has(tracks - [window.left, window.top])
    differ = within & agree.any(axis=0) & ~agree.all(axis=0)
    follow = agree & (differ if differ.sum() >= _TRACKS else within)
    enough = counted.mean() > _TOLD
    found = []
    for blocks, followed in zip(explained, follow, strict=True):
        share = blocks.sum() / counted.sum() if enough else followed.sum() / max(1, follow.any(axis=0).sum())
        spread = max(_spread_of_blocks(blocks), scaled.spread(tracks[followed]))
        found.append(Support(float(share), spread))
    return found


def alike(before: np.ndarray, after: np.ndarray) -> bool:
    """Whether two grey images differ by no more than noise and what moves in a small part of them."""
    left, _ = _differences(before, after, [np.eye(2, 3)], Window(0, before.shape[0], 0, before.shape[1]))
    return bool((left < _NOISE).mean() > 0.8)


def between_bars(before: np.ndarray, after: np.ndarray) -> Window:
    """Where there is a picture between black bars, in at least one of two grey images."""
    bright = np.maximum(before, after) >= _DARK
    found: list[int] = []
    for axis in (1, 0):
        lit = np.flatnonzero(bright.mean(axis=axis) > 0.05)
        found += [int(lit[0]), int(lit[-1]) + 1] if len(lit) else [0, bright.shape[1 - axis]]
    return Window(*found)


def off_bars(before: np.ndarray, after: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Those of `points` `[N, 2]` that are not on the edge of a black bar."""
    window, (height, width) = between_bars(before, after), before.shape
    at_bar = window.top > 0, window.bottom < height, window.left > 0, window.right < width
    top, bottom, left, right = (_MARGIN * bar for bar in at_bar)
    kept: np.ndarray = points[window.has(points, (top, bottom, left, right))]
    return kept


def _differences(
    before: np.ndarray, after: np.ndarray, motions: Sequence[np.ndarray], window: Window
) -> tuple[np.ndarray, int]:
    """The mean squared difference that each motion leaves in each block, `[N, rows, columns]`, and its side.

    It is not a number where the motion brings in what was outside of the picture.
    """
    import cv2

    height, width = before.shape
    side = max(2, max(height, width) // _BLOCKS)
    blocks = max(1, width // side), max(1, height // side)
    source, target = (cv2.GaussianBlur(each, (5, 5), 0).astype(np.float32) for each in (before, after))
    offset = np.array([window.left, window.top], float)
    left = []
    for motion in motions:
        # In the pixels of the window.
        shift = motion[:, 2] + motion[:, :2] @ offset - offset
        moved = cv2.warpAffine(
            source, np.column_stack([motion[:, :2], shift]), (width, height), borderValue=-1e3
        )
        change = np.square(target - moved)
        change[moved < -0.5] = np.nan
        left.append(cv2.resize(change, blocks, interpolation=cv2.INTER_AREA))
    return np.stack(left), side


def _inset(rests: np.ndarray, moves: np.ndarray) -> Window:
    """Where a picture moves within a frame at rest, from one side to the other; otherwise all of it.

    Portrait video shows landscape pictures before a blurred copy. A thing before a background at rest is
    different: there is background beside it, or nothing below it.
    """
    window = [0, len(rests), 0, rests.shape[1]]
    for first, still, moving in ((0, rests, moves), (2, rests.T, moves.T)):
        share = moving.sum(axis=1) / np.maximum(1, moving.sum(axis=1) + still.sum(axis=1))
        lines = np.flatnonzero(share > 0.5)
        if len(lines) < 3:
            continue
        top, bottom = int(lines[0]), int(lines[-1]) + 1
        around = top, len(share) - bottom
        # At the sides the next block counts too, as a pan brings in what was outside.
        full = (share > 0.9) & moving[:, :2].any(axis=1) & moving[:, -2:].any(axis=1)
        told = (moving | still)[top:bottom].any(axis=1)
        # Somebody who stands from top to bottom has no straight sides, and shoulders.
        straight = full[top : top + 2].any() and full[bottom - 2 : bottom].any()
        beyond = np.delete(share, np.s_[max(0, top - 1) : bottom + 1])
        even = min(around) > 0.4 * max(around)
        if straight and even and beyond.max(initial=0.0) < 0.3 and full[top:bottom][told].mean() > 0.7:
            window[first : first + 2] = [top, bottom]
    return Window(*window)


def _spread_of_blocks(where: np.ndarray) -> float:
    """The spread of the true blocks that have true neighbours."""
    import cv2

    count = cv2.boxFilter(where.astype(np.uint8), -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)
    rows, columns = np.nonzero(where & (count > _ALONE))
    return Window(0, where.shape[0], 0, where.shape[1]).spread(np.stack([columns, rows], axis=1))
