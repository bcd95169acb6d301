"""Costs as a file has them, for tests."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from clipbench.analyzers import registry
from clipbench.bench.planning import cost_store
from clipbench.bench.planning.config import CostsConfig
from clipbench.bench.planning.cost_file import KeptCosts
from clipbench.bench.probes import environment
from clipbench.executors.costs import AnalyzerCost, Costs, Growth, Work
from clipbench.executors.layout import Task


def kept(tasks: list[Task], **changes: object) -> KeptCosts:
    """Costs of these tasks on this machine: a second for each second of clip."""
    costs = Costs(
        machine="here",
        cores=2,
        source="measured",
        analyzers={task.analyzer: AnalyzerCost(Work(Growth(per_s=1.0))) for task in tasks},
        facts=cost_store.facts_of(tasks, environment.describe()),
    )
    return dataclasses.replace(KeptCosts(costs, ["embedded"], "2026-01-31T12:00:00+00:00"), **changes)


def stored(folder: Path, found: KeptCosts, profile: str = "embedded") -> CostsConfig:
    """The configuration of a store in `folder` that has these costs for this machine."""
    cfg = CostsConfig(store=str(folder))
    cost_store.write(cost_store.path_of(cfg, profile, environment.describe()), found)
    return cfg


def task_named(analyzer: str) -> Task:
    """The task of an analyzer with its default settings."""
    return Task.of(registry.discover()[analyzer]())
