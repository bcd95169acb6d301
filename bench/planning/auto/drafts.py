"""Drafts: groupings that the search thinks of, as values that can be compared, changed and kept as keys."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from clipbench.executors.devices import on_gpu


@dataclass(frozen=True, order=True)
class DraftGroup:
    """A group of a draft: its analyzers in the order of the plan, and what the group asks for.

    `device` is cpu, gpu:auto or gpu:N. `threads` 0 leaves them to the executor.
    """

    analyzers: tuple[str, ...]
    device: str = "cpu"
    replicas: int = 1
    threads: int = 0


#: A grouping that was thought of. Decoding may run where the first group is; the others are in no order.
Draft = tuple[DraftGroup, ...]


@dataclass(frozen=True)
class Space:
    """What there is to choose from.

    `analyzers` are those of the plan, each after those that it waits for; `gpu` those of them that use a GPU.
    `gpus` is how many GPUs there are, `alike` whether all are of one kind. `workers` is how many workers a
    draft may have, `threads` what the threads of a group may be; empty: the executor decides. `replicas`
    says whether more than one worker for a group is worth a try.
    """

    analyzers: tuple[str, ...]
    gpu: frozenset[str] = frozenset()
    gpus: int = 0
    alike: bool = True
    workers: int = 64
    threads: tuple[int, ...] = ()
    replicas: bool = True

    def group(self, analyzers: Iterable[str], like: DraftGroup | None = None) -> DraftGroup:
        """A group of these analyzers that asks for what `like` does; on a GPU if one of them uses it."""
        members, like = set(analyzers), like or DraftGroup(())
        device = like.device
        if self.gpu.isdisjoint(members) or not self.gpus:
            device = "cpu"
        elif device == "cpu":
            device = AUTO if self.gpus > 1 else "gpu:0"
        names = tuple(name for name in self.analyzers if name in members)
        return DraftGroup(names, device, like.replicas, like.threads)

    def canonical(self, groups: Iterable[DraftGroup]) -> Draft:
        """The one form of drafts that mean the same: groups sorted behind the first, GPUs renumbered."""
        kept = [group for group in groups if group.analyzers]
        ordered = [*kept[:1], *sorted(kept[1:], key=lambda group: group.analyzers)]
        if not self.alike or self.gpus < 2:
            return tuple(ordered)
        numbers: dict[str, str] = {}
        for group in ordered:
            if on_gpu(group.device) and group.device != AUTO:
                numbers.setdefault(group.device, f"gpu:{len(numbers)}")
        if all(old == new for old, new in numbers.items()):
            return tuple(ordered)
        return tuple(replace(g, device=numbers.get(g.device, g.device)) for g in ordered)

    def allows(self, draft: Draft) -> bool:
        """Whether a draft has no more workers than it may have."""
        return workers(draft) <= self.workers

    @property
    def devices(self) -> tuple[str, ...]:
        """What a group with models for a GPU may ask for. What they take on a CPU, costs do not say."""
        numbered = tuple(f"gpu:{number}" for number in range(self.gpus))
        return (*numbered, AUTO) if self.gpus > 1 else numbered


#: The device of a group each of whose replicas is to have the GPU that has most room.
AUTO = "gpu:auto"


def workers(draft: Draft) -> int:
    """How many workers a draft asks for."""
    return sum(group.replicas for group in draft)


def plainness(draft: Draft) -> tuple[int, int, int]:
    """How much there is to read in a draft; of two that are equally good, the plainer one is better."""
    return workers(draft), len(draft), sum(group.threads > 0 for group in draft)
