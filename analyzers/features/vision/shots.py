"""Where shots begin and end: hard cuts and fades, for analyzers that must not look across them.

The detector of cuts is PySceneDetect's `AdaptiveDetector`, which gets frames that are already decoded. It
compares a change with the changes nearby, so that it misses cuts between quick pans, and cuts between
pictures that differ little. They are found by what changes after the shift by a moving camera is undone. This
module also distinguishes a cut from a flash, after which the picture comes back, and from an effect that
changes colours or sharpness; and it follows fades to the ends of their ramps. The first picture after a black
beginning is no cut.

What it cannot do: a dissolve or wipe is no cut and no fade. Two shots of the same thing from the same place
are one. A pan of more than half a picture from frame to frame cannot be told from a cut.

`follow` goes through a clip chunk by chunk, and `finish` puts together what it found. Whether a picture comes
back is seen in thumbnails, so those of the last second and a half go with the state. All positions are frame
indices; a cut at `k` means that frame `k` is the first of the new shot.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from clipbench.analyzers.base import Chunk, ClipFacts, FrameSettings, setting
from clipbench.analyzers.features.vision.fades import BRIDGED, Dip, Fade, Ramps
from clipbench.analyzers.features.vision.thumbnails import Thumbnails

#: What is left of the luma's change after a shift is undone, in a cut: this share of the least content score
#: (which is a mean with both chroma planes), and so many times the mean of its neighbours; and so many times
#: in a cut that the detector has found. Chosen on rendered pans, low contrast and slides at 10 to 60 fps.
_STEP_SHARE, _STEP_RATIO, _CONFIRMED = 0.375, 3.0, 1.5
#: Changes with a lower content score are not looked at more closely.
_QUIET = 0.5
#: Deviation of luma up to which a black frame is plain.
_PLAIN = 5.0

if TYPE_CHECKING:
    from scenedetect.detectors import AdaptiveDetector


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


class ShotsFound(NamedTuple):
    """What `follow` finds: three numbers for each of the chunk's frames, and what it decided meanwhile.

    `levels` are the frames' brightness, `scores` their content scores. After `dips` the picture was back
    within a flash's length, so they are no fades.
    """

    times_s: np.ndarray
    levels: np.ndarray
    scores: np.ndarray
    cuts: list[int]
    dips: list[Dip]


class ShotState(NamedTuple):
    """What `follow` knows of the frames before a chunk, which analyzers share: it is never changed.

    `planes` are those of the last frame; `levels` and `thumbnails` are of the latest frames. `pending` cuts
    wait for the frames after them. `steps` are what is left of the latest changes after a shift is undone;
    the first `opening` frames are black. It is half a megabyte.
    """

    detector: AdaptiveDetector
    seen: int
    planes: np.ndarray | None
    levels: np.ndarray
    thumbnails: dict[int, np.ndarray]
    pending: list[int]
    steps: np.ndarray
    opening: int


class Shots(NamedTuple):
    """The frames' times, brightness and content scores, `[T]` each, and the cuts and fades among them."""

    times_s: np.ndarray
    levels: np.ndarray
    scores: np.ndarray
    cuts: list[int]
    fades: list[Fade]

    def spans(self) -> list[tuple[int, int]]:
        """The frames `[start, stop)` of each shot; one ends where a fade is plainest."""
        bounds = sorted({0, *self.cuts, *(fade.plain for fade in self.fades), len(self.levels)})
        return list(pairwise(bounds))


def frame_rate(clip: ClipFacts, settings: ShotSettings) -> float:
    """Frames per second, which are fewer than asked for if the clip has fewer."""
    return min(settings.fps, clip.fps)


def flash_frames(clip: ClipFacts, settings: ShotSettings) -> int:
    """The most frames that a flash lasts."""
    return max(1, round(settings.flash_s * frame_rate(clip, settings)))


def settled(clip: ClipFacts, settings: ShotSettings, state: ShotState) -> int:
    """Up to which frame all cuts are known."""
    return max(0, state.seen - max(settings.window, flash_frames(clip, settings)))


def begin(settings: ShotSettings) -> ShotState:
    """The state before the first chunk."""
    from scenedetect.detectors import AdaptiveDetector

    detector = AdaptiveDetector(
        settings.ratio, 0, window_width=settings.window, min_content_val=settings.min_score, luma_only=True
    )
    return ShotState(detector, 0, None, np.empty(0), {}, [], np.empty(0), 0)


