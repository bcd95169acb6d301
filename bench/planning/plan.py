"""From configuration to a validated plan: every analyzer exactly once, known names, no cyclic wait."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter

from clipbench.analyzers import registry
from clipbench.analyzers.base import ALL, Analyzer, Settings
from clipbench.analyzers.production.base import Production
from clipbench.analyzers.threads import core_numbers, cores_allowed
from clipbench.bench.errors import InputError, nearest
from clipbench.bench.planning.config import (
    Config,
    FaultConfig,
    GroupConfig,
    GroupingConfig,
    ModelsConfig,
)
from clipbench.bench.planning.executor_settings import chosen
from clipbench.bench.planning.machines import machine_of
from clipbench.bench.planning.placement import check_device, place
from clipbench.bench.planning.pretence import pretending
from clipbench.bench.planning.ranges import out_of_range
from clipbench.executors import registry as executors
from clipbench.executors.base import Executor, Plan
from clipbench.executors.containing import contained, described
from clipbench.executors.faults import HARMLESS, KINDS, Fault
from clipbench.executors.layout import Gpu, Group, Machine, Task, WorkerPlan
from clipbench.executors.settings import CLEANUPS, ExecutorSettings, VirtualSettings
from clipbench.plugins import file_of

#: What `models=` chooses between, and the sizes of random models.
PROFILES, SIZES = ("embedded", "full", "random"), ("full", "tiny")
#: Stands in a group for every analyzer that no group names.
REST = "*"


def make_plan(cfg: Config, gpus: Sequence[Gpu] = (), profile_folder: str = "") -> Plan:
    """The plan of a configuration; raises InputError with the fix."""
    executor, settings = chosen(cfg.executor)
    check_settings(settings)
    groups = groups_of(cfg)
    tasks = {task.analyzer for group in groups for task in group.tasks}
    here = Machine(cores_allowed(), core_numbers(), tuple(gpus))
    machine = machine_of(cfg.machine, here, executor.virtual, executor.name)
    workers = executor.layout(groups, machine, settings)
    check_layout(executor.name, workers, groups)
    layout = place(workers, machine.gpus)
    runs = executors.strategy(settings.like) if isinstance(settings, VirtualSettings) else executor
    plan = Plan(
        groups=tuple(on_its_worker(group, layout) for group in groups),
        layout=layout,
        settings=settings,
        visible=tuple(gpu.index for gpu in gpus),
        one_process=runs.one_process,
        faults=planted(cfg.faults, tasks, executor),
        profile=(one_of(cfg.profile or "", ("", "torch", "python"), "profile"), profile_folder),
    )
    return pretending(cfg, plan, machine, settings.like) if isinstance(settings, VirtualSettings) else plan


def check_settings(settings: ExecutorSettings) -> None:
    """Raise InputError for a setting of an executor that it cannot have."""
    one_of(settings.cleanup, CLEANUPS, "executor.cleanup")
    if line := out_of_range(settings, "executor"):
        raise InputError(line)
    if isinstance(settings, VirtualSettings):
        one_of(settings.like, executors.running(), "executor.like")


def groups_of(cfg: Config) -> tuple[Group, ...]:
    """The groups of a configuration with their tasks, on the devices that they ask for."""
    settings = choose_models(cfg.models)
    known = {name: registry.chosen(name, own) for name, own in settings.items()}
    groups = resolve_groups(cfg.grouping, known)
    upstream = resolve_upstream(known)
    wanted = selection(cfg.only, upstream, [n for names, _ in groups.values() for n in names])
    for name in wanted:
        where = "models.production" if issubclass(known[name], Production) else "models"
        if line := out_of_range(settings[name], f"{where}.{name}"):
            raise InputError(line)
    made: list[Group] = []
    before: tuple[str, ...] = ()
    for group_name, (names, group) in groups.items():
        check_device(group.device)
        names = [name for name in names if name in wanted]
        tasks = [
            task_of(name, settings[name], tuple(u for u in upstream[name] if u in wanted), before)
            for name in names
        ]
        if tasks:
            made.append(
                Group(group_name, group.device, tuple(tasks), (), group.replicas, group.threads, group.need)
            )
        if cfg.grouping.stages:
            before += tuple(names)
    if not made:
        raise InputError(f"conf/grouping/{cfg.grouping.name}.yaml: its groups have no analyzers; name some")
    check_waits(made, f"conf/grouping/{cfg.grouping.name}.yaml")
    return tuple(made)


def task_of(name: str, settings: Settings, upstream: tuple[str, ...], after: tuple[str, ...]) -> Task:
    """The task of running an analyzer; one that cannot say what it is and needs becomes a broken one."""
    tasks: list[Task] = []

    def failed(error: BaseException) -> None:
        reason = f"cannot be planned: {described(error)}"
        tasks.append(Task(name, settings, upstream, after, broken=reason))

    with contained(failed):
        tasks.append(Task.of(registry.create(name, settings), upstream, after))
    return tasks[0]


def check_layout(executor: str, workers: Sequence[WorkerPlan], groups: Sequence[Group]) -> None:
    """Raise InputError for a layout in which two workers have one name, or no worker has an analyzer."""
    for name, count in Counter(worker.name for worker in workers).items():
        if count > 1:
            raise InputError(f"executor={executor}: its layout has two workers called {name}; rename one")
    for task in (task for group in groups for task in group.tasks):
        if not any(worker.holds(task.analyzer) for worker in workers):
            raise InputError(f"executor={executor}: its layout has no worker for {task.analyzer}")


def on_its_worker(group: Group, layout: Sequence[WorkerPlan]) -> Group:
    """A group with the device and the cores of the first worker that holds it."""
    worker = next(worker for worker in layout if worker.holds(group.tasks[0].analyzer))
    return replace(group, device=worker.device, cpus=worker.cpus)


def choose_models(models: ModelsConfig) -> dict[str, Settings]:
    """The settings of every analyzer: their type says whether its production back end is meant."""
    made: dict[str, Settings] = {}
    for name in registry.discover():
        own = models.profiles.of(name)
        profile = one_of(
            own or models.profile, PROFILES, f"models.profiles.{name}" if own else "models.profile"
        )
        settings: Settings = models.of(name)
        if profile == "random":
            settings = settings.at_random()
        if profile != "embedded" and name in registry.back_ends():
            size = one_of(models.size or "full", SIZES if profile == "random" else ("full",), "models.size")
            settings = replace(models.production.of(name), profile=profile, model_size=size)
        made[name] = settings
    return made


def check_waits(groups: list[Group], where: str) -> None:
    """Raise InputError where tasks would wait for each other in a circle."""
    graph = {t.analyzer: {*t.upstream, *t.after} for g in groups for t in g.tasks}
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = " → ".join(error.args[1])
        raise InputError(f"{where}: the stages wait for each other in a circle: {circle}") from None


def planted(fault: FaultConfig, wanted: set[str], executor: type[Executor]) -> tuple[Fault, ...]:
    """The fault of a configuration; raises InputError for what does not exist or cannot be contained."""
    if fault.kind is None:
        for key, value in (("analyzer", fault.analyzer), ("seconds", fault.seconds)):
            if value is not None:
                raise InputError(
                    f"faults.{key}={value} is for a planted fault: add faults=slow, or another kind"
                )
        return ()
    one_of(fault.kind, sorted(KINDS), "faults.kind")
    analyzer = fault.analyzer or "color_analysis"
    if analyzer not in wanted:
        raise InputError(f"faults.analyzer: no {analyzer} is run{nearest(analyzer, wanted)}")
    if fault.kind not in executor.contains | HARMLESS:
        able = [n for n in executors.running() if fault.kind in executors.strategy(n).contains]
        raise InputError(
            f"faults={fault.kind}: executor={executor.name} cannot contain it; use {' or '.join(able)}"
        )
    return (Fault(fault.kind, analyzer, 0.5 if fault.seconds is None else fault.seconds),)


def one_of(value: str, choices: Sequence[str], key: str) -> str:
    """`value`, if it is one of `choices`."""
    if value not in choices:
        raise InputError(f"{key}={value} does not exist{nearest(value, [c for c in choices if c])}")
    return value


def resolve_groups(
    grouping: GroupingConfig, known: Iterable[str]
) -> dict[str, tuple[list[str], GroupConfig]]:
    """Group name → (analyzer names, the group as it was written), no analyzer in more than one of them.

    REST in a group stands for every known analyzer, the user's own included, that no group names. Without it,
    an analyzer that no group names is not part of the run.
    """
    where = f"conf/grouping/{grouping.name}.yaml"
    if not grouping.groups:
        raise InputError(f"{where}: groups: is empty; it needs at least one group with analyzers")
    named: dict[str, str] = {}
    rest_group = None
    for group_name, group in grouping.groups.items():
        if line := out_of_range(group, f"{where}: groups.{group_name}"):
            raise InputError(line)
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
            group,
        )
        for group_name, group in grouping.groups.items()
    }


def grouped(grouping: GroupingConfig) -> list[str]:
    """The analyzers that a grouping has, whether or not `only` selects them."""
    return [name for names, _ in resolve_groups(grouping, registry.discover()).values() for name in names]


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
