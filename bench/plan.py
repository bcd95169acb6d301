"""From configuration to a validated plan: every analyzer exactly once, known names, no cyclic wait."""

from __future__ import annotations

import os
from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter
from typing import Any

import analyzers
from analyzers.base import ALL, Analyzer
from bench.config import out_of_range
from bench.errors import InputError, nearest
from executors.base import Group, Plan, Task

#: Stands in a group for every analyzer that no group names.
REST = "*"


def cores_allowed() -> int:
    """The cores that this process may use (not those the machine has)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def make_plan(cfg: Any) -> Plan:
    """The plan of a configuration (as `OmegaConf.to_object` gives it); raises InputError with the fix."""
    known = analyzers.discover()
    threads = cores_allowed() if cfg.executor.threads is None else cfg.executor.threads
    if threads < 1:
        raise InputError(
            f"executor.threads={threads} makes no sense: it takes 1 or more, or null for all cores"
        )
    groups = resolve_groups(cfg.grouping, known)
    upstream = resolve_upstream(known)
    wanted = selection(cfg.only, upstream)
    settings = {name: getattr(cfg.models, name) for name in known}
    for name in wanted:
        if line := out_of_range(settings[name], f"models.{name}"):
            raise InputError(line)
    planned = []
    for group_name, (names, device) in groups.items():
        tasks = [
            Task(name, settings[name], tuple(u for u in upstream[name] if u in wanted))
            for name in names
            if name in wanted
        ]
        if tasks:
            planned.append(Group(group_name, device, tuple(tasks)))
    return Plan(tuple(planned), threads)


def resolve_groups(grouping: Any, known: Iterable[str]) -> dict[str, tuple[list[str], str]]:
    """Group name → (analyzer names, device), each known analyzer in exactly one of them."""
    where = f"conf/grouping/{grouping.name}.yaml"
    if not grouping.groups:
        raise InputError(f"{where}: groups: is empty; it needs at least one group with analyzers")
    named: dict[str, str] = {}
    rest_group = None
    for group_name, group in grouping.groups.items():
        for name in group.analyzers:
            key = f"{where}: groups.{group_name}.analyzers"
            if name == REST:
                if rest_group:
                    raise InputError(f'{key}: "*" is in group {rest_group} too; it can be in one only')
                rest_group = group_name
            elif name not in known:
                raise InputError(f"{key}: there is no analyzer {name}{nearest(name, known)}")
            elif name in named:
                raise InputError(f"{key}: {name} is in group {named[name]} too; take it out of one")
            else:
                named[name] = group_name
        if group.device != "cpu":
            raise InputError(
                f"{where}: groups.{group_name}.device: {group.device} is not there; this profile runs on cpu"
            )
    missing = [name for name in known if name not in named]
    if missing and not rest_group:
        raise InputError(
            f'{where}: no group has {", ".join(missing)}; name each in a group, or add "*" to one'
        )
    return {
        group_name: (
            [n for name in group.analyzers for n in (missing if name == REST else [name])],
            group.device,
        )
        for group_name, group in grouping.groups.items()
    }


def resolve_upstream(known: dict[str, type[Analyzer]]) -> dict[str, tuple[str, ...]]:
    """Analyzer → those it reads, with ALL spelt out: every other one that does not read it in turn."""
    direct = {name: set(cls.upstream) - {ALL} for name, cls in known.items()}
    for name, reads in direct.items():
        for other in reads - known.keys():
            raise InputError(f"analyzers/{name}.py: upstream has no analyzer {other}{nearest(other, known)}")
    readers_of_all = {name for name, cls in known.items() if ALL in cls.upstream}
    closure = {name: reachable(name, direct) for name in known}
    upstream = {
        name: {o for o in known if o != name and o not in readers_of_all and name not in closure[o]}
        if name in readers_of_all
        else direct[name]
        for name in known
    }
    try:
        tuple(TopologicalSorter(upstream).static_order())
    except CycleError as error:
        raise InputError(f"analyzers wait for each other in a circle: {' → '.join(error.args[1])}") from None
    return {name: tuple(sorted(reads)) for name, reads in upstream.items()}


def reachable(start: str, graph: dict[str, set[str]]) -> set[str]:
    """Every node that can be reached from `start`."""
    seen: set[str] = set()
    todo = list(graph[start])
    while todo:
        node = todo.pop()
        if node not in seen:
            seen.add(node)
            todo.extend(graph[node])
    return seen


def selection(only: list[str], upstream: dict[str, tuple[str, ...]]) -> set[str]:
    """The analyzers to run: all, or those in `only` with everything that they read from.

    A reader of all results (ALL) brings in nothing else: it reads what there is.
    """
    if not only:
        return set(upstream)
    for name in only:
        if name not in upstream:
            raise InputError(f"only: there is no analyzer {name}{nearest(name, upstream)}")
    known = analyzers.discover()
    named = {name: set(upstream[name]) if ALL not in known[name].upstream else set() for name in upstream}
    return set(only).union(*(reachable(name, named) for name in only))