def follow(chunk: Chunk, state: ShotState, settings: ShotSettings) -> tuple[ShotsFound, ShotState]:
    """What is found in the next chunk, once per worker and settings, and the state after it."""
    key = tuple(getattr(settings, field.name) for field in fields(ShotSettings))
    return chunk.memo(("shots", *key), lambda: _follow(chunk, state, settings))


def finish(clip: ClipFacts, found: Sequence[ShotsFound], state: ShotState, settings: ShotSettings) -> Shots:
    """The shots of the clip, from what was found in each chunk, and the last state."""
    times = np.concatenate([one.times_s for one in found])
    levels = np.concatenate([one.levels for one in found])
    scores = np.concatenate([one.scores for one in found])
    last_cuts, last_dips = _last(clip, state, settings)
    dips = {*last_dips, *(dip for one in found for dip in one.dips)}
    fades = sorted(fade for dip, fade in _ramps(clip, settings).fades(levels) if dip not in dips)
    return Shots(times, levels, scores, [*(cut for one in found for cut in one.cuts), *last_cuts], fades)


def _follow(chunk: Chunk, state: ShotState, settings: ShotSettings) -> tuple[ShotsFound, ShotState]:
    times, images = chunk.frames(settings.fps, settings.size)
    seen, reach = state.seen + len(images), flash_frames(chunk, settings)
    detector, before = copy.deepcopy(state.detector), state.planes
    scores, candidates = np.zeros(len(images)), list(state.pending)
    thumbnails = Thumbnails(state.thumbnails, state.seen, images)
    levels = np.concatenate([state.levels, brightness(images)])
    steps, opening = state.steps, state.opening
    for row, image in enumerate(images):
        planes = _planes(image)
        if before is None:
            # The detector looks `window` frames to both sides, so it is blind at the ends without repeats.
            _detected(detector, planes, range(settings.window))
        else:
            scores[row] = _score(before, planes)
        at = state.seen + row
        position = at + settings.window
        step = thumbnails.difference(at - 1, at) if scores[row] >= _QUIET else 0.0
        steps = np.append(steps, step)[-2 * settings.window - 1 :]
        found = _detected(detector, planes, range(position, position + 1))
        candidates += _confirmed(found, at - settings.window, steps, at + 1, settings)
        plain = levels[len(state.levels) + row] < settings.black and thumbnails[at].std() < _PLAIN
        opening += int(opening == at and plain)
        before = planes
    ready = [cut for cut in candidates if cut + reach < seen]
    cuts = [cut for cut in ready if cut > opening and _is_cut(thumbnails, cut, reach, seen)]
    dips = _dips(chunk, settings, levels, thumbnails, seen, range(state.seen, seen))
    seen_here = ShotsFound(times, levels[len(state.levels) :], scores, cuts, dips)
    # As far back as the earliest picture that a cut or dip of a later chunk is compared with.
    keep = reach + max(reach, settings.window) + 2 * BRIDGED + 4
    pending = candidates[len(ready) :]
    latest = levels[-keep:], thumbnails.latest(keep)
    return seen_here, ShotState(detector, seen, before, *latest, pending, steps, opening)


def _last(clip: ClipFacts, state: ShotState, settings: ShotSettings) -> tuple[list[int], list[Dip]]:
    """The cuts and dips near the end of the clip, which had to wait for more frames."""
    thumbnails = Thumbnails(state.thumbnails, state.seen, np.empty((0, 0, 0, 3), np.uint8))
    candidates = list(state.pending)
    if state.planes is not None:
        detector, first = copy.deepcopy(state.detector), state.seen - settings.window
        for index in range(first, state.seen):
            position = index + 2 * settings.window
            found = _detected(detector, state.planes, range(position, position + 1))
            candidates += _confirmed(found, index, state.steps, state.seen, settings)
    reach = flash_frames(clip, settings)
    cuts = [cut for cut in candidates if cut > state.opening and _is_cut(thumbnails, cut, reach, state.seen)]
    beyond = range(state.seen, state.seen + BRIDGED + 1)
    return cuts, _dips(clip, settings, state.levels, thumbnails, state.seen, beyond)


def brightness(images: np.ndarray) -> np.ndarray:
    """Mean of all channels, 0..255, of each of uint8 `[T, H, W, 3]` images: float64 `[T]`."""
    import cv2

    return np.array([np.mean(cv2.mean(image)[:3]) for image in images], np.float64)


