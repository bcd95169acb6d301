"""Turns that run a small script instead of run.py, and commits of a small repository."""

from __future__ import annotations

import json
import sys

import pytest

from clipbench.bench.runs import child_run
from clipbench.bench.runs.serialization import to_json
from clipbench.bench.sweeping import identity
from clipbench.commands import commits, compare
from tests.support.small_repository import SmallRepository
from tests.support.stored_results import a_result
from tests.support.sweeps import CHILD


@pytest.fixture
def child(tmp_path, monkeypatch):
    """Let turns run CHILD instead of run.py; gives what reads the journal of the turns taken."""
    (tmp_path / "child.py").write_text(CHILD)
    monkeypatch.setattr(child_run, "COMMAND", (sys.executable, str(tmp_path / "child.py")))
    monkeypatch.setenv("RESULT", json.dumps(to_json(a_result([1.5]))))
    monkeypatch.setenv("JOURNAL", str(tmp_path / "journal"))
    monkeypatch.setattr(identity, "code", lambda: {"run.py": "1"})
    (tmp_path / "journal").touch()
    return lambda: (tmp_path / "journal").read_text().splitlines()


@pytest.fixture
def repository(tmp_path):
    return SmallRepository.make(tmp_path)


@pytest.fixture
def command(repository, monkeypatch, capsys):
    """Runs the command in the repository: gives its exit code and what it printed."""
    monkeypatch.setattr(commits, "checkout", lambda: repository.folder)
    monkeypatch.setattr(commits.interrupts, "accept", lambda: None)
    monkeypatch.setattr(compare, "GIVEN", repository.variables())
    monkeypatch.chdir(repository.folder)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["compare.py", *map(str, arguments)])
        return compare.main(), capsys.readouterr()

    return run
