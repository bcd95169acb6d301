"""Measures of frames and of pairs of frames from which effects are found.

Frames are uint8 RGB `[H, W, 3]`, grey images uint8 `[H, W]`; each measure is one number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

#: Levels of luma below which a pixel belongs to a black bar, and of difference above which it is on an edge.
_DARK, _EDGE = 24, 12
#: Longer side of the picture in which colours are compared, and how thick a coloured thing is in it.
_CHROMA_SIZE, _THIN = 80, 5
#: Luma from which a tint fades; the level of a clipped channel; the most chroma of a tint, as a
#: share of luma.
_HIGHLIGHT, _CLIPPED, _STRONGEST = 180, 253, 0.35
#: The chroma of a weak tint, and how much more allows twice as much difference. Chosen on five photographs at
#: saturations of 0.15 to 1, on red and pale things on white and black, and on four photographs in grey, sepia
#: and other tints, with noise of up to 15 levels and crf up to 38.
_WEAK_TINT, _STRONGER = 6, 20
#: Where a split screen is divided, in shares of its width or height, and the tolerance of that.
_DIVISIONS, _OFF = (1 / 3, 1 / 2, 2 / 3), 0.02


def grey(image: np.ndarray) -> np.ndarray:
    """Luma of an RGB image: uint8 `[H, W]`."""
    import cv2

    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


def colourfulness(image: np.ndarray) -> float:
    """How far the most coloured hundredth of a picture is from one tint, in levels of chroma.

    A tint is the same everywhere or grows with luma, and fades in the highlights. Around a strong tint more
    is allowed, because compression and clipping change it. Noise, and what is as thin as the letters of a
    caption, do not count: a coloured thing of 2 % of the picture does.
    """
    import cv2

    height, width = image.shape[:2]
    scale = min(1.0, _CHROMA_SIZE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    luma, red, blue = cv2.split(cv2.cvtColor(small, cv2.COLOR_RGB2YCrCb).astype(np.float32))
    red, blue = red - 128, blue - 128
    strongest = cv2.max(cv2.max(small[..., 0], small[..., 1]), small[..., 2])
    bright, full = luma > _HIGHLIGHT, strongest >= _CLIPPED
    even = float(np.median(red)), float(np.median(blue))
    # Where a channel is clipped, a tint changes by up to half of what it is.
    clipped = np.where(bright & full, np.float32(0.5), np.float32(0))
    slope = growing_tint(luma, red, blue, (luma > _DARK) & ~full)
    same = np.ones_like(luma)
    distances = [
        # How far each pixel is from the tint times `weight`, of which a highlight may have any part.
        distance_from(red, blue, tint, weight, bright, clipped)
        for tint, weight in ((even, same), (slope, luma))
    ]
    thick = np.ones((_THIN, _THIN), np.uint8)
    found = [np.percentile(cv2.morphologyEx(each, cv2.MORPH_OPEN, thick), 99) for each in distances]
    strength = max(0.0, float(np.hypot(*even)) - _WEAK_TINT) / _STRONGER
    return max(0.0, float(min(found))) / (1 + strength)


def growing_tint(luma: np.ndarray, red: np.ndarray, blue: np.ndarray, lit: np.ndarray) -> tuple[float, float]:
    """The tint per level of luma where a picture is `lit`; what is stronger than a tint is cut to one."""
    if not lit.any():
        return 0.0, 0.0
    slope = np.array([np.median(plane[lit] / luma[lit]) for plane in (red, blue)])
    slope *= min(1.0, _STRONGEST / max(float(np.linalg.norm(slope)), 1e-6))
    return float(slope[0]), float(slope[1])


def distance_from(
    red: np.ndarray,
    blue: np.ndarray,
    tint: tuple[float, float],
    weight: np.ndarray,
    bright: np.ndarray,
    clipped: np.ndarray,
) -> np.ndarray:
    """How far each pixel's chroma is from `tint` times `weight`, float32 [h, w].

    Where a pixel is `bright` it may have any part of the tint. The share `clipped` of it is taken off.
    """
    squared = tint[0] ** 2 + tint[1] ** 2
    along = (red * tint[0] + blue * tint[1]) / max(squared, 1e-6)
    part = np.where(bright, np.clip(along, 0, weight), weight)
    distance = np.hypot(red - part * tint[0], blue - part * tint[1])
    rest: np.ndarray = distance - clipped * weight * np.float32(np.sqrt(squared))
    return rest


def sharpness(grey: np.ndarray) -> float:
    """How fine the detail is: the Laplacian over the gradient, which blur reduces and light does not.

    It is a low quantile over blocks, weighted by gradient up to a limit: plain areas do not count, and a
    sharp caption over a blurred picture counts little. The noise of the plainest blocks is subtracted.
    """
    import cv2

    height, width = grey.shape
    blocks = (6, 10) if height > width else (10, 6)
    smooth = cv2.GaussianBlur(grey, (3, 3), 0)
    across, down = (cv2.Sobel(smooth, cv2.CV_16S, *axis, ksize=1) for axis in ((1, 0), (0, 1)))
    gradient = cv2.add(cv2.convertScaleAbs(across, alpha=2), cv2.convertScaleAbs(down, alpha=2))
    detail = cv2.convertScaleAbs(cv2.Laplacian(smooth, cv2.CV_16S, ksize=1), alpha=4)
    coarse, fine = (cv2.resize(each, blocks, interpolation=cv2.INTER_AREA) for each in (gradient, detail))
    coarse, fine = (np.maximum(each - np.percentile(each, 5), 0).ravel() for each in (coarse, fine))
    ratios = fine / (coarse + 4)
    order = np.argsort(ratios)
    weight = np.cumsum(np.minimum(coarse, 20)[order])
    return float(ratios[order][np.searchsorted(weight, 0.35 * weight[-1])])


def stir(before: np.ndarray, after: np.ndarray) -> tuple[float, float]:
    """Mean difference of two grey images, 0..255: in the block that changes most, and in the middle one."""
    import cv2

    change = cv2.absdiff(before, after).astype(np.float32)
    blocks = cv2.resize(change, (6, 6), interpolation=cv2.INTER_AREA)
    return float(blocks.max()), float(np.median(blocks))


def bars(grey: np.ndarray) -> float:
    """Share of the frame under black bars at top and bottom, or at both sides, 0..1.

    Bars end at a straight line and have similar sizes; one may contain a caption.
    """
    import cv2

    dark = (grey < _DARK).astype(np.float32)
    return max(_bar_share(cv2.reduce(dark, axis, cv2.REDUCE_AVG).ravel()) for axis in (1, 0))


def _bar_share(dark: np.ndarray) -> float:
    """The share of lines that are in bars at both ends; `dark` has each line's share of dark pixels."""
    sizes = [_bar_size(lines) for lines in (dark, dark[::-1])]
    if min(sizes) < 0.6 * max(sizes) or max(sizes) == 0:
        return 0.0
    # The picture between the bars must not be as dark as they are.
    inside = dark[sizes[0] : len(dark) - sizes[1]]
    return sum(sizes) / len(dark) if len(inside) and inside.mean() < 0.7 else 0.0


