"""Small planning problems, and a scorer that schedules whole analyzers where nothing slows anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from clipbench.analyzers.base import Settings
from clipbench.bench.planning.auto.demand import ClipShape, Demand
from clipbench.bench.planning.auto.drafts import Draft, DraftGroup, Space
from clipbench.bench.planning.auto.local_search import Score
from clipbench.bench.planning.auto.scoring import DraftScorer, Layout, Setting
from clipbench.executors import registry as executors
from clipbench.executors.costs import AnalyzerCost, Costs, Growth, Work
from clipbench.executors.layout import Gpu, Machine, Task


def problem(
    seconds: Mapping[str, float],
    reads: Mapping[str, Sequence[str]] | None = None,
    shared: Mapping[str, float] | None = None,
    gpu_gb: Mapping[str, float] | None = None,
    cores: int = 4,
) -> Demand:
    """One clip and analyzers that take so many seconds of it.

    `reads` says whose results one reads; `shared` are the seconds of derivations, which the analyzers whose
    names begin with theirs share; `gpu_gb` has the analyzers that work on a GPU and the memory they need.
    """
    reads, shared, gpu_gb = reads or {}, shared or {}, gpu_gb or {}
    costs = {
        name: AnalyzerCost(
            Work(gpu=Growth(s)) if name in gpu_gb else Work(Growth(s)),
            tuple(each for each in shared if name.startswith(each)),
        )
        for name, s in seconds.items()
    }
    tasks = tuple(
        Task(name, Settings(), tuple(reads.get(name, ())), gpu=name in gpu_gb, memory_gb=gpu_gb.get(name))
        for name in seconds
    )
    derivations = {name: Work(Growth(s)) for name, s in shared.items()}
    return Demand(Costs("here", cores, "declared", costs, derivations), tasks, (ClipShape(10, 1),), cores)


def space_of(demand: Demand, gpus: int = 0, **options) -> Space:
    """The space for a problem."""
    return Space(tuple(task.analyzer for task in demand.tasks), frozenset(demand.on_gpu), gpus, **options)


def scorer(demand: Demand, gpus: Sequence[float] = (), executor: str = "gpu_pinned") -> DraftScorer:
    """The scorer of a problem on GPUs with so much memory."""
    cls = executors.strategy(executor)
    machine = Machine(demand.cores, (), tuple(Gpu(n, gb) for n, gb in enumerate(gpus)))
    return DraftScorer(
        demand,
        Setting(cls, cls.settings_type(threads=1), machine),
        lambda groups, layout: Score(makespan(demand, layout), len(demand.tasks)),
    )


def makespan(demand: Demand, layout: Layout) -> float:
    """When the last task ends: each worker takes the ready task with the longest way to go."""
    rank: dict[str, float] = {}
    for task in reversed(demand.tasks):
        after = [rank[t.analyzer] for t in demand.tasks if task.analyzer in t.upstream]
        rank[task.analyzer] = demand.load((task.analyzer,), 1, True).worker_s + max(after, default=0.0)
    free = {worker.name: 0.0 for worker in layout}
    done: dict[str, float] = {}
    known: dict[str, tuple[str, ...]] = {worker.name: () for worker in layout}
    waiting = set(rank)
    while waiting:
        ready = {
            t.analyzer: max((done[u] for u in t.upstream), default=0.0)
            for t in demand.tasks
            if t.analyzer in waiting and waiting.isdisjoint(t.upstream)
        }
        able = [
            (max(free[w.name], at), -rank[n], w.name, n)
            for w in layout
            for n, at in ready.items()
            if w.holds(n)
        ]
        begin, _, worker, name = min(able)
        both = demand.load((*known[worker], name), 1, True).worker_s
        done[name] = free[worker] = begin + both - demand.load(known[worker], 1, True).worker_s
        known[worker] = (*known[worker], name)
        waiting.remove(name)
    return max(done.values())


def all_drafts(space: Space, most: int) -> Iterator[Draft]:
    """Every partition of the analyzers into up to `most` groups, each group on every device."""
    for parts in partitions(list(space.analyzers), most):
        drafts: list[list[DraftGroup]] = [[]]
        for part in parts:
            devices = ["cpu"] if space.gpu.isdisjoint(part) else [f"gpu:{n}" for n in range(space.gpus)]
            drafts = [[*d, space.group(part, DraftGroup((), device))] for d in drafts for device in devices]
        yield from (space.canonical(draft) for draft in drafts)


def partitions(names: list[str], most: int) -> Iterator[list[list[str]]]:
    """Every partition of these names into up to `most` parts."""
    if not names:
        yield []
        return
    first, rest = names[0], names[1:]
    for parts in partitions(rest, most):
        for number in range(len(parts)):
            yield [[*p, first] if n == number else p for n, p in enumerate(parts)]
        if len(parts) < most:
            yield [*parts, [first]]
