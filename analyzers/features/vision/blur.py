"""Where a shot is blurred for a while, from how sharp its frames are.

What it cannot do: a shot that is blurred as a whole is not found, and neither is blur that comes slowly,
which looks like a camera that turns to what is out of focus.
"""

from __future__ import annotations

import numpy as np

from clipbench.analyzers.features.vision.fades import runs

#: What is left of the sharpness where blur begins and ends: with the blur of an effect, up to 0.55.
_STEP = 0.6
#: Change of the middle block from frame to frame from which a quick motion blurs the picture: 2 to 15 in
#: pictures under a blur that move by up to a quarter of their width a second, 20 to 70 in quick pans. Smooth
#: pictures change less, so many times the change of the other frames will do: a blur makes it no more.
_QUICK, _QUICKER, _LEAST = 18.0, 2.0, 1.5


def lost_detail(sharp: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """The share of detail that each frame lacks, compared with the sharpest of the shot's `seen` frames.

    It is 0 where sharpness is not known.
    """
    known = sharp[seen & np.isfinite(sharp)]
    reference = float(np.percentile(known, 90)) if len(known) else 0.0
    if reference <= 0:
        return np.zeros(len(sharp))
    lost: np.ndarray = np.nan_to_num(np.clip(1 - sharp / reference, 0, 1))
    return lost


def without_motion(
    lost: np.ndarray, least: float, sharp: np.ndarray, change: np.ndarray, near: int
) -> np.ndarray:
    """`lost` of a shot, and 0 where it is at `least` this much but comes slowly, or with a quick motion.

    `change` is that of the middle block; the begin and end of blur are looked for within `near` frames.
    """
    kept, clear = lost.copy(), lost < least
    others = float(np.median(change[clear])) if clear.any() else 0.0
    quick = min(_QUICK, max(_LEAST, _QUICKER * others))
    for start, stop in runs(~clear):
        ends = [
            (slice(max(0, start - near), start), slice(start, start + near)),
            (slice(stop, stop + near), slice(max(start, stop - near), stop)),
        ]
        # At the end of a shot, blur may go on.
        ends = [each for each in ends if np.isfinite(sharp[each[0]]).any()]
        sudden = all(
            np.median(sharp[within]) <= _STEP * np.nanmax(sharp[beside]) and np.median(change[within]) < quick
            for beside, within in ends
        )
        if not sudden or np.median(change[start:stop]) >= quick:
            kept[start:stop] = 0
    return kept
