"""From configuration to a validated plan: every analyzer exactly once, known names, no cyclic wait."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from typing import Any

from clipbench.analyzers import registry
from clipbench.analyzers.base import ALL, Analyzer
from clipbench.analyzers.production.base import Production
from clipbench.analyzers.threads import core_numbers, cores_allowed
from clipbench.bench.errors import InputError, nearest
from clipbench.bench.planning.config import out_of_range
from clipbench.bench.planning.placement import CONTEXT_GB, Gpu, Wish, place
from clipbench.executors.base import Group, Plan, Task
from clipbench.executors.faults import KINDS, Fault
from clipbench.plugins import file_of

#: What `models=` chooses between, and the sizes of random models.
PROFILES, SIZES = ("embedded", "full", "random"), ("full", "tiny")
#: Stands in a group for every analyzer that no group names.
REST = "*"


def make_plan(cfg: Any, gpus: Sequence[Gpu] = (), profile_folder: str = "") -> Plan:
    """The plan of a configuration (as `OmegaConf.to_object` gives it); raises InputError with the fix."""
    known = choose_models(cfg.models)
    groups = resolve_groups(cfg.grouping, known)
    upstream = resolve_upstream({name: type(analyzer) for name, analyzer in known.items()})
    wanted = selection(cfg.only, upstream, [n for names, _ in groups.values() for n in names])
    for name in wanted:
        where = "models.production" if isinstance(known[name], Production) else "models"
        if line := out_of_range(known[name].settings, f"{where}.{name}"):
            raise InputError(line)
    chosen = {g: ([n for n in names if n in wanted], device) for g, (names, device) in groups.items()}
    chosen = {g: (names, device) for g, (names, device) in chosen.items() if names}
    workers = worker_count(cfg.executor, len(chosen))
    devices = place(wishes(cfg.executor, workers, chosen, known), gpus)
    if cfg.executor.name == "sequential":
        devices = [next((device for device in devices if device != "cpu"), "cpu")] * len(devices)
    threads = cores_allowed() // min(workers, cores_allowed())
    if cfg.executor.threads is not None:
        threads = cfg.executor.threads
    if threads < 1:
        raise InputError(
            f"executor.threads={threads} makes no sense: it takes 1 or more, or null to share out"
        )
    cpus = share_cores(len(chosen)) if cfg.executor.name == "gpu_pinned" else [()] * len(chosen)
    planned, before = [], ()
    for (group_name, (names, _)), device, cores in zip(chosen.items(), devices, cpus, strict=True):
        tasks = []
        for name in names:
            reads = tuple(u for u in upstream[name] if u in wanted)
            frames = bool(known[name].needs().frames)
            gpu = known[name].uses_gpu
            tasks.append(Task(name, known[name].settings, reads, before, frames, gpu))
        planned.append(Group(group_name, device, tuple(tasks), cores))
        if cfg.grouping.stages:
            before += tuple(names)
    check_waits(planned, f"conf/grouping/{cfg.grouping.name}.yaml")
    return Plan(
        groups=tuple(planned),
        threads=threads,
        workers=workers,
        timeout_s=positive(cfg.executor.timeout_s, "executor.timeout_s"),
        load_timeout_s=positive(cfg.executor.load_timeout_s, "executor.load_timeout_s"),
        cleanup=one_of(cfg.executor.cleanup, ("exit", "unload", "offload"), "executor.cleanup"),
        memory_fraction=fraction(cfg.executor.memory_fraction, "executor.memory_fraction"),
        visible=tuple(gpu.index for gpu in gpus),
        faults=planted(cfg.faults, wanted),
        profile=(one_of(cfg.profile or "", ("", "torch", "python"), "profile"), profile_folder),
        options={"address": cfg.executor.address},
    )


def choose_models(models: Any) -> dict[str, Analyzer]:
    """Every analyzer as its profile has it: the embedded one, or its production back end."""
    chosen = {}
    for name in registry.discover():
        own = getattr(models.profiles, name)
        profile = one_of(
            own or models.profile, PROFILES, f"models.profiles.{name}" if own else "models.profile"
        )
        settings = getattr(models, name)
        if profile != "embedded" and name in registry.back_ends():
            size = one_of(models.size or "full", SIZES if profile == "random" else ("full",), "models.size")
            settings = replace(getattr(models.production, name), profile=profile, model_size=size)
        chosen[name] = registry.create(name, settings)
    return chosen


def worker_count(executor: Any, groups: int) -> int:
    """How many workers there will be."""
    if executor.name == "sequential":
        return 1
    if executor.name != "spawn_pool":
        return groups
    workers = cores_allowed() if executor.workers is None else executor.workers
    if workers < 1:
        raise InputError(
            f"executor.workers={workers} makes no sense: it takes 1 or more, or null for all cores"
        )
    return workers


def share_cores(groups: int) -> list[tuple[int, ...]]:
    """Cores for each group, evenly; none are set aside where there are more groups than cores."""
    cores = core_numbers()
    if groups > len(cores):
        return [()] * groups
    edges = [round(i * len(cores) / groups) for i in range(groups + 1)]
    return [cores[a:b] for a, b in itertools.pairwise(edges)]


def wishes(
    executor: Any, workers: int, chosen: Mapping[str, tuple[list[str], str]], known: Mapping[str, Analyzer]
) -> list[Wish]:
    """What the groups ask for, under an executor: a worker's models, and once a process CUDA's context."""
    devices = {group: device for group, (_, device) in chosen.items()}
    needs = {
        group: sum(known[n].memory_gb for n in names if isinstance(known[n], Production))
        for group, (names, _) in chosen.items()
    }
    usable = {group: any(known[n].uses_gpu for n in names) for group, (names, _) in chosen.items()}
    if executor.name == "sequential":  # one process holds everything, on one device
        whole = sum(needs.values()) + CONTEXT_GB
        first = next((group for group in chosen if usable[group] and devices[group] != "cpu"), None)
        return [Wish(g, devices[g], whole if g == first else None) for g in chosen]
    if executor.name == "spawn_pool":  # its workers hold all models each, on the groups' GPUs in turn
        everything = sum(needs.values()) + CONTEXT_GB
        on_gpus = [group for group, device in devices.items() if device != "cpu" and any(usable.values())]
        share = {g: len(range(n, workers, len(on_gpus))) * everything for n, g in enumerate(on_gpus)}
        return [Wish(group, devices[group], share.get(group)) for group in chosen]
    return [
        Wish(group, devices[group], needs[group] + CONTEXT_GB if usable[group] else None) for group in chosen
    ]


def check_waits(groups: list[Group], where: str) -> None:
    """Raise InputError where tasks would wait for each other in a circle."""
    graph = {t.analyzer: {*t.upstream, *t.after} for g in groups for t in g.tasks}
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = " → ".join(error.args[1])
        raise InputError(f"{where}: the stages wait for each other in a circle: {circle}") from None


def planted(fault: Any, wanted: set[str]) -> tuple[Fault, ...]:
    """The fault of a configuration; raises InputError for a kind or an analyzer that is not there."""
    if fault.kind is None:
        return ()
    one_of(fault.kind, sorted(KINDS), "faults.kind")
    if fault.analyzer not in wanted:
        raise InputError(f"faults.analyzer: no {fault.analyzer} is run{nearest(fault.analyzer, wanted)}")
    return (Fault(fault.kind, fault.analyzer, fault.seconds),)


def one_of(value: str, choices: Sequence[str], key: str) -> str:
    """`value`, if it is one of `choices`."""
    if value not in choices:
        raise InputError(f"{key}={value} is not there{nearest(value, [c for c in choices if c])}")
    return value


def positive(value: float, key: str) -> float:
    """`value`, if it is above zero."""
    if not value > 0:
        raise InputError(f"{key}={value} makes no sense: it takes seconds above 0")
    return value


def fraction(value: float | None, key: str) -> float | None:
    """`value`, if it is a share of something, or None."""
    if value is not None and not 0 < value <= 1:
        raise InputError(f"{key}={value} makes no sense: it takes a share above 0, up to 1, or null")
    return value


def resolve_groups(grouping: Any, known: Iterable[str]) -> dict[str, tuple[list[str], str]]:
    """Group name → (analyzer names, device), no analyzer in more than one of them.

    REST in a group stands for every known analyzer, the user's own included, that no group names. Without it,
    an analyzer that no group names is not part of the run.
    """
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
    rest = [name for name in known if name not in named]
    return {
        group_name: (
            [n for name in group.analyzers for n in (rest if name == REST else [name])],
            group.device,
        )
        for group_name, group in grouping.groups.items()
    }


def resolve_upstream(known: dict[str, type[Analyzer]]) -> dict[str, tuple[str, ...]]:
    """Analyzer → those it reads, with ALL spelt out: every other one that does not read it in turn."""
    direct = {name: set(cls.upstream) - {ALL} for name, cls in known.items()}
    for name, reads in direct.items():
        for other in reads - known.keys():
            file = file_of(sys.modules[known[name].__module__])
            raise InputError(
                f"{file}: {name} reads from {other}, which does not exist{nearest(other, known)}"
            )
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


def selection(only: list[str], upstream: dict[str, tuple[str, ...]], grouped: Collection[str]) -> set[str]:
    """The analyzers to run: all of the grouping, or those in `only` with everything that they read from.

    A reader of all results (ALL) brings in nothing else: it reads what there is.
    """
    if not only:
        return set(grouped)
    for name in only:
        if name not in upstream:
            raise InputError(f"only: there is no analyzer {name}{nearest(name, upstream)}")
        if name not in grouped:
            raise InputError(f"only: no group of the grouping has {name}{nearest(name, grouped)}")
    known = registry.discover()
    named = {
        name: set(upstream[name]).intersection(grouped) if ALL not in known[name].upstream else set()
        for name in grouped
    }
    return set(only).union(*(reachable(name, named) for name in only))


def absent_upstream(plan: Plan) -> list[str]:
    """A line for each analyzer of a plan that reads from one that the plan does not have."""
    there = {task.analyzer for task in plan.tasks()}
    lines = []
    for task in plan.tasks():
        reads = registry.create(task.analyzer, task.settings).upstream
        if absent := sorted(set(reads) - there - {ALL}):
            lines.append(f"{task.analyzer} reads from {', '.join(absent)}, which no group of this run has")
    return lines
