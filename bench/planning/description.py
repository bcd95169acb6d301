"""A plan for people, before anything is loaded: `python run.py plan=true`."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Any

from clipbench.bench.planning.placement import visible
from clipbench.bench.planning.plan import absent_upstream, make_plan
from clipbench.bench.probes import environment


def describe(cfg: Any) -> dict[str, Any]:
    """What `cfg` (the configuration as objects) would run here; memory in GB, as the models declare it.

    Raises InputError as a run would.
    """
    gpus = visible(environment.gpus(), os.environ.get("CUDA_VISIBLE_DEVICES"))
    plan = make_plan(cfg, gpus)
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
                        "models": list(task.models),
                        "memory_gb": task.memory_gb,
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
                "asked_gb": sum(w.memory_gb or 0.0 for w in plan.layout if w.device == f"gpu:{gpu.index}"),
            }
            for gpu in gpus
        ],
    }
