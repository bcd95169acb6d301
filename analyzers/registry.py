"""The analyzers that there are: one file each in this package, and those that plugins add."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType

from clipbench import plugins
from clipbench.analyzers.base import Analyzer, Settings

PACKAGE = "clipbench.analyzers"


def discover() -> dict[str, type[Analyzer]]:
    """Every analyzer class by its name, in alphabetical order.

    Raises PluginError for a file that cannot be imported, a class that is not as it must be, and where two
    have one name.
    """
    return _discover(plugins.names())


@functools.cache
def _discover(_: tuple[str, ...]) -> dict[str, type[Analyzer]]:
    found = plugins.classes(Analyzer, (*modules_of(PACKAGE), *plugins.modules()))
    for cls in found.values():
        check(cls)
    return found


def own() -> list[str]:
    """The names of the analyzers that plugins add."""
    return list(plugins.classes(Analyzer, plugins.modules()))


@functools.cache
def back_ends() -> dict[str, type[Analyzer]]:
    """The production back ends, by the name of the analyzer whose place they take."""
    return plugins.classes(Analyzer, modules_of(f"{PACKAGE}.production"))


def create(name: str, settings: Settings | None = None) -> Analyzer:
    """The analyzer `name` under `settings`: their type says whether its production back end is meant."""
    return chosen(name, settings)(settings)


def chosen(name: str, settings: Settings | None = None) -> type[Analyzer]:
    """The class that `create` makes the analyzer of."""
    back_end = back_ends().get(name) if settings is not None else None
    # Where the two types are related, the nearer one is meant.
    if back_end is not None and isinstance(settings, back_end.settings_type):
        return back_end
    return discover()[name]


def modules_of(package: str) -> Iterator[ModuleType]:
    """The modules of a package of analyzers, imported."""
    for found in pkgutil.iter_modules(importlib.import_module(package).__path__):
        if not found.ispkg:
            name = f"{package}.{found.name}"
            yield plugins.import_module(name, f"{name.removeprefix('clipbench.').replace('.', '/')}.py")


def check(cls: type[Analyzer]) -> None:
    """Raise PluginError for an analyzer class whose declarations cannot be used."""
    where = f"{plugins.file_of(importlib.import_module(cls.__module__))}: {cls.__name__}"
    settings = cls.settings_type
    if not (
        isinstance(settings, type) and issubclass(settings, Settings) and dataclasses.is_dataclass(settings)
    ):
        raise plugins.PluginError(f"{where}.settings_type must be a dataclass derived from Settings")
    if not (isinstance(cls.upstream, tuple) and all(isinstance(name, str) for name in cls.upstream)):
        raise plugins.PluginError(
            f'{where}.upstream is {cls.upstream!r}; it must be a tuple of names, such as ("cut_analysis",)'
        )
    if cls.analyze is Analyzer.analyze:
        raise plugins.PluginError(f"{where} has no analyze(self, clip, upstream)")
