"""The analyzers: one file each, found by `discover`, so that adding a file adds an analyzer.

The folders that the environment variable CLIPBENCH_ANALYZERS names (separated as in PATH) are searched too.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import os
import pkgutil
import traceback
from collections.abc import Iterable

from clipbench.analyzers.base import Analyzer, Settings

# ONNX Runtime sends usage data to its makers unless this is set before it is first imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__path__ += [folder for folder in os.environ.get("CLIPBENCH_ANALYZERS", "").split(os.pathsep) if folder]


class BrokenAnalyzer(Exception):
    """A file in this package cannot be used: one line that names it, the line and what is wrong."""


@functools.cache
def discover() -> dict[str, type[Analyzer]]:
    """Every analyzer class in this package by its name, in alphabetical order.

    Raises BrokenAnalyzer for a file that cannot be imported, and where two claim one name.
    """
    return classes_in(__name__, __path__)


@functools.cache
def back_ends() -> dict[str, type[Analyzer]]:
    """The production back ends, by the name of the analyzer whose place they take."""
    package = importlib.import_module(f"{__name__}.production")
    return classes_in(package.__name__, package.__path__)


def create(name: str, settings: Settings | None = None) -> Analyzer:
    """The analyzer `name` under `settings`: their type says whether its production back end is meant."""
    embedded = discover()[name]
    back_end = back_ends().get(name) if settings is not None else None
    # Where the two types are related, the nearer one is meant.
    if back_end is not None and isinstance(settings, back_end.settings_type):
        return back_end(settings)
    return embedded(settings)


def classes_in(package: str, path: Iterable[str]) -> dict[str, type[Analyzer]]:
    """The analyzer classes of a package's modules, by name."""
    found: dict[str, type[Analyzer]] = {}
    for module_info in pkgutil.iter_modules(path):
        try:
            module = importlib.import_module(f"{package}.{module_info.name}")
        except Exception as error:
            at = traceback.extract_tb(error.__traceback__)[-1]
            file = f"{package.replace('.', '/')}/{module_info.name}.py"
            raise BrokenAnalyzer(
                f"{file} cannot be imported: {type(error).__name__}: {error} "
                f"({at.filename}, line {at.lineno})"
            ) from error
        for _, cls in inspect.getmembers(module, inspect.isclass):
            own = issubclass(cls, Analyzer) and cls.__module__ == module.__name__ and "name" in vars(cls)
            if not own:
                continue
            if cls.name in found:
                both = f"{found[cls.name].__module__} and in {cls.__module__}"
                raise BrokenAnalyzer(f"analyzer {cls.name} is in {both}; rename one")
            found[cls.name] = cls
    return dict(sorted(found.items()))
