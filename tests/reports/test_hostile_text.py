"""Whatever text a result has, wherever: the console shows it as text, and nothing of it has an effect."""

from __future__ import annotations

import dataclasses
import io
import logging
import typing

import pytest

from clipbench.bench.comparing import calibration
from clipbench.bench.runs.baseline_outcome import Compared
from clipbench.bench.runs.results import Result
from clipbench.reports import terminal
from clipbench.reports.comparison import baseline_console
from clipbench.reports.comparison import console as comparison_console
from clipbench.reports.formatting import UNPRINTABLE, PrintableFormatter, one_line
from clipbench.reports.run import console as report
from tests.support.comparisons import compared
from tests.support.report_results import a_run, all_red
from tests.support.stored_results import a_result

#: Markup that would close what is not open, a colour, a new title of the window, text that runs backwards.
NASTY = "a[/x][red]\x1b[31m\x1b]0;t\x07\u202e\u2066\x9b2J\x00\r\x7f"


def poisoned(value: typing.Any, kind: typing.Any = None) -> typing.Any:
    """`value` with NASTY after all of its text, but where only certain words are possible."""
    if typing.get_origin(kind) is typing.Literal:
        return value
    if isinstance(value, str):
        return value + NASTY
    if dataclasses.is_dataclass(value):
        kinds = typing.get_type_hints(type(value))
        changes = {
            f.name: poisoned(getattr(value, f.name), kinds[f.name])
            for f in dataclasses.fields(value)
            if f.init and f.name not in ("metric", "name", "worker", "analyzer", "phase", "status", "op")
        }
        return dataclasses.replace(value, **changes)
    if isinstance(value, list):
        return [poisoned(each) for each in value]
    if isinstance(value, dict):
        return {key: poisoned(each) for key, each in value.items()}
    return value


def console(width: int = 170) -> terminal.PrintableConsole:
    return terminal.PrintableConsole(width=width, file=io.StringIO())


def without_effect(on: terminal.PrintableConsole) -> str:
    text = on.file.getvalue()
    assert "a[/x][red]␛" in text
    assert not UNPRINTABLE.search(text)
    return text


@pytest.mark.parametrize("width", [80, 120, 170])
def test_the_report_of_a_run(width):
    run: Result = poisoned(all_red(a_run()))
    run.warnings = [NASTY]
    report.show(run, on := console(width))
    without_effect(on)


def test_names_that_a_plugin_chose():
    run = a_run()
    run.metrics.append(dataclasses.replace(run.metrics[0], name=NASTY, unit=NASTY))
    run.targets = [dataclasses.replace(target, metric=NASTY) for target in run.targets]
    run.analyzers = {f"{name}{NASTY}": one for name, one in run.analyzers.items()}
    report.show(run, on := console())
    without_effect(on)


def test_a_comparison(tmp_path, monkeypatch):
    monkeypatch.setattr(calibration, "store", tmp_path / "calibration.json")
    results = [a_result(grouping=f"g{NASTY}"), a_result(grouping=f"h{NASTY}", executor=f"e{NASTY}")]
    made = compared(
        tmp_path, allow=True, **{NASTY.replace("/", "").replace("\0", ""): results[0], "b": results[1]}
    )
    made.mismatches.append(NASTY)
    comparison_console.show(made, on := console())
    assert "a[x][red]␛" in without_effect(on)


def test_a_baseline():
    outcome = Compared(
        path=NASTY, runs=3, metric=NASTY, call="undecided", reason=NASTY, baseline_value=1.0, since=[NASTY]
    )
    baseline_console.show(outcome, on := console())
    without_effect(on)


def test_text_that_no_report_has_seen_to():
    on = console()
    on.print(NASTY, markup=False)
    without_effect(on)


def test_lines_and_log_records():
    record = logging.LogRecord("a", logging.WARNING, "a.py", 1, "%s said\n%s", (NASTY, NASTY), None)
    for text in (one_line(f"{NASTY}\n{NASTY}"), PrintableFormatter("%(message)s").format(record)):
        assert "␛[31m" in text and not UNPRINTABLE.search(text)
    assert "\n" not in one_line(f"{NASTY}\n{NASTY}")
