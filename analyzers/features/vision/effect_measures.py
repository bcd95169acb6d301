"""Measures of frames and of pairs of frames from which effects are found.

Frames are uint8 RGB `[H, W, 3]`, grey images uint8 `[H, W]`; each measure is one number.
"""

from __future__ import annotations

import numpy as np

from clipbench.analyzers.features.vision.block_means import block_means

#: Level of luma below which a pixel belongs to a black bar.
_DARK = 24
#: How far in levels the pixels of a bar are from their median; a caption may be in a fifth of it.
_BLACK = 3
#: The gradient of a block with something in it, and the least share of such blocks in which blur is seen.
#: A thing of 2 % on a wall is in 7 % of them; nine of ten photographs under strong blur, in 47 % and more.
_SHOWN, _SHOWING = 3, 0.15


def grey(image: np.ndarray) -> np.ndarray:
    """Luma of an RGB image: uint8 `[H, W]`."""
    import cv2

    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


def sharpness(grey: np.ndarray) -> float:
    """How fine the detail is: the Laplacian over the gradient, which blur reduces and light does not.

    It is a low quantile over blocks, weighted by gradient up to a limit: plain areas do not count, and a
    sharp caption over a blurred picture counts little. The noise of the plainest blocks is subtracted. It is
    not a number (NaN) where hardly anything but a plain ground is seen: only noise would be measured.
    """
    import cv2

    height, width = grey.shape
    blocks = (10, 6) if height > width else (6, 10)
    smooth = cv2.GaussianBlur(grey, (3, 3), 0)
    across, down = (cv2.Sobel(smooth, cv2.CV_16S, *axis, ksize=1) for axis in ((1, 0), (0, 1)))
    gradient = cv2.add(cv2.convertScaleAbs(across, alpha=2), cv2.convertScaleAbs(down, alpha=2))
    detail = cv2.convertScaleAbs(cv2.Laplacian(smooth, cv2.CV_16S, ksize=1), alpha=4)
    coarse, fine = (block_means(each, *blocks) for each in (gradient, detail))
    coarse, fine = (np.maximum(each - np.percentile(each, 5), 0).ravel() for each in (coarse, fine))
    if np.mean(coarse > _SHOWN) < _SHOWING:
        return float("nan")
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
    return max(
        _bar_share(cv2.reduce(dark, axis, cv2.REDUCE_AVG).ravel(), lines)
        for axis, lines in ((1, grey), (0, grey.T))
    )


def _bar_share(dark: np.ndarray, grey: np.ndarray) -> float:
    """The share of lines that are in bars at both ends; `dark` has each line's share of dark pixels."""
    sizes = [_bar_size(lines) for lines in (dark, dark[::-1])]
    if min(sizes) < 0.6 * max(sizes) or max(sizes) == 0:
        return 0.0
    # The picture between the bars must not be as dark as they are.
    inside = dark[sizes[0] : len(dark) - sizes[1]]
    if not len(inside) or inside.mean() >= 0.7:
        return 0.0
    # Bars are one black, unlike a night sky and what is below it. Near the picture, compression spoils them.
    both = np.concatenate([grey[: max(1, sizes[0] - 2)], grey[len(dark) - max(1, sizes[1] - 2) :]])
    black = int(np.median(both))
    return sum(sizes) / len(dark) if np.mean(np.abs(both.astype(int) - black) <= _BLACK) >= 0.8 else 0.0


def _bar_size(dark: np.ndarray) -> int:
    """How many lines the bar at the start of `dark` has: up to the last step from black to picture."""
    steps = 1 + np.flatnonzero((dark[:-3] >= 0.95) & (dark[2:-1] < 0.85) & (dark[3:] < 0.85))
    # With a caption in the bar, its lines are still at least half dark, and the bar is dark as a whole.
    ends = [int(end) for end in steps if dark[:end].min() > 0.5 and dark[:end].mean() > 0.8]
    return max(ends, default=0)
