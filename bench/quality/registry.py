"""The quality figures that exist: those in bench/quality/figures/, and those that plugins add."""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
from pathlib import Path

from clipbench import plugins
from clipbench.analyzers import registry
from clipbench.bench.errors import nearest
from clipbench.bench.quality.declaration import Figure

PACKAGE = "clipbench.bench.quality.figures"


def discover() -> list[Figure]:
    """Every figure: clipbench's own by analyzer, then those of plugins.

    Raises PluginError if two figures have the same name.
    """
    return list(_discover(plugins.names()))


@functools.cache
def _discover(_: tuple[str, ...]) -> tuple[Figure, ...]:
    found: dict[str, Figure] = {}
    for figure in [*own(), *plugins.instances(Figure)]:
        other = found.setdefault(figure.metric, figure)
        if other is not figure:
            raise plugins.PluginError(
                f"{figure.metric} is declared in {file_of(other)} and in {file_of(figure)}; rename one"
            )
    analyzers = registry.discover()
    for figure in found.values():
        if figure.analyzer not in analyzers:
            raise plugins.PluginError(
                f"{file_of(figure)}: {figure.name} is a figure of {figure.analyzer}, which is no analyzer"
                f"{nearest(figure.analyzer, analyzers)}"
            )
    return tuple(found.values())


def own() -> list[Figure]:
    """The figures that come with clipbench, in alphabetical order of their analyzers."""
    folder = importlib.import_module(PACKAGE).__path__
    modules = [importlib.import_module(f"{PACKAGE}.{found.name}") for found in pkgutil.iter_modules(folder)]
    return [value for module in modules for value in vars(module).values() if isinstance(value, Figure)]


def keys_of_plugins() -> list[str]:
    """The keys of truth files that figures of plugins read beside clipbench's own."""
    return list(dict.fromkeys(key for figure in discover() for key in figure.reads))


def metric_names() -> list[str]:
    """The names of all quality metrics."""
    return [figure.metric for figure in discover()]


def file_of(figure: Figure) -> str:
    """The file that declares a figure."""
    return plugins.shown(Path(inspect.getfile(figure.compute)))
