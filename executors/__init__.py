"""Executors: strategies that decide where and when the analyzers of a plan run."""

from __future__ import annotations

import importlib
import pkgutil

from executors.base import Executor


def names() -> list[str]:
    """The executors there are: each a module of this package that holds an `Executor` of that name."""
    return sorted(m.name for m in pkgutil.iter_modules(__path__) if m.name not in ("base", "worker"))


def create(name: str, **arguments) -> Executor:
    """The executor called `name`; imports no other."""
    module = importlib.import_module(f"executors.{name}")
    found = [c for c in vars(module).values() if isinstance(c, type) and getattr(c, "name", None) == name]
    return found[0](**arguments)
