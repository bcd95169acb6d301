"""A plan for people, before anything is loaded: `python run.py plan=true`."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Any

from clipbench.analyzers import registry
from clipbench.analyzers.production.base import Production
from clipbench.bench.planning.placement import visible
from clipbench.bench.planning.plan import absent_upstream, make_plan, wishes
from clipbench.bench.probes import environment


def describe(cfg: Any) -> dict[str, Any]:
    """What `cfg` (the configuration as objects) would run here; memory in GB, as the models declare it.

    Raises InputError as a run would.
    """
    gpus = visible(environment.gpus(), os.environ.get("CUDA_VISIBLE_DEVICES"))
    plan = make_plan(cfg, gpus)
    known = {task.analyzer: registry.create(task.analyzer, task.settings) for task in plan.tasks()}
    resolved = {group.name: ([t.analyzer for t in group.tasks], group.device) for group in plan.groups}
    asked = wishes(cfg.executor, plan.workers, resolved, known)
    return {
        "grouping": cfg.grouping.name,
        "executor": cfg.executor.name,
        "models": cfg.models.profile,
        "workers": plan.workers,
        "threads": plan.threads,
        "notes": absent_upstream(plan),
        "groups": [
            {
                "name": group.name,
                "device": group.device,
                "cpus": list(group.cpus),
                "analyzers": [
                    {
                        "name": task.analyzer,
                        "models": list(known[task.analyzer].models()),
                        "memory_gb": known[task.analyzer].memory_gb
                        if isinstance(known[task.analyzer], Production)
                        else None,
                        "reads": list(task.upstream),
                    }
                    for task in group.tasks
                ],
            }
            for group in plan.groups
        ],
        "gpus": [
            {
                **asdict(gpu),
                "asked_gb": sum(w.memory_gb for w in asked if w.device == f"gpu:{gpu.index}" and w.memory_gb),
            }
            for gpu in gpus
        ],
    }
