"""Which frames an analyzer gets that asks for so many per second: those nearest to 0, 1/fps, 2/fps … seconds.

The frame on screen at such a time may have begun almost a frame earlier: at 30000/1001 frames a second, one a
second would be at 0.97, 1.97 and 2.97 s. The nearest frame begins at most half a frame away.

A frame has the time that was asked for or up to half a frame less, never more: what is found in the frame of
1 s is what holds at 1 s. So the time between two frames may be half a frame more or less than it really is.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from clipbench.analyzers.base import FrameRequest

#: Of two frames that are equally near the earlier one is taken, and times in files are rounded by this.
EQUAL_S = 1e-4
#: A frame keeps its own time if that is so many usual frames from the time that was asked for: half a frame,
#: and what times are rounded by in files that count milliseconds.
OWN_TIME = 0.6


class Sampling:
    """The frames of one request, from a clip whose frames come one after another.

    `times_s` [N] is when each frame is first shown, as far as that is known before they are decoded. A frame
    has its own time, but that which was asked for where it begins a little later or has long been on screen.
    Where a clip has no more frames than are asked for, each is given once, at its own time.
    """

    def __init__(self, fps: float, duration_s: float, times_s: np.ndarray) -> None:
        self.fps = fps
        self.every = len(times_s) <= fps * duration_s * 1.001
        self.step_s = usual_step(times_s)
        # In the last half of a frame nothing is asked for: the nearest frame would be one more.
        self.end_s = duration_s - max(self.step_s / 2, 1e-6)
        self._next = 0

    def start_at(self, time_s: float, before_s: float | None) -> None:
        """Begin with the frame that is shown from `time_s` on; the one before it came at `before_s`."""
        first_s = 0.0 if before_s is None else float(self.until(before_s, time_s))
        self._next = int(np.ceil(first_s * self.fps))
        while self._next and (self._next - 1) / self.fps >= first_s:
            self._next -= 1  # the product was rounded

    def until(self, time_s: np.ndarray | float, next_s: np.ndarray | float) -> np.ndarray:
        """Up to when a frame is the nearest that is shown from `time_s`, or from then until `next_s`."""
        half = np.minimum(np.subtract(next_s, time_s), self.step_s) / 2
        latest: np.ndarray = next_s - half + np.minimum(half, EQUAL_S)
        return latest

    def times(self, time_s: float, until_s: float) -> list[float]:
        """The times with which a frame is given that is on screen from `time_s` until `until_s`."""
        if self.every:
            return [time_s]
        found: list[float] = []
        end_s = min(float(self.until(time_s, until_s)), self.end_s)
        while (at := self._next / self.fps) < end_s:
            own = not found and at - time_s <= OWN_TIME * self.step_s
            found.append(min(time_s, at) if own else at)
            self._next += 1
        return found


def usual_step(times_s: np.ndarray) -> float:
    """The usual distance of two frames in seconds; 0 if there is only one."""
    steps = np.diff(times_s)
    steps = steps[steps > 0]
    return float(np.median(steps)) if len(steps) else 0.0


def expected(
    requests: Iterable[FrameRequest], times_s: np.ndarray, duration_s: float
) -> dict[FrameRequest, tuple[np.ndarray, np.ndarray]]:
    """For each request the frames and the times with which it will be given them, if these are their times.

    `times_s` [N] is when each frame is first shown; the frames are indices into it.
    """
    found = {}
    for request in requests:
        sampling = Sampling(request.fps, duration_s, times_s)
        if sampling.every:
            found[request] = (np.arange(len(times_s)), times_s)
            continue
        at = np.arange(int(np.ceil(duration_s * request.fps)) + 1) / request.fps
        at = at[at < sampling.end_s]
        limits = sampling.until(times_s[:-1], times_s[1:])
        frames = np.searchsorted(limits, at, side="right")
        again = np.diff(frames, prepend=-1) == 0
        own = ~again & (at - times_s[frames] <= OWN_TIME * sampling.step_s)
        found[request] = (frames, np.where(own, np.minimum(times_s[frames], at), at))
    return found
