"""The `executor` part of the configuration: its schema, and the settings of the executor that was chosen."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field, make_dataclass
from typing import Any, get_type_hints

from omegaconf import MISSING

from clipbench.bench.errors import InputError, nearest
from clipbench.executors import registry
from clipbench.executors.base import Executor
from clipbench.executors.settings import ExecutorSettings


@dataclass
class ExecutorConfig:
    """The executor that was chosen; `executor_config` adds the settings."""

    name: str = MISSING


def executor_config() -> type[ExecutorConfig]:
    """`ExecutorConfig` with the settings of every executor.

    Where executors differ in the type or the default of a setting, it is null until somebody sets it.
    """
    types: dict[str, set[object]] = {}
    defaults: dict[str, list[object]] = {}
    for cls in registry.discover().values():
        hints = get_type_hints(cls.settings_type)
        for key, default in default_of(cls.settings_type).items():
            types.setdefault(key, set()).add(hints[key])
            defaults.setdefault(key, []).append(default)
    fields: list[tuple[str, Any, Any]] = []
    for key, found in types.items():
        alike = len(found) == 1 and all(default == defaults[key][0] for default in defaults[key])
        fields.append((key, found.pop(), field(default=defaults[key][0])) if alike else (key, Any, None))
    return make_dataclass("Executor", fields, bases=(ExecutorConfig,))


def default_of(settings: type[ExecutorSettings]) -> dict[str, Any]:
    """Setting → its default."""
    return {f.name: getattr(settings(), f.name) for f in dataclasses.fields(settings)}


def chosen(cfg: ExecutorConfig) -> tuple[type[Executor], ExecutorSettings]:
    """The executor of a configuration and its settings; raises InputError for a wrong name or key.

    A key that another executor has and this one has not must be left at its default.
    """
    if cfg.name not in registry.discover():
        raise InputError(
            f"executor.name: there is no executor {cfg.name}{nearest(cfg.name, registry.names())}"
        )
    cls = registry.strategy(cfg.name)
    values = default_of(cls.settings_type)
    for f in dataclasses.fields(cfg):
        value = getattr(cfg, f.name)
        if f.name == "name" or value is None or value == f.default:
            continue
        if f.name not in values:
            has = ", ".join(sorted(values))
            raise InputError(f"executor.{f.name}: executor={cfg.name} has no setting {f.name}; it has {has}")
        values[f.name] = value
    return cls, cls.settings_type(**values)
