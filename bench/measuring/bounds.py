"""How close a pass came to the fastest schedule that its own pieces of work allow.

No schedule of a graph of jobs on m machines ends before its longest chain of dependent jobs, nor before all
work, spread evenly over the m machines, is done. The greater of the two is the lower bound, and greedy list
scheduling is never more than (2 - 1/m) times above it (R. L. Graham, "Bounds on Multiprocessing Timing
Anomalies", SIAM Journal on Applied Mathematics 17(2), 1969).

The bound takes the durations as they were measured in that very pass. So the efficiency judges the schedule
(waits, imbalance, overhead between analyses) and nothing else: workers that slow each other down by sharing
cores make every duration longer, the bound with them. That loss is seen in the real-time factor.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import accumulate

from clipbench.executors.base import Span

#: Stands for decoding in the graph and in a critical path.
DECODE = "decode"


@dataclass(frozen=True)
class Bound:
    """A lower bound on the time of one pass, beside the time it took; all in seconds.

    `critical_path_s` is the longest chain of dependent work and `critical_path` names it, first to last;
    `busy_s` is all work, decoding included, and `analyzing_s` the analyses alone; `machines` are the workers,
    or as many pieces of work as were under way at once where those are more (decoding beside all of them);
    `lower_bound_s` = max(critical_path_s, analyzing_s / workers, busy_s / machines); `makespan_s` is from the
    start of the first piece of work to the end of the last.
    """

    critical_path_s: float
    critical_path: tuple[str, ...]
    busy_s: float
    analyzing_s: float
    workers: int
    machines: int
    lower_bound_s: float
    makespan_s: float

    @property
    def efficiency(self) -> float:
        """Lower bound / makespan, in 0..1; 1 means that no schedule of this work could have been faster."""
        return self.lower_bound_s / self.makespan_s if self.makespan_s else 1.0


def lower_bound(
    spans: Iterable[Span],
    upstream: Mapping[str, Collection[str]],
    workers: int,
    frame_readers: Collection[str] | None = None,
) -> Bound:
    """The bound for one pass: of one clip, or of a queue of clips (`Span.clip` tells them apart).

    `spans` are those of the pass. Only decoding and analyses count as work: loading, spawning and the like
    are no work that a warm pass needs, and where they happen they lower the efficiency. An analyzer that was
    tried twice on a clip counts with both tries. `upstream` names for each analyzer those it waits for. One
    that is fed chunk by chunk reads its chunks beside them: only its end, which makes results of what was
    found, waits for theirs and for its own chunks. Analyzers in `frame_readers` (None: all) wait for the
    decoding of their clip; for frames that are handed out while decoding goes on, say so with an empty
    collection.

    Decoding is work like any other: where it takes the core of a worker that waits for its frames, that core
    is not idle. Where it ran beside all workers, there was one machine more than workers.

    Raises ValueError where there is no work or no worker, and graphlib.CycleError for a cyclic graph.
    """
    work = [span for span in spans if span.phase in ("decode", "analyze")]
    if not work:
        raise ValueError("no span of this pass is decoding or an analysis: there is nothing to bound")
    if workers < 1:
        raise ValueError(f"a pass takes 1 or more workers, not {workers}")
    graph: dict[str, tuple[str, ...]] = {span.analyzer: () for span in work if span.phase == "analyze"}
    graph |= {name: tuple(others) for name, others in upstream.items()}
    for span in work:
        if span.phase == "analyze" and (chunks := node_of(span)) not in (
            span.analyzer,
            *graph[span.analyzer],
        ):
            graph[span.analyzer] += (chunks,)
    order = tuple(TopologicalSorter(graph).static_order())

    seconds: dict[int, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for span in work:
        seconds[span.clip][node_of(span)] += span.end_s - span.start_s
    chains = [critical_path(of_clip, order, graph, frame_readers) for of_clip in seconds.values()]
    longest, names = max(chains)

    busy = sum(span.end_s - span.start_s for span in work)
    analyses = [span for span in work if span.phase == "analyze"]
    analyzing = sum(span.end_s - span.start_s for span in analyses)
    workers = max(workers, most_at_once(analyses))
    machines = max(workers, most_at_once(work))
    makespan = max(span.end_s for span in work) - min(span.start_s for span in work)
    bound = max(longest, analyzing / workers, busy / machines)
    return Bound(longest, names, busy, analyzing, workers, machines, bound, makespan)


def node_of(span: Span) -> str:
    """The node of the graph that a span belongs to: the chunks of an analyzer are one beside its end."""
    if span.phase == "decode":
        return DECODE
    return span.analyzer if span.chunk is None else f"{span.analyzer}, chunks"


def most_at_once(work: Iterable[Span]) -> int:
    """How many of these spans were under way at the same time, at the most."""
    edges = sorted([(s.start_s, 1) for s in work] + [(s.end_s, -1) for s in work])  # ends before starts
    return max(accumulate(step for _, step in edges), default=0)


def critical_path(
    seconds: Mapping[str, float],
    order: Iterable[str],
    upstream: Mapping[str, Collection[str]],
    frame_readers: Collection[str] | None,
) -> tuple[float, tuple[str, ...]]:
    """Seconds and names of the longest chain through one clip's work.

    `seconds` has the duration of each piece of work, `order` the analyzers with each after its upstream. An
    analyzer that was not run takes no time and is not named, but what it waits for is still waited for.
    """
    decode = (seconds.get(DECODE, 0.0), (DECODE,) if DECODE in seconds else ())
    ends: dict[str, tuple[float, tuple[str, ...]]] = {}
    for name in order:
        before = [ends[other] for other in upstream.get(name, ())]
        if frame_readers is None or name in frame_readers:
            before.append(decode)
        start, chain = max(before, default=(0.0, ()))
        ends[name] = (start + seconds[name], (*chain, name)) if name in seconds else (start, chain)
    return max(decode, *ends.values())
