"""How good a draft is: the workers that it becomes, whether they fit, what bounds them, what is predicted."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field

from clipbench.bench.errors import InputError
from clipbench.bench.planning.auto.demand import Demand, Part
from clipbench.bench.planning.auto.drafts import Draft, DraftGroup
from clipbench.bench.planning.auto.local_search import Outlook, Score
from clipbench.bench.planning.placement import place
from clipbench.bench.planning.simulation import highest
from clipbench.executors.base import Executor
from clipbench.executors.layout import Group, Machine, WorkerPlan
from clipbench.executors.settings import ExecutorSettings

#: Groups and the workers that they become, on their devices.
Groups = tuple[Group, ...]
Layout = tuple[WorkerPlan, ...]


@dataclass(frozen=True)
class Setting:
    """Where groups become workers: under this executor with these settings, on this machine.

    `memory_gb` is what the host has, None where that is not known, and `own_gb` what a worker takes of it by
    itself.
    """

    executor: type[Executor]
    settings: ExecutorSettings
    machine: Machine
    memory_gb: float | None = None
    own_gb: float = 0.0

    def workers(self, groups: Sequence[Group]) -> Layout:
        """The workers of these groups, without a look at memory."""
        return self.executor.layout(groups, self.machine, self.settings)


@dataclass
class DraftScorer:
    """Scores drafts by their workers (`Scorer` in local_search.py).

    `foretold` gives the value that a simulation predicts for groups and their workers, `bounded` makes of the
    seconds that bound them a value that cannot be beaten.
    """

    demand: Demand
    setting: Setting
    foretold: Callable[[Groups, Layout], Score]
    bounded: Callable[[float], float] = float
    _layouts: dict[Draft, Layout | None] = field(default_factory=dict, init=False, repr=False)
    _keys: dict[Draft, Hashable] = field(default_factory=dict, init=False, repr=False)

    def key(self, draft: Draft) -> Hashable | None:
        if (layout := self.layout(draft)) is None:
            return None
        if draft not in self._keys:
            self._keys[draft] = tuple((held(w), w.device, w.threads, w.cpus) for w in layout)
        return self._keys[draft]

    def outlook(self, draft: Draft) -> Outlook:
        parts = self.parts(draft)
        loads = [part.seconds for part in parts if part.kind in ("worker", "gpu")]
        return Outlook(self.bounded(max(part.seconds for part in parts)), math.hypot(*loads))

    def score(self, draft: Draft) -> Score:
        layout = self.layout(draft)
        assert layout is not None, "there is no memory for it"
        return self.foretold(self.groups(draft), layout)

    def parts(self, draft: Draft) -> list[Part]:
        """All that bounds a draft."""
        layout = self.layout(draft) or self.setting.workers(self.groups(draft))
        return self.demand.parts(layout)

    def groups(self, draft: Draft) -> Groups:
        """The groups of a draft, with any names."""
        return tuple(group_of(f"group{n}", each, self.demand) for n, each in enumerate(draft))

    def layout(self, draft: Draft) -> Layout | None:
        """The workers of a draft on their devices; None where there is no memory for them."""
        if draft not in self._layouts:
            self._layouts[draft] = self.placed(self.groups(draft))
        return self._layouts[draft]

    def placed(self, groups: Groups) -> Layout | None:
        """The workers of these groups on their devices; None where there is no memory for them."""
        workers = self.setting.workers(groups)
        there_gb = self.setting.memory_gb
        if there_gb is not None and self.host_memory_gb(workers) > there_gb:
            return None
        try:
            return place(workers, self.setting.machine.gpus)
        except InputError:
            return None

    def host_memory_gb(self, workers: Sequence[WorkerPlan]) -> float:
        """GB of the host that these workers need: their own, what they load, and their largest work."""
        held = [[self.demand.cost(task.analyzer) for task in worker.tasks] for worker in workers]
        loaded = sum(cost.memory_gb or 0.0 for each in held for cost in each)
        return loaded + sum(self.setting.own_gb + highest(each) for each in held)


def held(worker: WorkerPlan) -> frozenset[str]:
    """The analyzers that a worker holds."""
    return frozenset([task.analyzer for task in worker.tasks])


def group_of(name: str, each: DraftGroup, demand: Demand) -> Group:
    """A group of a draft as it is planned."""
    tasks = demand.tasks_of(each.analyzers)
    return Group(name, each.device, tasks, replicas=each.replicas, threads=each.threads or None)
