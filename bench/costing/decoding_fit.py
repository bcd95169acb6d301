"""From clips that were decoded to what decoding costs."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from clipbench.bench.costing.observed import Decoded
from clipbench.executors.costs import DecodingCost, Growth


def decoding_cost(decoded: Sequence[Decoded]) -> DecodingCost:
    """What decoding takes; nothing where nothing was decoded."""
    sound = [one for one in decoded if one.sizes == 0]
    one_size = [one for one in decoded if one.sizes == 1]
    several = [one for one in decoded if one.sizes > 1]
    subject = [one for one in one_size if one.clip in {each.clip for each in several}]
    opened = [one.open_s for one in decoded]
    spawned = [one.spawn_s for one in decoded if one.spawn_s is not None]
    return DecodingCost(
        spawn_s=median(spawned) if spawned else 0.0,
        open_s=median(opened) if opened else 0.0,
        sound=growth(sound),
        frames=anchored(growth(one_size), subject),
        more_sizes=more_sizes(one_size, several),
    )


def growth(decoded: Sequence[Decoded]) -> Growth:
    """Seconds by the length of a chunk and by pixels: non-negative least squares on relative errors.

    Where all clips are of one size, pixels explain nothing, and seconds of clip all.
    """
    import numpy as np
    from scipy.optimize import nnls

    rows = [
        (span_s, one.megapixels, seconds)
        for one in decoded
        for span_s, seconds in zip(one.spans_s, one.seconds, strict=True)
        if seconds > 0
    ]
    if not rows:
        return Growth()
    span_s, megapixels, seconds = np.array(rows).T
    columns = [np.ones(len(rows)), span_s, span_s * megapixels]
    used = [np.ptp(span_s) > 0.1 * span_s.max(), True, np.ptp(megapixels) > 0.1 * megapixels.max()]
    design = np.stack([c if use else np.zeros(len(rows)) for c, use in zip(columns, used, strict=True)], 1)
    found, _ = nnls(design / seconds[:, None], np.ones(len(rows)))
    fixed, per_s, per_megapixel_s = map(float, found)
    return Growth(fixed, per_s, per_megapixel_s)


def anchored(found: Growth, subject: Sequence[Decoded]) -> Growth:
    """The growth with the seconds that were measured of the subject, the clip that all other costs are of.

    Other clips say how seconds grow with size. Of their level they say little: they are coded otherwise.
    """
    taken_s = sum(sum(one.seconds) for one in subject)
    fitted_s = sum(found.at(span_s, one.megapixels) for one in subject for span_s in one.spans_s)
    return found.times(taken_s / fitted_s) if fitted_s else found


def more_sizes(one_size: Sequence[Decoded], several: Sequence[Decoded]) -> float:
    """What each further size of frames takes, as a fraction of the first one, on the same clip."""
    clips = {one.clip for one in several}
    first = [sum(one.seconds) for one in one_size if one.clip in clips]
    more = [sum(one.seconds) for one in several]
    if not first or not more:
        return 0.0
    further = several[0].sizes - 1
    return max(0.0, (median(more) / median(first) - 1) / further)
