"""Executors: strategies that decide where and when the analyzers of a plan run."""

from __future__ import annotations

import importlib
import pkgutil

from clipbench.executors.base import Executor

#: Modules of this package that are no strategies.
PARTS = {"base", "devices", "faults", "processes", "profiling", "remote", "scheduled", "worker"}


def names() -> list[str]:
    """The executors there are: each a module of this package that holds an `Executor` of that name."""
    return sorted(m.name for m in pkgutil.iter_modules(__path__) if m.name not in PARTS)


def strategy(name: str) -> type[Executor]:
    """The class of the executor called `name`; imports no other."""
    module = importlib.import_module(f"{__name__}.{name}")
    return next(c for c in vars(module).values() if isinstance(c, type) and vars(c).get("name") == name)


def create(name: str, **arguments) -> Executor:
    """The executor called `name`."""
    return strategy(name)(**arguments)
