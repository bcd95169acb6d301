"""Where shots begin and end: hard cuts and fades, for analyzers that must not look across them.

The detectors are PySceneDetect's (`AdaptiveDetector`, `ThresholdDetector`), which get frames that are
already decoded. This module also distinguishes a cut from a flash, after which the picture comes back, and
from an effect that changes colours or sharpness; and it follows fades to the ends of their ramps.

All positions are frame indices; a cut at `k` means that frame `k` is the first of the new shot.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from clipbench.analyzers.base import ClipView, FrameSettings, setting

if TYPE_CHECKING:
    from scenedetect import FrameTimecode

#: A picture whose difference falls below this share has come back: it was a flash, not a cut.
_CAME_BACK = 0.4
#: Pictures whose luma correlates more than this are the same one, recoloured, blurred or brightened.
_ALIKE = 0.85
#: Below this, phase correlation finds its peak in noise (measured: at least 0.36 in one scene, at most 0.10
#: between two).
_ALIGNED = 0.2


@dataclass
class ShotSettings(FrameSettings):
    """Settings of an analyzer that looks for shots."""

    fps: float = setting(30.0, "frames read per second of clip", low=0.01, high=240)
    size: int = setting(320, "longer side of the frames in pixels, 0 for as stored", low=0, high=8192)
    ratio: float = setting(3.0, "a cut's score over the mean of its neighbours", low=1, high=100)
    min_score: float = setting(8.0, "least content score (0..255) of a hard cut", low=0, high=255)
    window: int = setting(3, "neighbours on either side that a cut is compared with", low=1, high=30)
    flash_s: float = setting(0.4, "longest flash in seconds: the picture is back after it", low=0, high=5)
    black: float = setting(16.0, "mean brightness (0..255) below which a frame is black", low=1, high=255)
    white: float = setting(240.0, "mean brightness (0..255) from which a frame is white", low=1, high=255)
    fade_rate: float = setting(20.0, "least change of brightness per second in a fade", low=0.1, high=1000)
    min_ramp_s: float = setting(0.1, "shortest ramp of a fade in seconds", low=0, high=60)


class Fade(NamedTuple):
    """A passage through black or white, `[start, stop)`: plain from `plain` until `resume`."""

    start: int
    plain: int
    resume: int
    stop: int
    white: bool


def _timecode(index: int) -> FrameTimecode:
    from scenedetect import FrameTimecode

    # It only serves as a frame number, because the times of the clip's frames may be irregular.
    return FrameTimecode(index, fps=30.0)


def brightness(images: np.ndarray) -> np.ndarray:
    """Mean of all channels, 0..255, of each of uint8 `[T, H, W, 3]` images: float64 `[T]`."""
    import cv2

    return np.array([np.mean(cv2.mean(image)[:3]) for image in images])


def _planes(image: np.ndarray) -> np.ndarray:
    """Luma and both chroma planes of an RGB image at about half size, side by side: uint8 `[h, 3 w]`.

    PySceneDetect compares hue, saturation and value. In black, white and grey areas noise alone makes the
    first two jump, so the detector gets these planes as one grey picture and compares only its value.
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
    """Mean difference of two thumbnails where they overlap, after the shift by a moving camera is undone."""
    import cv2

    height, width = before.shape
    window = cv2.createHanningWindow((width, height), cv2.CV_32F)
    # On copies, because OpenCV 5.0 applies the window to the images in place.
    (dx, dy), response = cv2.phaseCorrelate(before.copy(), after.copy(), window)
    if response < _ALIGNED or max(abs(dx) / width, abs(dy) / height) > 0.5:
        return float(np.abs(after - before).mean())
    dx, dy = round(dx), round(dy)
    after = after[max(dy, 0) : height + min(dy, 0), max(dx, 0) : width + min(dx, 0)]
    before = before[max(-dy, 0) : height + min(-dy, 0), max(-dx, 0) : width + min(-dx, 0)]
    return float(np.abs(after - before).mean())


