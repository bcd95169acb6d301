"""The moves of the search: every draft that is one change away from another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations

from clipbench.bench.planning.auto.drafts import AUTO, Draft, DraftGroup, Space

#: A kind of move: from a draft to the groups of those that are one such move away.
Move = Callable[[Draft, "Neighbourhood"], Iterator[list[DraftGroup]]]


@dataclass(frozen=True)
class Neighbourhood:
    """What moves go by: the space, and the seconds of each analyzer, by which a group is split evenly."""

    space: Space
    seconds: Mapping[str, float]

    def of(self, draft: Draft) -> Iterator[tuple[str, Draft]]:
        """Each draft that is one move away, with the name of the move; each once."""
        seen = {draft}
        for kind, move in MOVES.items():
            for groups in move(draft, self):
                made = self.space.canonical(groups)
                if made not in seen and self.space.allows(made):
                    seen.add(made)
                    yield kind, made


def others(draft: Draft, *without: int) -> list[DraftGroup]:
    """The groups of a draft but for those at these places."""
    return [group for number, group in enumerate(draft) if number not in without]


def changed(draft: Draft, changes: Mapping[int, DraftGroup]) -> list[DraftGroup]:
    """The groups of a draft, some of them changed, each at its place."""
    return [changes.get(number, group) for number, group in enumerate(draft)]


def move(draft: Draft, about: Neighbourhood) -> Iterator[list[DraftGroup]]:
    """One analyzer goes to another group, or has one of its own."""
    space = about.space
    for source, group in enumerate(draft):
        for name in group.analyzers:
            left = space.group(set(group.analyzers) - {name}, group)
            for target, taking in enumerate(draft):
                if target != source:
                    taken = space.group({*taking.analyzers, name}, taking)
                    yield changed(draft, {source: left, target: taken})
            if left.analyzers:
                alone = space.group([name], replace(group, replicas=1))
                yield [*changed(draft, {source: left}), alone]


def swap(draft: Draft, about: Neighbourhood) -> Iterator[list[DraftGroup]]:
    """Two analyzers change places."""
    space = about.space
    for (a, one), (b, two) in combinations(enumerate(draft), 2):
        for first in one.analyzers:
            for second in two.analyzers:
                yield changed(
                    draft,
                    {
                        a: space.group({*one.analyzers, second} - {first}, one),
                        b: space.group({*two.analyzers, first} - {second}, two),
                    },
                )


def split(draft: Draft, about: Neighbourhood) -> Iterator[list[DraftGroup]]:
    """A group becomes two of about equal work, the longest analyzer first."""
    space = about.space
    for place, group in enumerate(draft):
        if len(group.analyzers) < 2:
            continue
        halves: tuple[list[str], list[str]] = ([], [])
        load = [0.0, 0.0]
        for name in sorted(group.analyzers, key=lambda name: (-about.seconds.get(name, 0.0), name)):
            lighter = load.index(min(load))
            halves[lighter].append(name)
            load[lighter] += about.seconds.get(name, 0.0)
        one, two = (space.group(half, group) for half in halves)
        yield [*changed(draft, {place: one}), two]
        for device in space.devices if group.device != "cpu" else ():
            yield [*changed(draft, {place: one}), space.group(two.analyzers, replace(two, device=device))]


def merge(draft: Draft, about: Neighbourhood) -> Iterator[list[DraftGroup]]:
    """Two groups become one."""
    for (a, one), (b, two) in combinations(enumerate(draft), 2):
        like = one if one.device != "cpu" else replace(one, device=two.device)
        together = about.space.group({*one.analyzers, *two.analyzers}, like)
        yield [group for number, group in enumerate(changed(draft, {a: together})) if number != b]


def replicate(draft: Draft, about: Neighbourhood) -> Iterator[list[DraftGroup]]:
    """A group has a worker more or less, or twice or half as many."""
    if not about.space.replicas:
        return
    for place, group in enumerate(draft):
        now = group.replicas
        for count in sorted({now + 1, now - 1, 2 * now, now // 2} - {now, 0}):
            made = replace(group, replicas=count)
            if count > 1 and made.device != "cpu" and about.space.gpus > 1:
                made = replace(made, device=AUTO)
            yield changed(draft, {place: made})


def rethread(draft: Draft, about: Neighbourhood) -> Iterator[list[DraftGroup]]:
    """A group has another number of threads."""
    for place, group in enumerate(draft):
        for threads in (0, *about.space.threads) if about.space.threads else ():
            if threads != group.threads:
                yield changed(draft, {place: replace(group, threads=threads)})


def relocate(draft: Draft, about: Neighbourhood) -> Iterator[list[DraftGroup]]:
    """A group with models for a GPU goes to another device."""
    for place, group in enumerate(draft):
        if about.space.gpu.isdisjoint(group.analyzers):
            continue
        for device in about.space.devices:
            if device != group.device:
                yield changed(draft, {place: replace(group, device=device)})


def lead(draft: Draft, about: Neighbourhood) -> Iterator[list[DraftGroup]]:
    """Another group comes first."""
    for place in range(1, len(draft)):
        yield [draft[place], *others(draft, place)]


#: The kinds of move by name.
MOVES: dict[str, Move] = {
    "move": move,
    "swap": swap,
    "split": split,
    "merge": merge,
    "replicate": replicate,
    "threads": rethread,
    "device": relocate,
    "first": lead,
}
