"""The analyzers: one file each, found by `discover`, so that adding a file adds an analyzer."""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil

from analyzers.base import Analyzer


@functools.cache
def discover() -> dict[str, type[Analyzer]]:
    """Every analyzer class in this package by its name, in alphabetical order.

    Raises ValueError where two files claim one name.
    """
    found: dict[str, type[Analyzer]] = {}
    for module_info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{module_info.name}")
        for _, cls in inspect.getmembers(module, inspect.isclass):
            own = issubclass(cls, Analyzer) and cls.__module__ == module.__name__ and "name" in vars(cls)
            if not own:
                continue
            if cls.name in found:
                raise ValueError(
                    f"analyzer {cls.name} is in {found[cls.name].__module__} and {cls.__module__}"
                )
            found[cls.name] = cls
    return dict(sorted(found.items()))