def _is_alike(before: np.ndarray, after: np.ndarray) -> bool:
    """Whether two images show the same picture, even if its colours, brightness or sharpness changed.

    It is enough if their middles do: bars or a caption may have appeared.
    """
    first, second = _thumbnail(before), _thumbnail(after)
    height, width = first.shape
    middle = slice(height // 4, -(-3 * height // 4)), slice(width // 4, -(-3 * width // 4))
    return _correlation(first, second) > _ALIKE or _correlation(first[middle], second[middle]) > _ALIKE


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    first, second = first - first.mean(), second - second.mean()
    scale = float(np.sqrt((first * first).sum() * (second * second).sum()))
    return float((first * second).sum()) / scale if scale > 0 else 0.0


def comes_back(images: np.ndarray, before: int, changed: int, later: range) -> bool:
    """Whether the picture at `before`, which differs at `changed`, is back at one of `later`."""
    reference = _thumbnail(images[before])
    limit = _CAME_BACK * _difference(reference, _thumbnail(images[changed]))
    return any(_difference(reference, _thumbnail(images[index])) < limit for index in later)


def frame_rate(times: np.ndarray) -> float:
    """Actual frames per second, which are fewer than asked for if the clip has fewer."""
    return 1 / float(np.median(np.diff(times))) if len(times) > 1 else 1.0


def flash_frames(times: np.ndarray, settings: ShotSettings) -> int:
    """The most frames that a flash lasts."""
    return max(1, round(settings.flash_s * frame_rate(times)))


def hard_cuts(clip: ClipView, settings: ShotSettings) -> list[int]:
    """First frames of new shots, without flashes; found once per worker and settings.

    A cut's content score is at least `min_score` and `ratio` times the mean of the `window` frames on either
    side (PySceneDetect's AdaptiveDetector).
    """
    times, images = clip.frames(settings.fps, settings.size)
    reach = flash_frames(times, settings)
    key = (settings.fps, settings.size, settings.ratio, settings.min_score, settings.window, reach)
    return clip.memo(("hard_cuts", *key), lambda: _hard_cuts(images, settings, reach))


def _hard_cuts(images: np.ndarray, settings: ShotSettings, reach: int) -> list[int]:
    import cv2
    from scenedetect.detectors import AdaptiveDetector

    window = settings.window
    detector = AdaptiveDetector(
        settings.ratio, 0, window_width=window, min_content_val=settings.min_score, luma_only=True
    )
    # The detector looks `window` frames to both sides, so without the repeats it is blind at the clip's ends.
    order = [0] * window + list(range(len(images))) + [len(images) - 1] * window
    found: list[int] = []
    for position, index in enumerate(order):
        bgr = cv2.cvtColor(_planes(images[index]), cv2.COLOR_GRAY2BGR)
        found += [code.frame_num - window for code in detector.process_frame(_timecode(position), bgr)]
    return [
        cut
        for cut in found
        if 0 < cut < len(images)
        and not _is_alike(images[cut - 1], images[cut])
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


def fades(images: np.ndarray, times: np.ndarray, settings: ShotSettings) -> list[Fade]:
    """Fades through black and white in uint8 RGB `[T, H, W, 3]` at `times`, in order of time.

    Plain frames are below `black` or not below `white` (PySceneDetect's ThresholdDetector); on at least one
    side the brightness must change at `fade_rate` for `min_ramp_s`, or it is a cut to black. A picture that
    is back within `flash_s` did not fade.
    """
    levels, rate = brightness(images), frame_rate(times)
    least = max(1, round(settings.min_ramp_s * rate))
    found = []
    for white in (False, True):
        plain = levels >= int(settings.white) if white else levels < int(settings.black)
        away = -levels if white else levels
        for first in _fade_outs(levels, settings.white if white else settings.black, white):
            rest = plain[first:]
            resume = len(levels) if rest.all() else first + int(np.argmin(rest))
            # The ramps continue beyond the threshold to the plainest frames.
            plainest = first + np.flatnonzero(away[first:resume] <= away[first:resume].min() + 1)
            first, resume = int(plainest[0]), int(plainest[-1]) + 1
            start = _ramp(away, first, -1, settings.fade_rate / rate)
            stop = _ramp(away, resume - 1, 1, settings.fade_rate / rate) if resume < len(levels) else resume
            if max(first - start, stop - resume) >= least:
                found.append(Fade(start, first, resume, stop, white))
    longest = flash_frames(times, settings) + 1
    return sorted(fade for fade in found if fade.stop - fade.start > longest or not _is_back(images, fade))


def _fade_outs(levels: np.ndarray, threshold: float, white: bool) -> list[int]:
    """The frames at which the brightness passes the threshold."""
    from scenedetect.detectors import ThresholdDetector

    method = ThresholdDetector.Method.CEILING if white else ThresholdDetector.Method.FLOOR
    detector = ThresholdDetector(threshold, 0, fade_bias=-1.0, add_final_scene=True, method=method)
    found = []
    for index in range(len(levels)):
        # The detector only computes the mean of a frame, so it gets the mean.
        found += detector.process_frame(_timecode(index), levels[index : index + 1])
    found += detector.post_process(_timecode(len(levels) - 1))
    return sorted({code.frame_num for code in found})


def _is_back(images: np.ndarray, fade: Fade) -> bool:
    """Whether the picture after a fade is the one before it."""
    if fade.start == 0 or fade.stop == len(images):
        return False
    return comes_back(images, fade.start - 1, fade.plain, range(fade.stop, fade.stop + 1))
