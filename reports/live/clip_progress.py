"""How far a clip is on its way through the analyzers that are fed chunk by chunk."""

from __future__ import annotations

from collections.abc import Collection

from clipbench.executors.base import Span
from clipbench.reports import formatting


class ClipProgress:
    """A clip that is read in chunks of `chunk_s` seconds by the `analyzers` that are fed them."""

    def __init__(self, duration_s: float, chunk_s: float, analyzers: Collection[str]) -> None:
        self.duration_s, self.chunk_s = duration_s, chunk_s
        self._next = dict.fromkeys(analyzers, 0)
        self._begun: dict[str, int] = {}
        self._start_s = self._end_s = 0.0

    def fed(self, span: Span) -> None:
        """Take note that an analyzer has read a chunk."""
        if span.chunk is None or span.analyzer not in self._next:
            return
        if not self._begun:
            self._start_s = span.start_s
        self._begun.setdefault(span.analyzer, span.chunk)
        self._next[span.analyzer] = span.chunk + 1
        self._end_s = max(self._end_s, span.end_s)

    def leave(self, analyzer: str) -> None:
        """An analyzer is through with the clip, or has failed: nobody waits for it."""
        self._next.pop(analyzer, None)

    @property
    def done_s(self) -> float:
        """The seconds of the clip that every analyzer has read."""
        return self._at(min(self._next.values())) if self._next else self.duration_s

    @property
    def speed(self) -> float | None:
        """Seconds of clip per second; None before it is known. What a resumed clip had before is left out."""
        read_s = self.done_s - self._at(min(self._begun.values(), default=0))
        took_s = self._end_s - self._start_s
        return read_s / took_s if read_s > 0 and took_s > 0 else None

    def _at(self, chunk: int) -> float:
        """Where a chunk begins."""
        return min(chunk * self.chunk_s, self.duration_s)

    def __str__(self) -> str:
        """The speed, and how long the rest takes at that speed; "" before it is known."""
        if self.speed is None:
            return ""
        left_s = (self.duration_s - self.done_s) / self.speed
        return f"{formatting.number(self.speed)}× real time, {formatting.long_duration(left_s)} left"
