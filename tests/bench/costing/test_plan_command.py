"""plan.py at the command line: its help, and mistakes in one line that say what to do."""

from __future__ import annotations

import sys

import pytest

from clipbench.bench.planning import cost_store
from clipbench.commands import plan
from tests.support.costs import kept, stored, task_named


@pytest.fixture
def called(monkeypatch, capsys, tmp_path):
    """Calls plan.py with arguments: its exit code, and what it printed."""
    monkeypatch.setenv(cost_store.VARIABLE, str(tmp_path / "store"))

    def call(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["plan.py", *arguments])
        try:
            code = plan.main()
        except SystemExit as stop:  # argparse
            code = stop.code
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return call


def test_help_names_the_sub_commands_and_their_options(called):
    assert called("--help")[0] == 0 and "costs" in called("--help")[1]
    code, text = called("costs", "--help")
    assert code == 0 and "--from" in text and "docs/costs.md" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["cosst"], "did you mean costs?"),
        (["costs", "models=embeded"], "did you mean embedded?"),
        (["costs", "body_pose"], "is no KEY=VALUE"),
        (["costs", "clip.path=nowhere.mp4"], "clip.path: "),
        (["costs", "--from", "nowhere"], "is not the result of a run"),
        (["costs", "--show"], "plan.py costs models=embedded"),
    ],
)
def test_mistakes_are_told_in_one_line(called, arguments, said):
    code, text = called(*arguments)
    assert code == 2 and said in text and len(text.strip().splitlines()) == 1


def test_what_was_kept_is_shown_again(called, tmp_path):
    stored(tmp_path / "store", kept([task_named("cut_analysis")], busy=True, other_cores=1.5))
    code, text = called("costs", "only=[cut_analysis]", "--show", "--output", str(tmp_path / "out"))
    assert code == 0 and "cut_analysis" in text and "1.5 cores" in text
    assert (tmp_path / "out" / "costs.html").exists()
