"""A plan on the terminal: the workers, their devices, cores and analyzers, and the memory for each GPU."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from rich.console import Console
from rich.table import Table
from rich.text import Text

from clipbench.bench.planning.description import PlanDescription
from clipbench.executors.base import Plan
from clipbench.executors.layout import Group, Task, WorkerPlan
from clipbench.reports.terminal import plain_table


def show(planned: PlanDescription, console: Console) -> None:
    """Print a plan, as `clipbench.bench.planning.description.describe` gives it."""
    plan = planned.plan
    workers = f"{plan.workers} worker{'s' if plan.workers > 1 else ''}"
    threads = f"{plan.threads} thread{'s' if plan.threads > 1 else ''}"
    chosen = f"grouping={planned.grouping} executor={planned.executor} models={planned.models}"
    machine = f" on the pretended machine {planned.pretended}" if planned.pretended else ""
    console.print(Text(f"\n{chosen}: {workers} with {threads} each{machine}\n"))
    console.print(group_table(plan))
    console.print(Text(f"\n{on_the_clip(plan)}"))
    for note in planned.notes:
        console.print(Text(f"\n{note}"))
    console.print()
    if not planned.gpus:
        console.print(Text("There is no GPU: everything is on the CPU. Nothing was loaded."))
        return
    for each in planned.gpus:
        console.print(
            Text(
                f"GPU {each.gpu.index} ({each.gpu.name}, {each.gpu.memory_gb:g} GB): "
                f"{each.asked_gb:.1f} GB required, including CUDA contexts"
            )
        )
    console.print(Text("Nothing was loaded."))


def on_the_clip(plan: Plan) -> str:
    """Which analyzers go through a clip chunk by chunk, and which do not."""
    others = [task for task in plan.tasks() if not task.chunked]
    whole = [task.analyzer for task in others if task.needs.frames or task.needs.audio]
    results = [task.analyzer for task in others if task.analyzer not in whole]
    return "; ".join(
        ["Analyzers go through a clip chunk by chunk"]
        + [f"the whole clip at once is read by {', '.join(whole)}"] * bool(whole)
        + [f"only results of others by {', '.join(results)}"] * bool(results)
    )


def group_table(plan: Plan) -> Table:
    """A row for each analyzer, in the group that it is in; places of replicas that differ are rows too."""
    table = plain_table()
    for column in ("group", "device", "cores", "analyzer", "model", "GPU memory", "reads"):
        table.add_column(column, overflow="fold", no_wrap=column not in ("model", "reads"))
    for group in plan.groups:
        for place, task in zip_longest(placed(group, plan), map(described, group.tasks), fillvalue=()):
            table.add_row(*map(Text, [*(place or ("", "", "")), *task]))
    return table


def placed(group: Group, plan: Plan) -> list[tuple[str, ...]]:
    """The group, and the devices and cores of its workers."""
    workers: Sequence[WorkerPlan | Group] = plan.workers_of(group) if group.replicas > 1 else [group]
    places = dict.fromkeys((each.device, ",".join(map(str, each.cpus)) or "any") for each in workers)
    names = [f"{group.name} × {group.replicas}" if group.replicas > 1 else group.name]
    return [(name, *place) for name, place in zip_longest(names, places, fillvalue="")]


def described(task: Task) -> tuple[str, ...]:
    """An analyzer, its models, the memory that they ask for, and what it reads."""
    memory = "–" if task.memory_gb is None else f"{task.memory_gb:g} GB"
    return task.analyzer, ", ".join(task.models) or "algorithm", memory, ", ".join(task.upstream)
