"""The executors that there are: one file each in this package, and those that plugins add.

A file is an executor's if it defines a class derived from `Executor` that sets a `name`.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import importlib.util
import pkgutil
from collections.abc import Iterator
from types import ModuleType

from clipbench import plugins
from clipbench.executors.base import Executor, Observer
from clipbench.executors.settings import ExecutorSettings

PACKAGE = "clipbench.executors"


def discover() -> dict[str, type[Executor]]:
    """Every executor class by its name, in alphabetical order.

    Raises PluginError for a file that cannot be imported, a class that is not as it must be, and where two
    have one name.
    """
    return _discover(plugins.names())


@functools.cache
def _discover(_: tuple[str, ...]) -> dict[str, type[Executor]]:
    found = plugins.classes(Executor, (*own_modules(), *plugins.modules()))
    for cls in found.values():
        check(cls)
    return found


def names() -> list[str]:
    """The names of the executors, in alphabetical order."""
    return list(discover())


def running() -> list[str]:
    """The names of the executors that run something, in alphabetical order: all but virtual ones."""
    return [name for name, cls in discover().items() if not cls.virtual]


def own() -> list[str]:
    """The names of the executors that plugins add."""
    return list(plugins.classes(Executor, plugins.modules()))


def strategy(name: str) -> type[Executor]:
    """The class of the executor called `name`; raises KeyError where there is none."""
    return discover()[name]


def lacking(name: str) -> list[str]:
    """The packages that the executor called `name` requires and that are not installed."""
    return [package for package in strategy(name).requires if importlib.util.find_spec(package) is None]


def create(name: str, observer: Observer) -> Executor:
    """The executor called `name`."""
    return strategy(name)(observer)


def own_modules() -> Iterator[ModuleType]:
    """The modules of this package, imported. None of them imports anything heavy."""
    for found in pkgutil.iter_modules(importlib.import_module(PACKAGE).__path__):
        yield plugins.import_module(f"{PACKAGE}.{found.name}", f"executors/{found.name}.py")


def check(cls: type[Executor]) -> None:
    """Raise PluginError for an executor class whose declarations cannot be used."""
    where = f"{plugins.file_of(importlib.import_module(cls.__module__))}: {cls.__name__}"
    settings = cls.settings_type
    if not (
        isinstance(settings, type)
        and issubclass(settings, ExecutorSettings)
        and dataclasses.is_dataclass(settings)
    ):
        raise plugins.PluginError(f"{where}.settings_type must be a dataclass derived from ExecutorSettings")
    if lacking := [f.name for f in dataclasses.fields(settings) if has_no_default(f)]:
        raise plugins.PluginError(f"{where}.settings_type has no default for {', '.join(lacking)}")
    if any(f.name == "name" for f in dataclasses.fields(settings)):
        raise plugins.PluginError(f"{where}.settings_type cannot have a setting called name")


def has_no_default(setting: dataclasses.Field[object]) -> bool:
    """Whether a field of a dataclass must be given."""
    return setting.default is dataclasses.MISSING and setting.default_factory is dataclasses.MISSING
