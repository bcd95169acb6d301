"""Where the search starts: drafts that list scheduling makes, for every sensible number of workers.

The tasks are taken by the length of what still depends on them, the longest first, and each goes to the group
in which it ends the earliest: list scheduling (R. L. Graham, 1969) by upward rank (HEFT; H. Topcuoglu,
S. Hariri, M.-Y. Wu, "Performance-effective and low-complexity task scheduling for heterogeneous computing",
2002).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from clipbench.bench.planning.auto.demand import Demand
from clipbench.bench.planning.auto.drafts import AUTO, Draft, DraftGroup, Space
from clipbench.executors.layout import CONTEXT_GB, Task

#: Numbers of workers that a seed is made for, on each GPU and on the cores.
COUNTS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)


@dataclass
class Slot:
    """A group that is being filled: when it is free, and the memory of its GPU that is left."""

    device: str
    names: list[str] = field(default_factory=list)
    free_s: float = 0.0

    def end(self, demand: Demand, name: str, ready_s: float) -> float:
        """When an analyzer would end here."""
        gpu = self.device != "cpu"
        both = demand.load((*self.names, name), 1, gpu).worker_s
        return max(self.free_s, ready_s) + both - demand.load(tuple(self.names), 1, gpu).worker_s


def seeds(space: Space, demand: Demand, gpu_memory_gb: float = 0.0) -> Iterator[Draft]:
    """Drafts to start from, each once; some of them may not fit into the memory of a GPU."""
    seen: set[Draft] = set()
    scheduled = (list_scheduled(space, demand, slots, gpu_memory_gb) for slots in layouts(space))
    for groups in itertools.chain(scheduled, packed(space, demand, gpu_memory_gb)):
        for made in (groups, *copies(space, groups, demand)):
            draft = space.canonical(made)
            if draft and draft not in seen and space.allows(draft):
                seen.add(draft)
                yield draft


def layouts(space: Space) -> Iterator[list[Slot]]:
    """Empty slots: so many on the cores, and so many on each of the GPUs."""
    most = min(space.workers, len(space.analyzers))
    if not space.gpu or not space.gpus:
        for count in (count for count in COUNTS if count <= most):
            yield [Slot("cpu") for _ in range(count)]
        return
    for on_each, on_cores, cards in itertools.product((1, 2, 3), (0, 1, 2, 4), {1, space.gpus}):
        if on_each * cards + on_cores <= most:
            gpus = [Slot(f"gpu:{number}") for number in range(cards) for _ in range(on_each)]
            yield gpus + [Slot("cpu") for _ in range(on_cores)]


def packed(space: Space, demand: Demand, memory_gb: float) -> Iterator[list[DraftGroup]]:
    """A group for each GPU, the largest models first, each where they leave the least room (best fit)."""
    if not space.gpus:
        return
    tasks = sorted(demand.tasks, key=lambda task: (-(task.memory_gb or 0.0), task.analyzer))
    slots = [Slot(f"gpu:{number}") for number in range(space.gpus)]
    used: dict[str, float] = {}
    for task in tasks:
        able = [slot for slot in slots if fits(slot, task, space, used, memory_gb)] or slots
        slot = max(able, key=lambda slot: used.get(slot.device, 0.0))
        if task.analyzer in space.gpu:
            used[slot.device] = used.get(slot.device, 0.0) + needed(slot, task, space)
        slot.names.append(task.analyzer)
    yield [space.group(slot.names, DraftGroup((), slot.device)) for slot in slots if slot.names]


def list_scheduled(space: Space, demand: Demand, slots: list[Slot], memory_gb: float) -> list[DraftGroup]:
    """The analyzers in these slots, by list scheduling; those that use a GPU go to slots with one."""
    rank = ranks(demand)
    ends: dict[str, float] = {}
    used: dict[str, float] = {}
    for task in sorted(demand.tasks, key=lambda task: (-rank[task.analyzer], task.analyzer)):
        name = task.analyzer
        # What it reads may not be placed yet, where ranks are equal; then nothing is waited for.
        ready = max((ends.get(other, 0.0) for other in (*task.upstream, *task.after)), default=0.0)
        able = [slot for slot in slots if fits(slot, task, space, used, memory_gb)] or slots
        end, number = min((slot.end(demand, name, ready), n) for n, slot in enumerate(able))
        slot = able[number]
        if slot.device != "cpu" and name in space.gpu:
            used[slot.device] = used.get(slot.device, 0.0) + needed(slot, task, space)
        slot.names.append(name)
        slot.free_s = ends[name] = end
    return [space.group(slot.names, DraftGroup((), slot.device)) for slot in slots if slot.names]


def fits(slot: Slot, task: Task, space: Space, used: Mapping[str, float], memory_gb: float) -> bool:
    """Whether a slot has the device of a task, and its GPU the memory."""
    if task.analyzer not in space.gpu:
        return True
    if slot.device == "cpu":
        return False
    return used.get(slot.device, 0.0) + needed(slot, task, space) <= memory_gb


def needed(slot: Slot, task: Task, space: Space) -> float:
    """GB of a GPU that a task adds to those of its slot."""
    first = space.gpu.isdisjoint(slot.names)
    return (task.memory_gb or 0.0) + (CONTEXT_GB if first else 0.0)


def ranks(demand: Demand) -> dict[str, float]:
    """Analyzer → seconds from its start to the end of all that waits for it."""
    found: dict[str, float] = {}
    for task in reversed(demand.tasks):
        name = task.analyzer
        after = [found[t.analyzer] for t in demand.tasks if name in (*t.upstream, *t.after)]
        found[name] = demand.load((name,), 1, name in demand.on_gpu).worker_s + max(after, default=0.0)
    return found


def copies(space: Space, groups: Sequence[DraftGroup], demand: Demand) -> Iterator[list[DraftGroup]]:
    """The same groups with replicas: in proportion to their work, up to so many workers in all."""
    if not space.replicas:
        return
    work = [demand.load(g.analyzers, 1, g.device != "cpu").worker_s for g in groups]
    counts = {space.gpus, 2 * space.gpus, demand.cores} if space.gpus else {demand.cores}
    for wanted in sorted(count for count in counts if len(groups) < count <= space.workers):
        shares = [max(1, round(wanted * seconds / (sum(work) or 1.0))) for seconds in work]
        yield [
            replace(
                group, replicas=share, device=AUTO if group.device != "cpu" and share > 1 else group.device
            )
            for group, share in zip(groups, shares, strict=True)
        ]
