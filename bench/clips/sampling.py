"""Which frames an analyzer gets that asks for so many per second: those on screen at 0, 1/fps, 2/fps …"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from clipbench.analyzers.base import FrameRequest

#: A frame that comes this many seconds too late is still taken: times are rounded in files.
LATE_S = 1e-4
#: Seconds before the end of a clip at which nothing is asked for any more.
END_S = 1e-6


class Sampling:
    """The frames of one request, from a clip whose frames come one after another.

    A frame has its own time where it is first given, and the time at which it was asked for where it is given
    again because it is still on screen. Where a clip has no more frames than that, each is given once.
    """

    def __init__(self, fps: float, duration_s: float, frames: int) -> None:
        self.fps, self.duration_s = fps, duration_s
        self.every = frames <= fps * duration_s * 1.001
        self._next = 0

    def start_at(self, time_s: float) -> None:
        """Begin with the frame that is shown from `time_s` on."""
        self._next = max(0, int(np.ceil((time_s - LATE_S) * self.fps)))

    def times(self, time_s: float, until_s: float) -> list[float]:
        """The times with which a frame is given that is on screen from `time_s` until `until_s`."""
        if self.every:
            return [time_s]
        found: list[float] = []
        end_s = min(until_s - LATE_S, self.duration_s - END_S)
        while (at := self._next / self.fps) < end_s:
            found.append(max(time_s, at) if found else time_s)
            self._next += 1
        return found


def expected(
    requests: Iterable[FrameRequest], times_s: np.ndarray, duration_s: float
) -> dict[FrameRequest, tuple[np.ndarray, np.ndarray]]:
    """For each request the frames and the times with which it will be given them, if these are their times.

    `times_s` [N] is when each frame is first shown; the frames are indices into it.
    """
    found = {}
    for request in requests:
        if Sampling(request.fps, duration_s, len(times_s)).every:
            found[request] = (np.arange(len(times_s)), times_s)
            continue
        at = np.arange(0.0, duration_s - END_S, 1.0 / request.fps)
        frames = np.searchsorted(times_s, at + LATE_S, side="right").clip(1) - 1
        again = np.diff(frames, prepend=-1) == 0
        found[request] = (frames, np.where(again, at, times_s[frames]))
    return found
