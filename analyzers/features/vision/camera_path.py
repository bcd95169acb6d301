"""The motion of the camera from each frame of a clip to the next, chunk by chunk, and where it is lost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from clipbench.analyzers.base import Frames
from clipbench.analyzers.features.vision import camera_motion


class Tracked(NamedTuple):
    """A frame in which corners can be followed: its time, grey image `[H, W]` and corners `[N, 2]`."""

    time_s: float
    grey: np.ndarray
    corners: np.ndarray


class PathFound(NamedTuple):
    """The times of a chunk's frames, the motions that became known, and the frames that no track reaches."""

    times_s: np.ndarray
    moves: list[camera_motion.Motion | None]
    cuts: list[int]


class PathState(NamedTuple):
    """The frames from `first` on, from which the next motion begins; the last frame is always among them.

    There is one, or as many as a flash lasts across which the tracks may continue.
    """

    first: int
    frames: list[Tracked]


class CameraPath(NamedTuple):
    """The times of the frames `[T]`, the motion from each to the next `[T - 1]`, and the frames after cuts.

    Between two cuts all motions are known. `shape` is the frames' height and width.
    """

    times_s: np.ndarray
    moves: list[camera_motion.Motion | None]
    cuts: list[int]
    shape: tuple[int, ...]


def follow(frames: Frames, state: PathState, bridge_s: float) -> tuple[PathFound, PathState]:
    """The motions in the next chunk, and the state after it; tracks may be lost for `bridge_s`."""
    import cv2

    greys = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in frames.images]
    tracked = [
        Tracked(float(time), grey, camera_motion.corners(grey))
        for time, grey in zip(frames.times_s, greys, strict=True)
    ]
    moves, cuts, after = _moves(PathState(state.first, state.frames + tracked), bridge_s, False)
    return PathFound(frames.times_s, moves, cuts), after


def finish(found: Sequence[PathFound], state: PathState, bridge_s: float) -> CameraPath:
    """The path of the whole clip, from what was found in each chunk, and the last state."""
    moves, cuts, last = _moves(state, bridge_s, True)
    return CameraPath(
        np.concatenate([one.times_s for one in found]),
        [move for one in found for move in one.moves] + moves,
        [cut for one in found for cut in one.cuts] + cuts,
        last.frames[-1].grey.shape,
    )


def _moves(
    state: PathState, bridge_s: float, at_end: bool
) -> tuple[list[camera_motion.Motion | None], list[int], PathState]:
    """The motions and cuts that the frames tell, `at_end` all of them, and the frames that remain."""
    first, frames = state
    moves: list[camera_motion.Motion | None] = []
    cuts: list[int] = []
    index = 0
    while index + 1 < len(frames):
        latest_s = frames[index].time_s + bridge_s
        found = None
        for later in range(index + 1, len(frames)):
            if later > index + 1 and frames[later].time_s > latest_s:
                break
            found = camera_motion.motion(frames[index].grey, frames[later].grey, frames[index].corners)
            if found is not None:
                moves += [_part(found, later - index)] * (later - index)
                index = later
                break
        if found is None:
            if frames[-1].time_s <= latest_s and not at_end:
                break
            moves.append(None)
            index += 1
            cuts.append(first + index)
    return moves, cuts, PathState(first + index, frames[index:])


def _part(whole: camera_motion.Motion, count: int) -> camera_motion.Motion:
    """One of `count` equal steps whose sum is `whole`."""
    return camera_motion.Motion(
        whole.dx / count, whole.dy / count, whole.scale ** (1 / count), whole.roll / count, whole.evidence
    )
