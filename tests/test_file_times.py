"""The table of the slowest files, which says where the time of `make test` goes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.support.command_line import PROJECT
from tests.support.file_times import FileTimes, Meter, by_file, lines


def report(nodeid: str, when: str, duration: float, cpu: float) -> pytest.TestReport:
    made = pytest.TestReport(nodeid, (nodeid, 0, ""), {}, "passed", None, when, duration=duration)
    made.cpu_seconds = cpu
    return made


REPORTS = [
    report("a.py::one", "setup", 1.0, 0.5),
    report("a.py::one", "call", 2.0, 0.25),
    report("a.py::one", "teardown", 0.5, 0.0),
    report("b.py::two[x::y]", "setup", 0.25, 1.0),
    report("b.py::two[z]", "setup", 0.25, 1.0),
]


def test_a_file_has_what_all_parts_of_its_tests_took_and_the_hungriest_is_first():
    found = by_file(REPORTS)
    assert list(found.items()) == [("b.py", FileTimes(2, 0.5, 2.0)), ("a.py", FileTimes(1, 3.5, 0.75))]


def test_the_table_ends_with_all_files_however_few_it_shows():
    shown = lines(by_file(REPORTS), 1)
    assert [line.split()[-1] for line in shown] == ["b.py", "files"]
    assert "2.8s of processors" in shown[-1] and "4.0s" in shown[-1] and "3 tests" in shown[-1]
    assert len(lines(by_file(REPORTS), 0)) == 3


def test_what_processes_take_that_were_waited_for_is_counted_and_waiting_is_not(monkeypatch):
    told = iter([(1.0, 0.5, 0.0, 0.0, 100.0), (1.0, 0.5, 0.0, 0.0, 109.0), (2.0, 0.75, 4.0, 8.0, 110.0)])
    with monkeypatch.context() as patched:  # the report on this test asks for the real ones
        patched.setattr("os.times", lambda: os.times_result(next(told)))
        meter = Meter()
        found = [meter.since_last(), meter.since_last()]
    assert found == [0, 13.25]


def test_it_is_printed_with_the_slowest_tests():
    """With pytest-xdist, which makes the reports in a process of its own."""
    test = "tests/test_house.py::test_functions_fit_a_screen"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n", "1", "--durations=3", test]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    (line,) = [line for line in done.stdout.splitlines() if line.endswith("  tests/test_house.py")]
    assert float(line.split("s of")[0]) > 0
