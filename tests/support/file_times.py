"""What each file of tests takes, in seconds and in seconds of processors: `--durations=N` lists the first N.

Where other work runs beside the tests, seconds of processors are the fairer figure. Those of processes that a
test starts are among them, as soon as the process that started one has waited for its end.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pytest


@dataclass
class FileTimes:
    """Of one file: how many tests it has, and what their set-up, calls and clean-up took together."""

    tests: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0


def cpu_seconds() -> float:
    """What this process and those that it has waited for have taken of all processors."""
    now = os.times()
    return now.user + now.system + now.children_user + now.children_system


class Meter:
    """Tells how much was taken since it was last asked."""

    def __init__(self) -> None:
        self.last = cpu_seconds()

    def since_last(self) -> float:
        before, self.last = self.last, cpu_seconds()
        return self.last - before


METER = Meter()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Note in a report what was taken since the one before; pytest-xdist passes it on."""
    report = yield
    report.cpu_seconds = METER.since_last()
    return report


def by_file(reports: Iterable[pytest.TestReport]) -> dict[str, FileTimes]:
    """The reports of a session added up, the file that took most of the processors first."""
    found: dict[str, FileTimes] = {}
    for report in reports:
        times = found.setdefault(report.nodeid.partition("::")[0], FileTimes())
        times.tests += report.when == "setup"
        times.seconds += report.duration
        times.cpu_seconds += getattr(report, "cpu_seconds", 0.0)
    return dict(sorted(found.items(), key=lambda item: -item[1].cpu_seconds))


def lines(found: dict[str, FileTimes], most: int) -> list[str]:
    """A table of the first `most` of the files, of all where that is 0, and one line for all files."""
    everything = FileTimes(
        *(sum(getattr(times, field) for times in found.values()) for field in FileTimes.__annotations__)
    )
    shown = dict(list(found.items())[: most or None])
    return [
        f"{times.cpu_seconds:7.1f}s of processors {times.seconds:7.1f}s {times.tests:5d} tests  {name}"
        for name, times in {**shown, f"all {len(found)} files": everything}.items()
    ]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """List the slowest files where the slowest tests are listed."""
    if (most := config.getoption("durations")) is None:
        return
    told = (report for kind in terminalreporter.stats.values() for report in kind)
    reports = [report for report in told if isinstance(report, pytest.TestReport)]
    terminalreporter.section("slowest files")
    for line in lines(by_file(reports), most):
        terminalreporter.write_line(line)
