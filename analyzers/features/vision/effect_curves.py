"""The measures of effect_measures.py, seams.py and tints.py along a clip, chunk by chunk.

All positions are frame indices.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from clipbench.analyzers.base import Chunk, ClipFacts
from clipbench.analyzers.features.vision import effect_measures, seams, shots, tints

#: Seams are averaged over so many seconds to either side.
_SEAM_S = 0.16
#: Colours and the sides of a seam are measured in about so many frames a second: they cost the most.
_COLOURS_PER_S, SIDES_PER_S = 15, 10
#: The sides are measured where so much of a line is an edge in a single frame.
_LINE = 0.4

_NO_COLOUR = dict.fromkeys(tints.Colour._fields, float("nan"))
_NO_SIDES = dict.fromkeys(seams.Sides._fields, float("nan"))


class Curves(NamedTuple):
    """One number for each of the frames, `[T]` each; see effect_measures.py.

    `contrast` is the deviation of luma, `stir` and `common_stir` compare a frame with the one before it.
    `most` and `broad` are those of `tints.Colour`, and the last four those of `seams.Sides`; they are not a
    number (NaN) in frames where they are not measured.
    """

    contrast: np.ndarray
    most: np.ndarray
    broad: np.ndarray
    bars: np.ndarray
    sharpness: np.ndarray
    stir: np.ndarray
    common_stir: np.ndarray
    uneven: np.ndarray
    across: np.ndarray
    alike: np.ndarray
    at: np.ndarray


@dataclass(frozen=True)
class Rise:
    """A jump of brightness at frame `index`, and the share of the picture that is bright at its peak.

    The peak is the brightest frame so far, of `level`, within the length of a flash; `before` is the grey
    image before the jump.
    """

    index: int
    before: np.ndarray
    level: float = -1.0
    share: float = 0.0

    def after(self, grey: np.ndarray, level: float, gain: float) -> Rise:
        """The rise after one more frame; pixels count that gained half of `gain`, or were white before."""
        if level <= self.level:
            return self
        brighter = np.mean(grey > self.before.astype(int) + gain / 2)
        saturated = np.mean(self.before > 255 - gain)
        return Rise(self.index, self.before, level, float(brighter + saturated))


@dataclass
class SeamWindow:
    """The edges of the latest frames, from `first` on, until the seams of all frames near them are known.

    The seam of `next` is the next to be told, and all `cuts` are in order.
    """

    lines: list[seams.EdgeLines] = field(default_factory=list)
    first: int = 0
    next: int = 0
    cuts: list[int] = field(default_factory=list)

    def seams(self, reach: int, stop: int) -> list[float]:
        """The seams of the frames up to `stop`, averaged over `reach` frames to either side in the shot."""
        found = []
        seen = self.first + len(self.lines)
        for index in range(self.next, stop):
            shot = bisect_right(self.cuts, index)
            begin = max(0, index - reach, *self.cuts[:shot][-1:])
            end = min(seen, index + reach + 1, *self.cuts[shot : shot + 1])
            found.append(seams.seam(self.lines[begin - self.first : end - self.first]))
            self.next = index + 1
        passed = max(0, self.next - reach - self.first)
        del self.lines[:passed]
        self.first += passed
        return found


class CurvesFound(NamedTuple):
    """What `follow` finds: fourteen numbers a frame. `rises` are the bright shares of the rises, by frame.

    `seams` follow those of the chunk before; those of the chunk's last frames are found in the next one.
    """

    shots: shots.ShotsFound
    curves: Curves
    seams: list[float]
    rises: dict[int, float]


class CurvesState(NamedTuple):
    """What `follow` knows of the frames before a chunk: `grey` is the last one. It is about a megabyte."""

    shots: shots.ShotState
    grey: np.ndarray | None
    rises: list[Rise]
    window: SeamWindow


class Along(NamedTuple):
    """A whole clip: its shots, its curves, `seams` `[T]`, and the bright shares of the rises, by frame."""

    shots: shots.Shots
    curves: Curves
    seams: np.ndarray
    rises: dict[int, float]


def begin(settings: shots.ShotSettings) -> CurvesState:
    """The state before the first chunk."""
    return CurvesState(shots.begin(settings), None, [], SeamWindow())


def follow(
    chunk: Chunk, state: CurvesState, settings: shots.ShotSettings, gain: float
) -> tuple[CurvesFound, CurvesState]:
    """What is found in the next chunk, and the state after it; a rise is a jump of at least `gain` levels."""
    found, after = shots.follow(chunk, state.shots, settings)
    images = chunk.frames(settings.fps, settings.size).images
    flash, reach = shots.flash_frames(chunk, settings), _reach(chunk, settings)
    before, level_before = state.grey, float(state.shots.levels[-1]) if state.shots.seen else 0.0
    rises, done = state.rises, dict[int, float]()
    rows, found_seams, window = [], list[float](), state.window
    window.cuts += found.cuts
    known = shots.settled(chunk, settings, after)
    colour_step, side_step = (every(chunk, settings, wanted) for wanted in (_COLOURS_PER_S, SIDES_PER_S))
    for index, image in enumerate(images, state.shots.seen):
        grey, level = effect_measures.grey(image), float(found.levels[index - state.shots.seen])
        lines = seams.edge_lines(grey)
        row = _measured(grey, before)
        row |= _NO_COLOUR if index % colour_step else tints.colour(image)._asdict()
        row |= _NO_SIDES if index % side_step else _sides(lines, image, grey, before)
        rows.append([row[name] for name in Curves._fields])
        if before is not None and level - level_before >= gain:
            rises.append(Rise(index, before))
        rises = [rise.after(grey, level, gain) for rise in rises]
        done |= {rise.index: rise.share for rise in rises if rise.index + flash <= index}
        rises = [rise for rise in rises if rise.index not in done]
        window.lines.append(lines)
        found_seams += window.seams(reach, min(index + 1, known) - reach)
        before, level_before = grey, level
    window.cuts = [cut for cut in window.cuts if cut > window.first]
    curves = Curves(*np.reshape(np.array(rows, np.float64), (-1, len(Curves._fields))).T)
    return CurvesFound(found, curves, found_seams, done), CurvesState(after, before, rises, window)


def finish(
    clip: ClipFacts, found: Sequence[CurvesFound], state: CurvesState, settings: shots.ShotSettings
) -> Along:
    """The curves of the clip, from what was found in each chunk, and the last state."""
    seen = shots.finish(clip, [one.shots for one in found], state.shots, settings)
    curves = Curves(*(np.concatenate(each) for each in zip(*(one.curves for one in found), strict=True)))
    window = SeamWindow(list(state.window.lines), state.window.first, state.window.next, seen.cuts)
    last = window.seams(_reach(clip, settings), state.shots.seen)
    along = np.array([value for one in found for value in one.seams] + last)
    rises = {rise.index: rise.share for rise in state.rises}
    for one in found:
        rises |= one.rises
    return Along(seen, curves, along, rises)


def every(clip: ClipFacts, settings: shots.ShotSettings, per_s: int) -> int:
    """Every how many frames something is measured that is wanted so many times a second."""
    return max(1, round(shots.frame_rate(clip, settings) / per_s))


def _reach(clip: ClipFacts, settings: shots.ShotSettings) -> int:
    return round(_SEAM_S * shots.frame_rate(clip, settings))


def _measured(grey: np.ndarray, before: np.ndarray | None) -> dict[str, float]:
    """The values of `Curves` that each frame has, by name."""
    import cv2

    most, common = (0.0, 0.0) if before is None else effect_measures.stir(before, grey)
    return {
        "contrast": float(cv2.meanStdDev(grey)[1][0, 0]),
        "bars": effect_measures.bars(grey),
        "sharpness": effect_measures.sharpness(grey),
        "stir": most,
        "common_stir": common,
    }


def _sides(
    lines: seams.EdgeLines, image: np.ndarray, grey: np.ndarray, before: np.ndarray | None
) -> dict[str, float]:
    """What is on the sides of the line that divides a frame, if there is one."""
    line = seams.dividing_line(lines, grey.shape, _LINE) if before is not None else None
    return _NO_SIDES if line is None or before is None else seams.sides(line, image, grey, before)._asdict()