def _planes(image: np.ndarray) -> np.ndarray:
    """Luma and both chroma planes of an RGB image at about half size, side by side: uint8 `[h, 3 w]`.

    PySceneDetect compares hue, saturation and value. In black, white and grey areas noise alone makes the
    first two jump, so the detector gets these planes as one grey picture and compares only its value.
    """
    import cv2

    half = (max(8, image.shape[1] // 2), max(8, image.shape[0] // 2))
    small = cv2.resize(image, half, interpolation=cv2.INTER_AREA)
    return cv2.hconcat(cv2.split(cv2.cvtColor(small, cv2.COLOR_RGB2YCrCb)))


def _score(before: np.ndarray, after: np.ndarray) -> float:
    """The detector's score of two frames' planes: the mean difference of luma and chroma, 0..255."""
    import cv2

    return float(cv2.mean(cv2.absdiff(before, after))[0])


def _detected(detector: AdaptiveDetector, planes: np.ndarray, positions: range) -> list[int]:
    """The cuts that the detector finds when it gets a frame at each of its `positions`.

    Its position of a frame is `window` more than the frame's index.
    """
    import cv2
    from scenedetect import FrameTimecode

    bgr = cv2.cvtColor(planes, cv2.COLOR_GRAY2BGR)
    found = []
    for position in positions:
        # It only serves as a frame number, because the times of the clip's frames may be irregular.
        found += detector.process_frame(FrameTimecode(position, fps=30.0), bgr)
    return [code.frame_num - detector.window_width for code in found]


def _confirmed(
    found: list[int], index: int, steps: np.ndarray, seen: int, settings: ShotSettings
) -> list[int]:
    """`index` if it may be a cut, whether the detector has `found` it or not; `steps` end before `seen`."""
    place = index - (seen - len(steps))
    if index < 1 or place < 0:
        return []
    window = slice(max(0, place - settings.window, 1 - (seen - len(steps))), place + settings.window + 1)
    others = np.delete(steps[window], place - window.start)
    nearby = float(others.mean()) if len(others) else 0.0
    clear = steps[place] >= max(_STEP_SHARE * settings.min_score, _STEP_RATIO * nearby)
    return [index] if clear or (index in found and steps[place] >= _CONFIRMED * nearby) else []


def _is_cut(thumbnails: Thumbnails, cut: int, reach: int, seen: int) -> bool:
    """Whether there is another picture from frame `cut` on, and neither before nor after it just a flash."""
    later, earlier = range(cut + 1, min(cut + reach + 1, seen)), range(cut - 2, max(cut - reach - 2, -1), -1)
    return (
        0 < cut < seen
        and not thumbnails.is_alike(cut - 1, cut)
        and not thumbnails.comes_back(cut - 1, cut, later)
        and not thumbnails.comes_back(cut, cut - 1, earlier)
    )


def _ramps(clip: ClipFacts, settings: ShotSettings) -> Ramps:
    rate = frame_rate(clip, settings)
    # A step of one frame is a cut, however long frames are.
    least = max(2, round(settings.min_ramp_s * rate))
    return Ramps(settings.fade_rate / rate, least, int(settings.black), int(settings.white))


def _dips(
    clip: ClipFacts,
    settings: ShotSettings,
    levels: np.ndarray,
    thumbnails: Thumbnails,
    seen: int,
    decisive: range,
) -> list[Dip]:
    """The dips of which the last frame that matters is among the `decisive`.

    `levels` are those of the latest of the `seen` frames. In a dip the picture is back so soon that it was a
    flash.
    """
    offset, longest = seen - len(levels), flash_frames(clip, settings) + 1
    found = []
    for dip, fade in _ramps(clip, settings).fades(levels):
        start, stop = min(dip.first, fade.start), max(dip.resume, fade.stop)
        decided = offset + max(dip.resume, fade.stop + BRIDGED) in decisive
        at_end = offset + fade.start == 0 or offset + fade.stop == seen
        if decided and stop - start <= longest and not at_end:
            before, plain, after = (offset + at for at in (fade.start - 1, fade.plain, fade.stop))
            if thumbnails.comes_back(before, plain, (after,)):
                found.append(Dip(dip.first + offset, dip.resume + offset, dip.white))
    return found
