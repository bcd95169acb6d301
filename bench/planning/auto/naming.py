"""The groups of a draft with names that say what is in them, for files and reports."""

from __future__ import annotations

from collections.abc import Sequence

from clipbench.bench.planning.auto.demand import Demand
from clipbench.bench.planning.auto.drafts import Draft
from clipbench.bench.planning.auto.scoring import group_of
from clipbench.executors.layout import Group

#: What takes at least this share of a group's work stands in its name.
NAMED = 0.25


def groups_of(draft: Draft, demand: Demand) -> tuple[Group, ...]:
    """The groups of a draft, named."""
    named = zip(group_names(draft, demand), draft, strict=True)
    return tuple(group_of(name, each, demand) for name, each in named)


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
    """What most of the work of these analyzers reads: pictures, sound, results, or several of these."""
    read = {name: demand.by_name[name] for name in analyzers}
    kinds = {
        "pictures": [name for name, task in read.items() if task.frames],
        "sound": [name for name, task in read.items() if task.needs.audio and not task.frames],
        "results": [name for name, task in read.items() if not any(task.needs)],
    }
    seconds = {kind: demand.load(tuple(names), 1, True).worker_s for kind, names in kinds.items()}
    large = [kind for kind, own in seconds.items() if own and own >= NAMED * sum(seconds.values())]
    return "_and_".join(large) or "results"