def _bar_size(dark: np.ndarray) -> int:
    """How many lines the bar at the start of `dark` has: up to the last step from black to picture."""
    steps = 1 + np.flatnonzero((dark[:-3] >= 0.95) & (dark[2:-1] < 0.85) & (dark[3:] < 0.85))
    # With a caption in the bar, its lines are still at least half dark, and the bar is dark as a whole.
    ends = [int(end) for end in steps if dark[:end].min() > 0.5 and dark[:end].mean() > 0.8]
    return max(ends, default=0)


class EdgeLines(NamedTuple):
    """Share of pixels on an edge in eight parts of each column `[W, 8]` and of each row `[H, 8]`."""

    columns: np.ndarray
    rows: np.ndarray


def edge_lines(grey: np.ndarray) -> EdgeLines:
    """The edges along the columns and rows of a grey image."""
    return EdgeLines(_edge_lines(grey.T), _edge_lines(grey))


def seam(near: Sequence[EdgeLines]) -> float:
    """How clearly a straight line divides the picture into halves or thirds, from edge to edge, 0..1.

    It is the share of the line's pixels that are on an edge, averaged over frames that are `near` each other,
    so that only a line counts that stays in place while the picture moves.
    """
    return max(_seam(np.stack(each).mean(axis=0)) for each in zip(*near, strict=True))


def _edge_lines(lines: np.ndarray) -> np.ndarray:
    """Share of pixels that differ across the line, in eight parts of each line of `[N, M]`: `[N, 8]`."""
    import cv2

    if len(lines) < 3:
        return np.zeros((len(lines), 8), np.float32)
    edge = (cv2.absdiff(lines[2:], lines[:-2]) > _EDGE).astype(np.float32)
    return cv2.copyMakeBorder(
        cv2.resize(edge, (8, len(edge)), interpolation=cv2.INTER_AREA), 1, 1, 0, 0, cv2.BORDER_CONSTANT
    )


def _seam(parts: np.ndarray) -> float:
    """The clearest of the lines `parts` `[N, 8]` that are where screens are divided, or 0."""
    whole = parts.mean(axis=1)
    count = len(whole)
    best = 0.0
    if count < 3:
        return best
    for division in _DIVISIONS:
        near = np.arange(round((division - _OFF) * count), round((division + _OFF) * count) + 1)
        line = int(near[np.argmax(whole[near])])
        # A thin line with nothing like it beside it and hardly a gap, unlike the edge of a door or tower.
        beside = max(whole[max(0, line - 5)], whole[min(count - 1, line + 5)])
        if parts[line].min() > 0.15 and whole[line] - beside > 0.25:
            best = max(best, float(whole[line]))
    return best
