"""The command: python compare.py --commits A B, on a small repository whose runs take no time."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time

import pytest

from clipbench.bench.errors import Exit, InputError
from clipbench.bench.runs.child_run import Program
from clipbench.bench.sweeping import commit_setup
from clipbench.bench.sweeping.commit_setup import Commit
from clipbench.commands import compare
from tests.support.command_line import PROJECT


def test_a_slower_commit_is_called_so_and_its_analyzer_is_named(repository, command, tmp_path):
    slow = repository.behave(factor=2.0, seed=1)
    out = tmp_path / "out"
    code, said = command("--commits", "HEAD~1", "main", "--output", out, "--gate", "--", "grouping=two_core")
    assert code == Exit.SLOWER, said.err
    first, second = (f"{name}@{repository.git('rev-parse', name)[:9]}" for name in ("HEAD~1", "main"))
    line = next(line for line in said.out.splitlines() if line.startswith(f"{second} is slower than {first}"))
    assert "in rtf_warm: ×1.5" in line and re.search(
        r"Analyzers beyond noise: text ×2(\.\d+)? slower\.", line
    )
    made = json.loads((out / "comparison.json").read_text())
    assert [a["analyzer"] for a in made["analyzers"][second] if a["call"] == "slower"] == ["text"]
    page = (out / "comparison.html").read_text()
    assert "What was found" in page and "is slower than" in page and "Which to use" not in page
    assert slow.startswith(second.partition("@")[2])


def test_commits_take_turns_each_with_its_own_code_and_nothing_is_left(repository, command, tmp_path):
    repository.behave(seed=1)
    code, said = command(
        "--commits", "old=HEAD~1", "new=HEAD", "--output", tmp_path / "out", "--", "repeats=3", "a=b"
    )
    assert code == Exit.OK, said.err
    turns = repository.turns()
    order = [turn["job"].partition("@")[0] for turn in turns]
    assert order == [*["old", "new", "new", "old"] * 4, "old", "new"], (
        "nine rounds, every second the other way round"
    )
    for turn in turns:
        place = tmp_path / "out" / ".worktrees" / ("1" if turn["job"].startswith("old") else "2")
        assert turn["file"] == str(place / "clipbench" / "__main__.py") and turn["cwd"] == str(place)
        assert turn["python"] == sys.executable
        assert turn["said"]["repeats"] == "3" and turn["said"]["a"] == "b"
        assert turn["environment"]["OPENBLAS_NUM_THREADS"] == compare.GIVEN.get("OPENBLAS_NUM_THREADS")
    assert repository.worktrees() == 1 and not (tmp_path / "out" / ".worktrees").exists()
    assert repository.git("status", "--porcelain") == ""
    assert "not made in turns" not in said.out


def test_two_equal_commits_are_called_nothing(repository, command, tmp_path):
    code, said = command("--commits", "HEAD", "HEAD", "--output", tmp_path / "out", "--gate")
    assert code == Exit.OK, said.err
    made = json.loads((tmp_path / "out" / "comparison.json").read_text())
    name = f"HEAD@{repository.git('rev-parse', 'HEAD')[:9]}"
    assert [side["name"] for side in made["sides"]] == [name, f"{name}-2"]
    calls = [pair["call"] for pair in made["pairs"]]
    calls += [a["call"] for a in made["analyzers"][f"{name}-2"]]
    assert set(calls) <= {"same", "undecided"} and len(calls) > 2
    assert "No analyzer moved beyond noise." in said.out


def test_a_dirty_tree_is_refused_unless_told(repository, command, tmp_path):
    (repository.folder / "new_analyzer.py").touch()
    arguments = ("--commits", "HEAD", "HEAD", "--rounds", "1", "--output", tmp_path / "out")
    code, said = command(*arguments)
    assert code == Exit.BAD_INPUT and len(said.err.splitlines()) == 1
    assert "would not be measured (new_analyzer.py)" in said.err and "--allow-dirty" in said.err
    assert not (tmp_path / "out").exists() and repository.turns() == []
    code, said = command(*arguments, "--allow-dirty")
    assert code == Exit.OK and "uncommitted changes are not measured: new_analyzer.py" in said.err
    assert "--rounds=1 shows large differences at most" in said.err


def test_what_the_comparison_itself_writes_is_no_change(repository, command):
    for _ in range(2):
        code, said = command("--commits", "HEAD", "HEAD", "--rounds", "1", "--output", "kept")
        assert code == Exit.OK, said.err
    assert len(repository.turns()) == 2, "the second call finds all turns taken"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--commits", "HEAD", "mian"), "there is no commit mian in .*; did you mean main?"),
        (
            ("--commits", "empty", "HEAD"),
            "empty@[0-9a-f]{9} cannot be run: it has no pyproject.toml of clipbench",
        ),
        (("--commits", "HEAD", "HEAD", "--rounds", "0"), "--rounds=0 is out of range"),
        (("--commits", "HEAD", "HEAD", "--timeout", "0"), "--timeout=0 is out of range"),
        (("--commits", "HEAD", "HEAD", "--", "grouping"), "grouping is no setting"),
        (("--commits", "HEAD", "HEAD", "--", "profile=torch"), "profile is not for a comparison of commits"),
        (("--commits", "HEAD", "HEAD", "--", "repeats=0"), "repeats=0 is out of range"),
        (("--commits", "HEAD", "HEAD", "--", "scale=2"), "HEAD@[0-9a-f]{9}: there is no key scale"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_a_line_and_leaves_nothing(
    repository, command, arguments, says
):
    repository.git("checkout", "--quiet", "--orphan", "empty")
    repository.git("rm", "-r", "--quiet", "--cached", ".")
    repository.git("commit", "--quiet", "--allow-empty", "--message", "nothing")
    repository.git("checkout", "--quiet", "--force", "main")
    repository.behave(refuses="scale")
    code, said = command(*arguments)
    line = said.err.splitlines()[-1]
    assert code == Exit.BAD_INPUT and line.startswith("clipbench: ") and re.search(says, line), said.err
    assert not (repository.folder / "outputs").exists() or not [
        path for path in (repository.folder / "outputs").rglob("*") if path.is_file()
    ]
    assert repository.worktrees() == 1 and repository.turns() == []


def test_options_of_commits_are_for_commits(command, capsys):
    for arguments in (
        ("a", "--rounds", "3"),
        ("a", "--keep"),
        ("--commits", "a", "b", "--reference", "b"),
        (),
    ):
        with pytest.raises(SystemExit) as stopped:
            command(*arguments)
        assert stopped.value.code == 2
    assert "required: CANDIDATE" in capsys.readouterr().err


def test_a_side_that_fails_is_named_with_its_log(repository, command, tmp_path):
    repository.behave(fails="out of tea")
    code, said = command("--commits", "HEAD~1", "HEAD", "--output", tmp_path / "out")
    assert code == Exit.NOTHING_VALID
    name = f"HEAD@{repository.git('rev-parse', 'HEAD')[:9]}"
    log = tmp_path / "out" / name / "1" / "log.txt"
    assert f"{name} failed in round 1: exit code 1: out of tea; what it printed is in {log}" in said.err
    assert "out of tea" in log.read_text()
    assert f"there is nothing to compare: {name} left no result" in said.err
    assert [turn["round"] for turn in repository.turns()] == ["1", "1", "2"], (
        "and the other gets no more turns"
    )
    assert "there is nothing to compare it with" in (tmp_path / "out" / "sweep.json").read_text()


def test_a_commit_with_other_dependencies_has_an_environment_of_its_own(repository, command, tmp_path):
    repository.commit(**{"constraints.txt": "numpy==2.5.0\n"})
    repository.commit(**{"constraints.txt": "numpy==2.4.6  # the one that is here\n"})
    out = tmp_path / "out"
    code, said = command("--commits", "HEAD~1", "HEAD", "--rounds", "1", "--output", out)
    assert code == Exit.OK, said.err
    assert "installing the environment of HEAD_1@" not in said.err, "a name keeps its ~"
    assert "installing the environment of HEAD~1@" in said.err and "numpy==2.5.0" in said.err
    by = {turn["job"].partition("@")[0]: turn["python"] for turn in repository.turns()}
    assert by == {
        "HEAD~1": str(out / ".worktrees" / "1" / ".venv" / "bin" / "python"),
        "HEAD": sys.executable,
    }
    repository.commit(**{"constraints.txt": "broken==1\n"})
    repository.git("checkout", "--quiet", "HEAD~1")
    code, said = command("--commits", "HEAD", "main", "--rounds", "1")
    assert (
        code == Exit.BAD_INPUT
        and "its environment could not be installed: there is no such version" in said.err
    )


def test_code_from_elsewhere_is_refused(repository, tmp_path):
    place = tmp_path / "place"
    place.mkdir()
    program = Program((sys.executable,), {**os.environ, "PYTHONPATH": str(repository.folder)}, place)
    with pytest.raises(
        InputError, match=r"c: clipbench would be imported from .*repository/clipbench/__init__.py"
    ):
        commit_setup.refuse_other_code(Commit("c", "1" * 40), program, place)
    commit_setup.refuse_other_code(Commit("c", "1" * 40), program, repository.folder)
    (repository.folder / "clipbench" / "__main__.py").unlink()
    with pytest.raises(InputError, match=r"it has no module|clipbench\.__main__ would be imported from"):
        commit_setup.refuse_other_code(Commit("c", "1" * 40), program, repository.folder)


def test_a_worktree_that_is_changed_meanwhile_ends_the_comparison(repository, command, tmp_path):
    repository.behave(edits=True)
    code, said = command("--commits", "HEAD~1", "HEAD", "--output", tmp_path / "out")
    assert code == Exit.BAD_INPUT and "is no longer HEAD@" in said.err and "continue with: " in said.err
    assert len(repository.turns()) == 2


def test_kept_worktrees_are_used_again(repository, command, tmp_path):
    arguments = ("--commits", "HEAD", "HEAD", "--rounds", "1", "--output", tmp_path / "out")
    assert command(*arguments, "--keep")[0] == Exit.OK
    kept = tmp_path / "out" / ".worktrees" / "2" / "clipbench" / "__main__.py"
    made = kept.stat().st_ino
    for turn in (tmp_path / "out").glob("HEAD@*-2/1/*"):
        turn.unlink()
    next((tmp_path / "out").glob("HEAD@*-2/1")).rmdir()
    assert command(*arguments, "--keep")[0] == Exit.OK
    assert kept.stat().st_ino == made and len(repository.turns()) == 3
    assert command(*arguments)[0] == Exit.OK
    assert not kept.exists() and repository.worktrees() == 1


def test_a_branch_that_moved_on_is_another_comparison(repository, command, tmp_path):
    arguments = ("--commits", "HEAD", "main", "--rounds", "1", "--output", tmp_path / "out")
    assert command(*arguments)[0] == Exit.OK
    repository.behave(seed=2)
    code, said = command(*arguments)
    assert code == Exit.BAD_INPUT and "holds another sweep; different are HEAD@" in said.err


SCRIPT = """
import pathlib, sys
from clipbench.commands import commits, entry
commits.checkout = lambda: pathlib.Path.cwd()
sys.argv = ["compare.py", *sys.argv[1:]]
entry.compare()
"""


def start(repository, *arguments, turn_s):
    return subprocess.Popen(
        [sys.executable, "-P", "-c", SCRIPT, *map(str, arguments)],
        cwd=repository.folder,
        env={**repository.variables(), "TURN_S": str(turn_s), "PYTHONPATH": str(PROJECT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_comparison_goes_on_where_it_was(repository, tmp_path, by):
    """Ended in its third turn; meanwhile the branch moves on."""
    out = tmp_path / "out"
    arguments = ("--commits", "HEAD", "HEAD", "--rounds", "2", "--output", out, "--", "a=b c")
    first = start(repository, *arguments, turn_s=1.0)
    deadline = time.monotonic() + 600
    while len(repository.turns()) < 3:
        assert first.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    first.send_signal(by)
    _, err = first.communicate(timeout=600)
    sha = repository.git("rev-parse", "HEAD")
    again = ["--commits", f"HEAD={sha}", f"HEAD={sha}", "--rounds", "2", "--output", str(out), "--", "a=b c"]
    if by == signal.SIGINT:
        assert first.returncode == 130, err
        assert repository.worktrees() == 1 and not (out / ".worktrees").exists()
        printed = err.partition("interrupted; continue with: ")[2].strip()
        assert shlex.split(printed)[-len(again) :] == again
    else:
        assert first.returncode == -by and repository.worktrees() == 3
    repository.behave(seed=5)
    second = start(repository, *again, turn_s=0)
    out_, err = second.communicate(timeout=600)
    assert second.returncode == 0, err
    begun = [f"{turn['job'][14:]}{turn['round']}" for turn in repository.turns()]
    assert begun == ["1", "-21", "-22", "-22", "2"], "the third turn is taken again, and no other"
    assert "undecided" in out_ and repository.worktrees() == 1 and not (out / ".worktrees").exists()
