"""How good a draft is: the workers that it becomes, whether they fit, what bounds them, what is predicted."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field

from clipbench.bench.errors import InputError
from clipbench.bench.planning.auto.demand import Demand, Part
from clipbench.bench.planning.auto.drafts import Draft, DraftGroup
from clipbench.bench.planning.auto.local_search import Outlook, Score
from clipbench.bench.planning.placement import place
from clipbench.executors.base import Executor
from clipbench.executors.layout import Group, Machine, WorkerPlan
from clipbench.executors.settings import ExecutorSettings

#: Workers, where there is memory for them.
Layout = tuple[WorkerPlan, ...]


@dataclass(frozen=True)
class Setting:
    """Where groups become workers: under this executor with these settings, on this machine."""

    executor: type[Executor]
    settings: ExecutorSettings
    machine: Machine


@dataclass
class DraftScorer:
    """Scores drafts by their workers (`Scorer` in local_search.py).

    `foretold` gives the value that a simulation predicts for a draft and its workers, `bounded` makes of the
    seconds that bound them a value that is no better.
    """

    demand: Demand
    setting: Setting
    foretold: Callable[[Draft, Layout], Score]
    bounded: Callable[[float], float] = float
    memory_gb: float | None = None
    _layouts: dict[Draft, Layout | None] = field(default_factory=dict)
    _keys: dict[Draft, Hashable] = field(default_factory=dict)

    def key(self, draft: Draft) -> Hashable | None:
        if (layout := self.layout(draft)) is None:
            return None
        if draft not in self._keys:
            self._keys[draft] = tuple((held(w), w.device, w.threads, w.cpus) for w in layout)
        return self._keys[draft]

    def outlook(self, draft: Draft) -> Outlook:
        parts = self.demand.parts(self.layout(draft) or self.unplaced(draft))
        loads = [part.seconds for part in parts if part.kind in ("worker", "gpu")]
        bound = self.bounded(max((part.seconds for part in parts), default=0.0))
        return Outlook(bound, math.hypot(*loads))

    def score(self, draft: Draft) -> Score:
        layout = self.layout(draft)
        assert layout is not None, "there is no memory for it"
        return self.foretold(draft, layout)

    def binding(self, draft: Draft) -> list[Part]:
        """What bounds a draft, the tightest first."""
        parts = self.demand.parts(self.layout(draft) or self.unplaced(draft))
        return sorted(parts, key=lambda part: -part.seconds)

    def layout(self, draft: Draft) -> Layout | None:
        """The workers of a draft on their devices; None where there is no memory for them."""
        if draft not in self._layouts:
            self._layouts[draft] = self._placed(draft)
        return self._layouts[draft]

    def unplaced(self, draft: Draft) -> Layout:
        """The workers of a draft, without a look at memory."""
        groups = [group_of(f"group{number}", each, self.demand) for number, each in enumerate(draft)]
        return self.setting.executor.layout(groups, self.setting.machine, self.setting.settings)

    def _placed(self, draft: Draft) -> Layout | None:
        workers = self.unplaced(draft)
        if self.memory_gb is not None and self.host_memory_gb(workers) > self.memory_gb:
            return None
        try:
            return place(workers, self.setting.machine.gpus)
        except InputError:
            return None

    def host_memory_gb(self, workers: Sequence[WorkerPlan]) -> float:
        """GB of the host that these workers' analyzers need, as far as that is known."""
        cost = self.demand.cost
        return sum(cost(t.analyzer).memory_gb or 0.0 for worker in workers for t in worker.tasks)


def held(worker: WorkerPlan) -> frozenset[str]:
    """The analyzers that a worker holds."""
    return frozenset([task.analyzer for task in worker.tasks])


def groups_of(draft: Draft, demand: Demand) -> tuple[Group, ...]:
    """The groups of a draft, with names that say what is in them."""
    named = zip(group_names(draft, demand), draft, strict=True)
    return tuple(group_of(name, each, demand) for name, each in named)


def group_of(name: str, each: DraftGroup, demand: Demand) -> Group:
    """A group of a draft as it is planned."""
    tasks = demand.tasks_of(each.analyzers)
    return Group(name, each.device, tasks, replicas=each.replicas, threads=each.threads or None)


def group_names(draft: Draft, demand: Demand) -> list[str]:
    """A name for each group: what it reads or, where that is not enough, with its longest analyzer."""
    kinds = [kind_of(group.analyzers, demand) for group in draft]
    names = []
    for group, kind in zip(draft, kinds, strict=True):
        longest = max(group.analyzers, key=lambda name: demand.load((name,), 1, True).worker_s)
        if len(group.analyzers) == 1:
            names.append(longest)
        else:
            names.append(kind if kinds.count(kind) == 1 else f"{kind}_with_{longest}")
    return names


def kind_of(analyzers: Sequence[str], demand: Demand) -> str:
    """What most of the work of these analyzers reads: pictures, sound or results."""
    seconds: Mapping[str, float] = {
        kind: demand.load(tuple(names), 1, True).worker_s
        for kind, names in (
            ("pictures", [a for a in analyzers if demand.by_name[a].frames]),
            (
                "sound",
                [a for a in analyzers if demand.by_name[a].needs.audio and not demand.by_name[a].frames],
            ),
            ("results", [a for a in analyzers if not any(demand.by_name[a].needs)]),
        )
        if names
    }
    whole = sum(seconds.values())
    large = [kind for kind, own in seconds.items() if own >= 0.25 * whole]
    return "_and_".join(large) or "results"
