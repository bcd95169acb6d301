"""The analyzers that there are: one file each in this package, and those that plugins add."""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
import pkgutil
from collections.abc import Iterator
from types import ModuleType
from typing import Any

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
    kind: Any = type(settings)  # mypy takes the class of a dataclass for unhashable
    if settings is not None and (found := _named(name, kind, plugins.names())):
        return found
    return discover()[name]


@functools.cache
def _named(name: str, settings_type: type[Settings], _: tuple[str, ...]) -> type[Analyzer] | None:
    """The class in the file of its name, or in a plugin: a worker imports no analyzers but its own.

    Where the types of the settings are related, the nearer one is meant, which is the back end's.
    """
    for package in (f"{PACKAGE}.production", PACKAGE):
        if importlib.util.find_spec(f"{package}.{name}"):
            found = plugins.classes(Analyzer, [imported(f"{package}.{name}")]).get(name)
            if found and issubclass(settings_type, found.settings_type):
                return found
    return plugins.classes(Analyzer, plugins.modules()).get(name)


def modules_of(package: str) -> Iterator[ModuleType]:
    """The modules of a package of analyzers, imported."""
    for found in pkgutil.iter_modules(importlib.import_module(package).__path__):
        if not found.ispkg:
            yield imported(f"{package}.{found.name}")


def imported(name: str) -> ModuleType:
    """A module of a package of analyzers; raises PluginError, with its file, where it cannot be imported."""
    return plugins.import_module(name, f"{name.removeprefix('clipbench.').replace('.', '/')}.py")


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
