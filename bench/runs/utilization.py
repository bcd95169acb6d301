"""How large a share of the measured time workers, cores and GPUs were busy, as result.json has it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

#: Start and end, in seconds.
Window = tuple[float, float]


@dataclass(kw_only=True)
class Utilization:
    """Fractions of the measured time: of each worker, that in which it analyzed.

    Of a simulated run also `cores`, the mean over all of them, and for each GPU, by its index, that in which
    it had something to do; None where these are real, and watched instead.
    """

    workers: dict[str, float]
    cores: float | None = field(default=None, metadata={"optional": True})
    gpus: dict[str, float] | None = field(default=None, metadata={"optional": True})


def union(intervals: Iterable[Window], gap: float = 0.0) -> list[Window]:
    """The union of intervals, in order; those at most `gap` seconds apart are joined."""
    joined: list[Window] = []
    for start, end in sorted(intervals):
        if joined and start <= joined[-1][1] + gap:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((start, end))
    return joined


def covered_s(intervals: Iterable[Window], windows: Iterable[Window]) -> float:
    """Seconds of `windows`, none of which overlap, in which there is one of the intervals."""
    pieces = union(intervals)
    return sum(
        max(0.0, min(end, until) - max(start, since)) for since, until in windows for start, end in pieces
    )
