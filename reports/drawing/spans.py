"""What the drawings of a run share about spans: their names, which overlap, and how busy a worker was."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from clipbench.bench.runs.utilization import Window, union
from clipbench.executors.base import Span


@dataclass(frozen=True)
class WorkerLanes:
    """The spans of one worker in lanes: one lane, unless the worker did several things at once."""

    worker: str
    lanes: list[list[Span]]

    @property
    def analyzes(self) -> bool:
        """Whether the worker ran any analyzer."""
        return any(is_analysis(span) for lane in self.lanes for span in lane)


def is_analysis(span: Span) -> bool:
    """Whether an analyzer was at work, in contrast to start-up, decoding and cleanup."""
    return span.phase == "analyze"


def span_name(span: Span) -> str:
    """The analyzer of an analysis; of any other span the phase and the analyzer, such as "load body_pose"."""
    return span.analyzer if is_analysis(span) else f"{span.phase} {span.analyzer}".strip()


def fed_chunks(spans: Iterable[Span]) -> set[tuple[int, str]]:
    """The clip and the analyzer of every analysis that went chunk by chunk."""
    return {(span.clip, span.analyzer) for span in spans if is_analysis(span) and span.chunk is not None}


def span_title(span: Span, fed: Collection[tuple[int, str]] = ()) -> str:
    """The span's name with the chunk that was read, counted from 1: "text_overlay, chunk 3".

    It is "…, end" where an analyzer of `fed` made its results of what it had found in the chunks.
    """
    name = span_name(span)
    if span.chunk is None:
        return f"{name}, end" if is_analysis(span) and (span.clip, span.analyzer) in fed else name
    if span.count == 1:
        return f"{name}, chunk {span.chunk + 1}"
    return f"{name}, chunk {span.chunk + 1} and {span.count - 1} more"


def inside(spans: Iterable[Span], window: Window) -> list[Span]:
    """The spans of which at least a part lies in `window`."""
    return [span for span in spans if span.end_s > window[0] and span.start_s < window[1]]


def clipped(span: Span, window: Window) -> Window:
    """Start and end of the part of the span that lies in `window`."""
    return max(span.start_s, window[0]), min(span.end_s, window[1])


def worker_lanes(spans: Sequence[Span]) -> list[WorkerLanes]:
    """The lanes of each worker; the worker that began first comes first."""
    workers: dict[str, list[Span]] = {}
    for span in sorted(spans, key=lambda s: s.start_s):
        workers.setdefault(span.worker, []).append(span)
    return [WorkerLanes(worker, nested_lanes(own)) for worker, own in workers.items()]


class Timed(Protocol):
    """What has a start and an end, in seconds from the start of the run."""

    @property
    def start_s(self) -> float: ...

    @property
    def end_s(self) -> float: ...


T = TypeVar("T", bound=Timed)


def nested_lanes(spans: Iterable[T]) -> list[list[T]]:
    """`spans` in as few lanes as possible, where any two spans of a lane either nest or do not overlap."""
    lanes: list[list[T]] = []
    open_ends: list[list[float]] = []  # for each lane: the ends of the spans not yet over, outermost first
    for span in sorted(spans, key=lambda s: (s.start_s, -s.end_s)):
        for ends in open_ends:
            while ends and ends[-1] <= span.start_s:
                ends.pop()
        free = (n for n, ends in enumerate(open_ends) if not ends or span.end_s <= ends[-1])
        number = next(free, len(lanes))
        if number == len(lanes):
            lanes.append([])
            open_ends.append([])
        lanes[number].append(span)
        open_ends[number].append(span.end_s)
    return lanes


def busy_share(row: WorkerLanes, window: Window) -> float:
    """The fraction of `window` in which the worker was doing something."""
    spans = inside((span for lane in row.lanes for span in lane), window)
    busy = union(clipped(span, window) for span in spans)
    return sum(end - start for start, end in busy) / (window[1] - window[0])
