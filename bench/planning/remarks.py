"""What may surprise the reader of a plan."""

from __future__ import annotations

from collections import Counter

from clipbench.analyzers import registry
from clipbench.analyzers.base import ALL
from clipbench.executors.base import Plan
from clipbench.executors.layout import CONTEXT_GB

#: GB of a GPU that may be in use after cleanup: less than this is promised.
PROMISED_GB = 1.0


def remarks(plan: Plan) -> list[str]:
    """What may surprise the reader of a plan, a line each."""
    return absent_upstream(plan) + lacking_replicas(plan) + other_threads(plan) + contexts_left(plan)


def contexts_left(plan: Plan) -> list[str]:
    """A line for each GPU on which the workers leave more than is promised, by the contexts that they keep.

    A process that has used CUDA keeps its context until it ends, whatever it unloads or parks.
    """
    mode = plan.settings.cleanup
    if mode == "exit" or plan.one_process:
        return []
    lines = []
    for device, count in sorted(Counter(w.device for w in plan.layout if w.device != "cpu").items()):
        if (left_gb := count * CONTEXT_GB) >= PROMISED_GB:
            lines.append(
                f"GPU {device.removeprefix('gpu:')}: executor.cleanup={mode} cannot keep the promise of less "
                f"than {PROMISED_GB:g} GB left. {count} processes live on and keep a CUDA context each, "
                f"which is counted as {CONTEXT_GB:g} GB: {left_gb:g} GB. What can: executor=threads "
                "executor.cleanup=offload, which has one context, or executor.cleanup=exit"
            )
    return lines


def lacking_replicas(plan: Plan) -> list[str]:
    """A line for each group that asks for more workers than the executor has for it."""
    lines = []
    for group in plan.groups:
        if (count := len(plan.workers_of(group))) < group.replicas:
            workers = f"{count} worker{'s' if count > 1 else ''}"
            lines.append(
                f"group {group.name} asks for {group.replicas} replicas; the executor has {workers} for it"
            )
    return lines


def other_threads(plan: Plan) -> list[str]:
    """A line for each group whose workers have other threads than it asks for."""
    lines = []
    for group in plan.groups:
        found = {worker.threads for worker in plan.workers_of(group)}
        if group.threads is not None and found != {group.threads}:
            has = " or ".join(map(str, sorted(found)))
            lines.append(f"group {group.name} asks for {group.threads} threads; its workers have {has}")
    return lines


def absent_upstream(plan: Plan) -> list[str]:
    """A line for each analyzer of a plan that reads from one that the plan does not have."""
    there = {task.analyzer for task in plan.tasks()}
    lines = []
    for task in plan.tasks():
        upstream = registry.chosen(task.analyzer, task.settings).upstream
        if absent := sorted(set(upstream) - there - {ALL}):
            reads = f"{task.analyzer} reads from {', '.join(absent)}"
            lines.append(f"{reads}, which no group of this run has: it runs without")
    return lines
