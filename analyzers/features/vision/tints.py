"""Whether a picture has colours, or only one tint.

A tint is the same everywhere, or it grows with luma as in sepia, and it fades in highlights.

Up to 4 levels off a tint is a picture without colours. That is chosen on 44 pictures in grey, sepia and six
tints and 35 photographs in colour, with noise of up to 4 levels at crf 18 to 35: of the former 4 % have more;
of the latter, none have less at full saturation, 3 % at 0.45, 20 % at 0.15, and 3 to 26 % at 0.3 under a
strong tint.

What it cannot do: a coloured thing of less than 4 % of the picture's longer side is not seen. Level lines of
coloured letters do not count, and neither does a thing that looks like one. A scene that has no colours of
its own cannot be told from one that lost them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from clipbench.analyzers.features.vision.fades import runs

#: Longer side of the picture in which colours are compared: chroma is stored at half the size of luma.
_SIZE = 160
#: Luma below which a pixel shows no colour and from which a tint fades; level of a clipped channel (as far
#: below 255 as compression makes it); the most chroma of a tint, as a share of luma.
_DARK, _HIGHLIGHT, _CLIPPED, _STRONGEST = 24, 180, 245, 0.4
#: Chroma is coarser than luma, so a tint may be that of any luma within so many pixels.
_REACH = 2
#: How thick a coloured thing is, and what is thicker than letters.
_THICK, _SOLID = 3, 4
#: Chroma off the tint of a small thing, and how much more is asked of it than of a hundredth of the picture.
#: Chosen on 120 pictures 320 pixels wide at crf 18 to 33: in grey and tinted ones without colour, nothing
#: reaches 8, and of people 14 pixels high in bright clothes 96 % do reach 12.
_VIVID, _SMALL = 12, 3.0
#: Distances are kept in steps of a quarter of a level.
_STEP = 0.25


#: How much more of a picture's broad colour there is before it is taken away: so many times, and levels.
_SWITCH, _SWITCH_LEVELS = 2.0, 1.0


class Colour(NamedTuple):
    """How far a picture is from one tint, in levels of chroma.

    `most` is that of its most coloured hundredth, or of a small vivid thing; `broad` is exceeded by a quarter
    of the picture.
    """

    most: float
    broad: float


def colour(image: np.ndarray) -> Colour:
    """The colours of an RGB image uint8 `[H, W, 3]`."""
    import cv2

    height, width = image.shape[:2]
    scale = min(1.0, _SIZE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    off = _off_tint(small)
    opened = cv2.morphologyEx(off, cv2.MORPH_OPEN, np.ones((_THICK, _THICK), np.uint8))
    vivid = round(_VIVID / _STEP)
    if opened.max() > vivid and _percentile(off, 90) < vivid:
        opened[_letters(off, opened, vivid)] = 0
    spot = float(opened.max())
    most = max(_percentile(opened, 99), spot / _SMALL if spot > vivid else 0.0)
    return Colour(most * _STEP, _percentile(off, 75) * _STEP)


def colourless(most: np.ndarray, broad: np.ndarray, limit: float, near: int) -> list[tuple[int, int]]:
    """The stretches of a shot in which it has one tint; `most` and `broad` `[T]` are those of its frames.

    A shot that also has colours lost them, or got them, within `near` frames all over the picture: where they
    go with somebody who leaves, or as the camera turns to a white wall, it is no effect.
    """
    plain = most < limit
    for start, stop in runs(~plain):
        if start > 0 and stop < len(plain) and stop - start <= 2:
            plain[start:stop] = True
    return [
        (start, stop)
        for start, stop in runs(plain)
        if (start == 0 or _is_switch(broad[max(0, start - near) : start], broad[start : start + near]))
        and (stop == len(plain) or _is_switch(broad[stop : stop + near], broad[max(0, stop - near) : stop]))
    ]


def _is_switch(coloured: np.ndarray, plain: np.ndarray) -> bool:
    """Whether there is much more broad colour in some frames than in those on the other side."""
    more, less = float(np.median(coloured)), float(np.median(plain))
    return more >= max(_SWITCH * less, less + _SWITCH_LEVELS)


def _off_tint(image: np.ndarray) -> np.ndarray:
    """How far each pixel is from the tint that suits the picture best, in steps, uint8 `[h, w]`."""
    import cv2

    luma, red, blue = cv2.split(cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb))
    clipped = cv2.max(cv2.max(image[..., 0], image[..., 1]), image[..., 2]) >= _CLIPPED
    even = np.array([_percentile(red, 50) - 128, _percentile(blue, 50) - 128])
    near = np.ones((2 * _REACH + 1,) * 2, np.uint8)
    lowest, highest = (each(luma, near).astype(np.float32) for each in (cv2.erode, cv2.dilate))
    bright = luma > _HIGHLIGHT
    reds, blues = red.astype(np.float32) - 128, blue.astype(np.float32) - 128
    slope = _growing(luma, reds, blues, (luma > _DARK) & ~clipped)
    same = np.ones_like(reds)
    # Where a channel is clipped, a tint changes by up to half of what it is.
    clipped &= bright
    found = []
    for tint, low, high in ((even, same, same), (slope, lowest, highest)):
        strength = float(np.hypot(*tint))
        toward = tint / strength if strength > 0 else np.array([1.0, 0.0])
        along = reds * np.float32(toward[0]) + blues * np.float32(toward[1])
        beside = reds * np.float32(toward[1]) - blues * np.float32(toward[0])
        # A highlight may have any part of the tint.
        least = np.where(bright, np.float32(0), low * np.float32(strength))
        most = high * np.float32(strength)
        outside = np.maximum(np.maximum(least - along, along - most), 0)
        distance = cv2.magnitude(beside, outside) - np.where(clipped, most / 2, np.float32(0))
        found.append(cv2.convertScaleAbs(np.maximum(distance, 0), alpha=1 / _STEP))
    return min(found, key=lambda each: float(each.mean()))


def _growing(luma: np.ndarray, red: np.ndarray, blue: np.ndarray, lit: np.ndarray) -> np.ndarray:
    """The tint per level of luma where a picture is `lit`; what is stronger than a tint is cut to one."""
    lit = lit[::2, ::2]
    if not lit.any():
        return np.zeros(2)
    shown = luma[::2, ::2][lit].astype(np.float32)
    slope = np.array([np.median(plane[::2, ::2][lit] / shown) for plane in (red, blue)], np.float64)
    return slope * min(1.0, _STRONGEST / max(float(np.linalg.norm(slope)), 1e-6))


def _letters(off: np.ndarray, opened: np.ndarray, vivid: int) -> np.ndarray:
    """Where a line of letters is: wide, and made of strokes, bool `[h, w]`."""
    import cv2

    coloured = (off > vivid).astype(np.uint8)
    joined = cv2.morphologyEx(coloured, cv2.MORPH_CLOSE, np.ones((1, 7), np.uint8))
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(joined)
    # Chroma runs into the gaps between letters, so only what is like the strongest colour nearby is solid.
    strong = coloured & (off > cv2.dilate(off, np.ones((9, 9), np.uint8)) // 2)
    solid = cv2.morphologyEx(strong, cv2.MORPH_OPEN, np.ones((_SOLID, _SOLID), np.uint8))
    whole, thick = (np.bincount(labels.ravel(), each.ravel(), count) for each in (coloured, solid))
    wide = boxes[:, cv2.CC_STAT_WIDTH] >= 2 * boxes[:, cv2.CC_STAT_HEIGHT]
    text = wide & (2 * thick < whole)
    text[0] = False
    found: np.ndarray = text[labels]
    return found


def _percentile(plane: np.ndarray, share: float) -> float:
    """The level that `share` percent of a uint8 image do not exceed."""
    import cv2

    total = np.cumsum(cv2.calcHist([plane], [0], None, [256], [0, 256]))
    return float(np.searchsorted(total, share / 100 * total[-1]))
