"""Where a run's figures can go beside its folder, and what that requires to be installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, field

from clipbench.bench import invocation
from clipbench.bench.errors import InputError, nearest


@dataclass
class ExportConfig:
    """Where else the figures of a run go: `to` any of EXPORTS, into export/ in the run's folder; for
    mlflow, as a run of the `experiment` at `tracking_uri` (null: where MLflow's own variables say); for
    opentelemetry, where its own variables say.
    """

    to: list[str] = field(default_factory=list)
    tracking_uri: str | None = None
    experiment: str = "clipbench"


@dataclass(frozen=True)
class Extra:
    """An extra of clipbench, and the modules that it brings; without a name, nothing is required."""

    name: str = ""
    modules: tuple[str, ...] = ()

    def lacking(self) -> list[str]:
        """The modules that are not installed."""
        return [name for name in self.modules if not is_installed(name)]


def is_installed(module: str) -> bool:
    """Whether there is a module of this name, without importing it."""
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # a package that it would be in is missing
        return False


#: What there is → what it requires. reports/export has a writer for each.
EXPORTS = {
    "csv": Extra("tables", ("pandas",)),
    "parquet": Extra("tables", ("pandas", "pyarrow")),
    "openmetrics": Extra(),
    "mlflow": Extra("mlflow", ("mlflow",)),
    "opentelemetry": Extra("opentelemetry", ("opentelemetry.exporter.otlp.proto.http",)),
}


def check_run(asked: ExportConfig, several: bool) -> None:
    """Raise InputError where a run cannot be exported as asked; one of `several` runs is not."""
    check(asked.to, "export")
    if asked.to and several:
        raise InputError(
            "export: calibrate=true and scenario.search=true make several runs; leave it out, and"
            f" export them afterwards: {invocation.program('export')} FOLDER --to {','.join(asked.to)}"
        )


def check(names: Sequence[str], key: str) -> None:
    """Raise InputError where one of `names` does not exist, or requires what is not installed.

    `key` is where the user wrote them.
    """
    for name in names:
        if name not in EXPORTS:
            raise InputError(f"{key}: there is no {name}{nearest(name, EXPORTS)}")
        if lacking := EXPORTS[name].lacking():
            how = f"pip install 'clipbench[{EXPORTS[name].name}]'"
            raise InputError(f"{key}: {name} requires {' and '.join(lacking)}: {how}")
