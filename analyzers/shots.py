"""Where shots begin and end: hard cuts and fades, for the analyzers that must not look across them.

The detectors are PySceneDetect's (`AdaptiveDetector`, `ThresholdDetector`), fed with frames that are
already decoded. Two things are added to them: a flash is told from a cut by the picture coming back, and
a fade is followed to where its ramps begin and end. All positions are frame indices; a cut at `k` means
that frame `k` is the first of the new shot.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

#: A picture that returns to under this share of the difference has come back: a flash, not a cut.
_CAME_BACK = 0.4
#: Phase correlation under this finds its peak in noise (seen: same scene from 0.36, others up to 0.10).
_ALIGNED = 0.2


class Fade(NamedTuple):
    """A passage through black or white, `[start, stop)`: plain from `plain` until `resume`."""

    start: int
    plain: int
    resume: int
    stop: int
    white: bool


def _timecode(index: int):
    from scenedetect import FrameTimecode

    # Only ever used as a frame number: the times of the clip's own frames may be irregular.
    return FrameTimecode(index, fps=30.0)


def brightness(images: np.ndarray) -> np.ndarray:
    """Mean of all channels, 0..255, of each of uint8 `[T, H, W, 3]` images: float64 `[T]`."""
    import cv2

    return np.array([np.mean(cv2.mean(image)[:3]) for image in images])


def _planes(image: np.ndarray) -> np.ndarray:
    """Luma and both chroma planes of an RGB image at about half size, side by side: uint8 `[h, 3 w]`.

    PySceneDetect compares hue, saturation and value. In black, white and grey areas noise alone makes the
    first two jump, so the detector is given these planes as one grey picture and compares only its value.
    """
    import cv2

    half = (max(8, image.shape[1] // 2), max(8, image.shape[0] // 2))
    small = cv2.resize(image, half, interpolation=cv2.INTER_AREA)
    return cv2.hconcat(cv2.split(cv2.cvtColor(small, cv2.COLOR_RGB2YCrCb)))


def content_score(before: np.ndarray, after: np.ndarray) -> float:
    """The detector's score of two RGB images: the mean difference of luma and chroma, 0..255."""
    import cv2

    return float(cv2.mean(cv2.absdiff(_planes(before), _planes(after)))[0])


def _thumbnail(image: np.ndarray) -> np.ndarray:
    """`image` in grey, float32, its longer side at most 128 pixels."""
    import cv2

    height, width = image.shape[:2]
    scale = min(1.0, 128 / max(height, width))
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    return cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA).astype(
        np.float32
    )


def _difference(before: np.ndarray, after: np.ndarray) -> float:
    """Mean difference of two thumbnails where they overlap, once a moving camera's shift is undone."""
    import cv2

    height, width = before.shape
    window = cv2.createHanningWindow((width, height), cv2.CV_32F)
    # On copies: OpenCV 5.0 applies the window to the images that it is given.
    (dx, dy), response = cv2.phaseCorrelate(before.copy(), after.copy(), window)
    if response < _ALIGNED or max(abs(dx) / width, abs(dy) / height) > 0.5:
        return float(np.abs(after - before).mean())
    dx, dy = round(dx), round(dy)
    after = after[max(dy, 0) : height + min(dy, 0), max(dx, 0) : width + min(dx, 0)]
    before = before[max(-dy, 0) : height + min(-dy, 0), max(-dx, 0) : width + min(-dx, 0)]
    return float(np.abs(after - before).mean())


def comes_back(images: np.ndarray, before: int, changed: int, later: range) -> bool:
    """Whether the picture at `before`, which is another at `changed`, is there again at one of `later`."""
    reference = _thumbnail(images[before])
    limit = _CAME_BACK * _difference(reference, _thumbnail(images[changed]))
    return any(_difference(reference, _thumbnail(images[index])) < limit for index in later)


def hard_cuts(images: np.ndarray, ratio: float, min_score: float, window: int, reach: int) -> list[int]:
    """First frames of new shots in uint8 RGB `[T, H, W, 3]`, where a flash is none.

    A cut's content score is at least `min_score` and `ratio` times the mean of the `window` frames on either
    side (PySceneDetect's AdaptiveDetector). A flash lasts at most `reach` frames.
    """
    import cv2
    from scenedetect.detectors import AdaptiveDetector

    detector = AdaptiveDetector(ratio, 0, window_width=window, min_content_val=min_score, luma_only=True)
    # The detector looks `window` frames to both sides: without the repeats it is blind at the clip's ends.
    order = [0] * window + list(range(len(images))) + [len(images) - 1] * window
    found: list[int] = []
    for position, index in enumerate(order):
        bgr = cv2.cvtColor(_planes(images[index]), cv2.COLOR_GRAY2BGR)
        found += [code.frame_num - window for code in detector.process_frame(_timecode(position), bgr)]
    return [
        cut
        for cut in found
        if 0 < cut < len(images)
        and not comes_back(images, cut - 1, cut, range(cut + 1, min(cut + reach + 1, len(images))))
        and not comes_back(images, cut, cut - 1, range(cut - 2, max(cut - reach - 2, -1), -1))
    ]


def _ramp(levels: np.ndarray, start: int, direction: int, min_step: float) -> int:
    """Index where the change of `levels` away from `start` ends, going in `direction` (-1 or 1)."""
    index = start

    def rises(by: int) -> bool:
        # Looking up to three frames ahead bridges repeated frames within the ramp.
        ahead = index + direction * by
        return 0 <= ahead < len(levels) and levels[ahead] - levels[index] >= by * min_step

    while rises(1) or rises(2) or rises(3):
        index += direction
    return index


def fades(levels: np.ndarray, black: float, white: float, min_step: float, min_ramp: int) -> list[Fade]:
    """Fades through black and white in mean brightnesses `[T]` (0..255), in order of time.

    Plain frames are below `black` or from `white` on (PySceneDetect's ThresholdDetector); on at least one
    side the brightness must change by `min_step` per frame for `min_ramp` frames, or it is a cut to black.
    """
    from scenedetect.detectors import ThresholdDetector

    methods = (
        (ThresholdDetector.Method.FLOOR, black, False),
        (ThresholdDetector.Method.CEILING, white, True),
    )
    found = []
    for method, threshold, is_white in methods:
        detector = ThresholdDetector(threshold, 0, fade_bias=-1.0, add_final_scene=True, method=method)
        starts = []
        for index in range(len(levels)):
            # The detector takes the mean of what it is given, so the mean will do for the frame.
            starts += detector.process_frame(_timecode(index), levels[index : index + 1])
        starts += detector.post_process(_timecode(len(levels) - 1)) if len(levels) else []
        plain = levels >= int(threshold) if is_white else levels < int(threshold)
        away = -levels if is_white else levels
        for first in sorted({code.frame_num for code in starts}):
            resume = first + int(np.argmin(plain[first:])) if not plain[first:].all() else len(levels)
            start = _ramp(away, first, -1, min_step)
            stop = _ramp(away, resume - 1, 1, min_step) if resume < len(levels) else len(levels)
            if max(first - start, stop - resume if resume < len(levels) else 0) >= min_ramp:
                found.append(Fade(start, first, resume, stop, is_white))
    return sorted(found)
