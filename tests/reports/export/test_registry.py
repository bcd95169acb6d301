"""Exports: those that the configuration knows, what they require, and one that fails beside another."""

from __future__ import annotations

import importlib.util

import pytest

from clipbench.bench.errors import InputError
from clipbench.bench.planning import exports
from clipbench.bench.planning.config import compose
from clipbench.reports.export import registry
from clipbench.reports.export.exporter import Destination, written_whole
from tests.support.command_line import PROJECT


def test_there_is_a_writer_and_a_choice_for_each():
    assert exports.EXPORTS.keys() == registry.EXPORTERS.keys()
    choices = {path.stem for path in (PROJECT / "conf" / "export").iterdir()}
    assert choices == {"none", *exports.EXPORTS}
    for name in exports.EXPORTS:
        assert compose(f"export={name}").export.to == [name]
    assert compose().export.to == []


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("csv", "csv requires pandas: pip install 'clipbench[tables]'"),
        ("parquet", "parquet requires pandas and pyarrow: pip install 'clipbench[tables]'"),
        ("mlflow", "mlflow requires mlflow: pip install 'clipbench[mlflow]'"),
        (
            "opentelemetry",
            "opentelemetry requires opentelemetry.exporter.otlp.proto.http: "
            "pip install 'clipbench[opentelemetry]'",
        ),
    ],
)
def test_a_missing_extra_is_one_line_with_the_command(name, line, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError) as refused:
        exports.check([name], "export")
    assert str(refused.value) == f"export: {line}"
    exports.check(["openmetrics"], "export")


def test_a_name_that_does_not_exist():
    with pytest.raises(InputError, match=r"--to: there is no openmetric; did you mean openmetrics\?"):
        exports.check(["openmetric"], "--to")


def test_several_runs_are_exported_afterwards():
    with pytest.raises(InputError, match="FOLDER --to openmetrics"):
        exports.check_run(compose("export=openmetrics").export, several=True)
    exports.check_run(compose().export, several=True)


def test_one_that_fails_costs_only_its_own(monkeypatch, tmp_path):
    def fail(runs, to):
        raise RuntimeError("no server\nat all")

    monkeypatch.setitem(registry.EXPORTERS, "mlflow", fail)
    monkeypatch.setitem(registry.EXPORTERS, "csv", lambda runs, to: ["made"])
    told = []
    failed = registry.export(["mlflow", "csv"], [], Destination(tmp_path), told.append)
    assert failed == ["export to mlflow failed: RuntimeError: no server"] and told == ["made"]


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    with pytest.raises(ValueError), written_whole(tmp_path / "new" / "a.txt") as path:
        path.write_text("half")
        raise ValueError
    assert list((tmp_path / "new").iterdir()) == []
    with written_whole(tmp_path / "new" / "a.txt") as path:
        path.write_text("whole")
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["a.txt"]


def test_a_module_within_a_package_that_is_missing_is_missing():
    extra = exports.Extra("none", ("no_such_package.module", "json.decoder"))
    assert extra.lacking() == ["no_such_package.module"]
