"""The user's own parts: modules that add analyzers, executors, quality figures and metrics to clipbench.

A plugin is a Python module: a file, a package's folder, or an installed module. There is nothing to register.
What a plugin adds is what its module holds of these:

- classes derived from `Analyzer` or `Executor` that set a `name`, defined in the module or in its package;
- quality figures: functions decorated with `@figure`;
- metrics: `Metric(...)` assigned to any name.

The environment variable CLIPBENCH_PLUGINS lists the plugins, separated as in PATH, so that worker processes,
which inherit it, find the same ones. This module sits below the others: it imports nothing of clipbench.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import os
import sys
import traceback
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import TypeVar

#: Lists the plugins: absolute paths and names of modules.
VARIABLE = "CLIPBENCH_PLUGINS"
#: The group of entry points in which an installed package names its plugin modules.
GROUP = "clipbench.plugins"

K = TypeVar("K")


class Part:
    """What a plugin can add: the base of `Analyzer`, `Executor`, `Figure` and `Metric`."""


class PluginError(Exception):
    """A plugin, an analyzer's or an executor's file cannot be used: one line that names it and the fix."""


def use(plugins: Iterable[str] = ()) -> None:
    """Make these plugins and those of installed packages known to this process and to those it starts.

    A plugin is a path (relative ones are relative to the working directory) or the name of a module.
    """
    listed = [*installed(), *names(), *(str(Path(p).resolve()) if is_path(p) else p for p in plugins)]
    os.environ[VARIABLE] = os.pathsep.join(dict.fromkeys(listed))
    extend_path()


def names() -> tuple[str, ...]:
    """The plugins that are known here, as paths and names of modules."""
    listed = os.environ.get(VARIABLE)
    return tuple(installed() if listed is None else filter(None, listed.split(os.pathsep)))


@functools.cache
def installed() -> tuple[str, ...]:
    """The plugin modules of installed packages, by their entry points."""
    return tuple(sorted({entry.value for entry in metadata.entry_points(group=GROUP)}))


def is_path(plugin: str) -> bool:
    """Whether a plugin is given as a path, and not as the name of a module."""
    return plugin.endswith(".py") or os.sep in plugin or Path(plugin).is_dir()


def extend_path() -> None:
    """Let plugin files be imported, with the modules beside them; what is installed comes first."""
    for plugin in filter(is_path, names()):
        if (folder := str(Path(plugin).parent)) not in sys.path:
            sys.path.append(folder)


extend_path()  # A worker unpickles what plugins define before anything asks for a plugin.


def modules() -> tuple[ModuleType, ...]:
    """The imported plugins; raises PluginError for one that cannot be used."""
    return _modules(names())


@functools.cache
def _modules(plugins: tuple[str, ...]) -> tuple[ModuleType, ...]:
    return tuple(load(plugin) for plugin in plugins)


def load(plugin: str) -> ModuleType:
    """Import one plugin; raises PluginError where that fails, or where it defines no part."""
    if is_path(plugin):
        path = Path(plugin)
        if not path.exists():
            raise PluginError(f"plugins: {shown(path)} does not exist")
        file = path / "__init__.py" if path.is_dir() else path
        if not file.exists():
            raise PluginError(f"plugins: {shown(path)} has no __init__.py; name the files in it instead")
        module = import_module(path.stem, shown(path))
        found = Path(getattr(module, "__file__", None) or "built in")
        if found.resolve() != file.resolve():
            raise PluginError(
                f"plugins: {shown(path)} cannot be imported as {path.stem}, since another module has that "
                f"name ({found}); rename your file"
            )
    else:
        module = import_module(plugin, f"module {plugin}")
    if not any(is_part(value, module) for value in vars(module).values()):
        raise PluginError(
            f"plugins: {file_of(module)} defines no analyzer, executor, figure or metric; derive a class "
            "from Analyzer or Executor and give it a name, or leave the file out of plugins"
        )
    return module


def import_module(name: str, label: str) -> ModuleType:
    """Import a module; raises PluginError, naming `label` and the line at fault, for whatever goes wrong."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name == name:
            raise PluginError(f"plugins: {label} is not installed; for a file, write ./{name}.py") from error
        raise PluginError(f"{label} cannot be imported: {cause(error)}") from error
    except (Exception, SystemExit, GeneratorExit) as error:
        raise PluginError(f"{label} cannot be imported: {cause(error)}") from error


def cause(error: BaseException) -> str:
    """An error in one line, with the file and the line that raised it."""
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg} ({error.filename}, line {error.lineno})"
    at = traceback.extract_tb(error.__traceback__)[-1]
    message = (str(error) or "no message").splitlines()[0]
    return f"{type(error).__name__}: {message} ({at.filename}, line {at.lineno})"


def is_part(value: object, module: ModuleType) -> bool:
    """Whether `value`, found in `module`, is a part that the module adds."""
    if isinstance(value, type):
        return issubclass(value, Part) and "name" in vars(value) and belongs(value, module)
    return isinstance(value, Part)


def belongs(cls: type, module: ModuleType) -> bool:
    """Whether a class is defined in `module`, or in the package that `module` is."""
    return cls.__module__ == module.__name__ or cls.__module__.startswith(f"{module.__name__}.")


def classes(kind: type[K], among: Iterable[ModuleType]) -> dict[str, type[K]]:
    """The classes of a kind (Analyzer, Executor) that these modules define, by `name`, in alphabetical order.

    Raises PluginError for a name that cannot be one, and where two classes have the same.
    """
    found: dict[str, type[K]] = {}
    for module in among:
        for cls in vars(module).values():
            if not (isinstance(cls, type) and issubclass(cls, kind) and is_part(cls, module)):
                continue
            label, name = kind.__name__.lower(), vars(cls)["name"]
            if not (isinstance(name, str) and name.isidentifier()):
                raise PluginError(
                    f"{file_of(module)}: {cls.__name__}.name is {name!r}; it must be a word like my_{label}"
                )
            if found.setdefault(name, cls) is not cls:
                both = f"{file_of(sys.modules[found[name].__module__])} and in {file_of(module)}"
                raise PluginError(f"{label} {name} is defined in {both}; rename one")
    return dict(sorted(found.items()))


def instances(kind: type[K], among: Iterable[ModuleType] | None = None) -> list[K]:
    """The objects of a kind (Figure, Metric) that modules hold, by default all plugins, in order."""
    among = modules() if among is None else among
    return [value for module in among for value in vars(module).values() if isinstance(value, kind)]


def files() -> list[Path]:
    """The source files of all plugins, those inside their packages included."""
    found: list[Path] = []
    for module in modules():
        file = Path(str(module.__file__))
        found += sorted(file.parent.rglob("*.py")) if file.name == "__init__.py" else [file]
    return found


def digests() -> dict[str, str]:
    """The source files of all plugins, as messages name them → the beginning of their SHA-256."""
    return {shown(path): hashlib.sha256(path.read_bytes()).hexdigest()[:12] for path in files()}


def file_of(module: ModuleType) -> str:
    """The file of a module, as a message names it."""
    return shown(Path(str(module.__file__)))


def shown(path: Path) -> str:
    """A path, relative to the working directory where it is below it."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
