"""The commands of docs/comparing.md that compare commits, run as they are written."""

from __future__ import annotations

import json
import re
import shlex
import sys

import pytest

from clipbench.bench.errors import Exit
from studies import equal_commits
from tests.support.command_line import PROJECT


def documented(start):
    """The commands of docs/comparing.md and README.md that begin so, as they are written."""
    pages = [PROJECT / "docs" / "comparing.md", PROJECT / "README.md"]
    lines = [line.strip() for page in pages for line in page.read_text(encoding="utf-8").splitlines()]
    return list(dict.fromkeys(line for line in lines if re.match(start, line)))


COMMANDS = documented(r"(python compare\.py|clipbench-compare) .*--commits")


@pytest.mark.parametrize("line", COMMANDS)
def test_the_documented_commands_run_as_they_are_written(repository, command, line):
    repository.behave(factor=2.0)
    repository.git("checkout", "--quiet", "-b", "branch", "main~1")
    repository.behave(factor=4.0)
    words = shlex.split(line)[1 if line.startswith("clipbench") else 2 :]
    code, said = command(*words)
    assert code == (Exit.SLOWER if "--gate" in words else Exit.OK), said.err
    assert "Analyzers beyond noise: text ×" in said.out
    rounds = int(words[words.index("--rounds") + 1]) if "--rounds" in words else 9
    turns = repository.turns()
    assert len(turns) == 2 * rounds and len({turn["job"] for turn in turns}) == 2
    given = dict(word.split("=", 1) for word in words[words.index("--") + 1 :]) if "--" in words else {}
    assert all(given.items() <= turn["said"].items() for turn in turns)


@pytest.mark.parametrize("line", documented(r"python -m studies\.equal_commits"))
def test_the_documented_study_of_equal_commits(repository, command, monkeypatch, capsys, line):
    def run(words):
        assert words[1] == str(PROJECT / "compare.py")
        return command(*words[2:])[0]

    def study():
        monkeypatch.setattr(sys, "argv", shlex.split(line.replace("--times 10", "--times 2"))[2:])
        return equal_commits.main(), capsys.readouterr().out

    monkeypatch.setattr(equal_commits, "run", run)
    code, said = study()
    assert code == 0 and said.splitlines()[-1] == "false alarms: in 0 of 2 comparisons"
    assert len(repository.turns()) == 2 * 2 * 9
    made = json.loads((repository.folder / "outputs" / "equal" / "1" / "comparison.json").read_text())
    made["pairs"][0]["call"] = "slower"
    assert equal_commits.calls(made) == ["rtf_warm slower"]


def test_commands_were_found():
    assert len(COMMANDS) >= 3
