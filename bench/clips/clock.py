"""When packets and frames are shown, also where a recording's clock jumps, and where times are missing."""

from __future__ import annotations

from typing import Any

#: AVFMT_TS_DISCONT: formats whose clock may jump within a file, such as MPEG transport streams.
CLOCK_MAY_JUMP = 0x0200
#: A jump of the clock by more than this, forward or back, is no pause. As in the ffmpeg command.
LONGEST_STEP_S = 10.0
LONGEST_STEP_BACK_S = 0.1


class Clock:
    """Puts the packets of a file onto one clock, in the order in which they are read.

    Broadcast streams are cut and joined, and their clock wraps. Where it jumps, time goes on without a gap,
    for picture and sound alike, by the rule of the ffmpeg command.
    """

    def __init__(self, format_flags: int) -> None:
        self._jumps = bool(format_flags & CLOCK_MAY_JUMP)
        self._offset_s = 0.0
        self._last_s: float | None = None
        self._next_s: dict[int, float] = {}

    def adjust(self, packet: Any) -> None:
        """Move the times of `packet`, which is the next in the file."""
        if not self._jumps or packet.dts is None:
            return
        tick = float(packet.time_base)
        stream = packet.stream_index
        at = packet.dts * tick + self._offset_s
        expected = self._next_s.get(stream, self._last_s)
        if expected is not None:
            delta = at - expected
            latest = expected if stream in self._next_s else at
            if abs(delta) > LONGEST_STEP_S or at + LONGEST_STEP_BACK_S < latest:
                self._offset_s -= delta
                at = expected
        if self._offset_s:
            ticks = round(self._offset_s / tick)
            packet.dts += ticks
            if packet.pts is not None:
                packet.pts += ticks
        self._last_s = at
        self._next_s[stream] = at + (packet.duration or 0) * tick


class FrameTimes:
    """The time of each decoded frame in ticks: its packet's, or the best guess. As libavcodec guesses.

    A file may have times of showing, of decoding, of both or of none, and either may be wrong.
    """

    def __init__(self, step: int) -> None:
        """`step` is the usual distance of two frames in ticks."""
        self._step = step
        self._last: int | None = None
        self._last_pts = self._last_dts = -(1 << 62)
        self._faulty_pts = self._faulty_dts = 0

    def of(self, frame: Any) -> int:
        """The time of `frame`, which is the next that the decoder gave."""
        pts, dts = frame.pts, frame.dts
        if dts is not None:
            self._faulty_dts += dts <= self._last_dts
            self._last_dts = dts
        elif pts is not None:
            self._last_dts = pts
        if pts is not None:
            self._faulty_pts += pts <= self._last_pts
            self._last_pts = pts
        elif dts is not None:
            self._last_pts = dts
        best = pts if pts is not None and (self._faulty_pts <= self._faulty_dts or dts is None) else dts
        if best is None:
            best = 0 if self._last is None else self._last + self._step
        self._last = int(best)
        return self._last
