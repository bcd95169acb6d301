"""Pictures that a file's packets announce and that never come out of the decoder, which need not say so."""

from __future__ import annotations

from typing import Any

import numpy as np

#: Codecs in which each packet has a picture that is shown. Others have packets that show none by right
#: ("not coded" pictures of MPEG-4, reference frames of VP8), and their decoders tell of what they leave out.
PICTURE_IN_EACH_PACKET = ("h264", "hevc", "av1")
#: The second field of a frame may be a packet of its own: a gap this much wider than usual is none yet.
SPARE_SHARE = 0.25


class Holes:
    """Counts the announced times, in ticks, for which no picture has come.

    What comes before the first picture is none: decoders begin at a key frame. Nor is what could be a picture
    whose time is not known, or the second field of a frame.
    """

    def __init__(self, codec: str, announced: np.ndarray) -> None:
        """`announced` are the times of the pictures to be shown, of a stream of this codec."""
        self._ticks = np.unique(announced if codec in PICTURE_IN_EACH_PACKET else announced[:0])
        self._came = np.zeros(len(self._ticks), np.bool_)
        self._last = -1
        self._unplaced = 0
        self._fields = False

    def came(self, frame: Any) -> None:
        """Take note of a picture that the decoder gave."""
        self._fields = self._fields or bool(frame.interlaced_frame)
        if frame.pts is not None and len(self._ticks) and frame.pts < self._ticks[0]:
            return  # on the way to where somebody wants to begin
        at = None if frame.pts is None else int(np.searchsorted(self._ticks, frame.pts))
        if at is None or at == len(self._ticks) or self._ticks[at] != frame.pts or self._came[at]:
            self._unplaced += 1
            return
        self._came[at] = True
        self._last = max(self._last, at)

    def ended(self) -> None:
        """Take note that no picture will come any more."""
        if self._came.any():
            self._last = len(self._ticks) - 1

    def count(self) -> int:
        """How many pictures are missing up to the last one that came; at the end, of all."""
        came = np.flatnonzero(self._came[: self._last + 1])
        if not len(came):
            return 0
        behind = np.append(came[1:], self._last + 1)
        missing = behind - came - 1
        if self._fields and len(came) > 1:
            steps = np.diff(self._ticks[came])
            ends = np.append(self._ticks[came[1:]], self._ticks[self._last] + np.median(steps))
            frames = (ends - self._ticks[came]) / np.median(steps) + SPARE_SHARE
            missing = np.minimum(missing, frames.astype(np.int64) - 1)
        return max(0, int(missing.sum()) - self._unplaced)
