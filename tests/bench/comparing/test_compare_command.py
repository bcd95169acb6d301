"""The command: python compare.py."""

from __future__ import annotations

import subprocess
import sys

from clipbench.commands import compare
from tests.support.command_line import PROJECT
from tests.support.comparisons import SLOW
from tests.support.stored_results import a_result, written


def test_the_command_line(tmp_path, monkeypatch, capsys):
    def command(*arguments):
        monkeypatch.setattr(sys, "argv", ["compare.py", *map(str, arguments)])
        return compare.main(), capsys.readouterr()

    fast = written(a_result(), tmp_path / "fast")
    slow = written(a_result(SLOW, grouping="staged"), tmp_path / "slow")
    other = written(a_result(run={"models": "random"}), tmp_path / "other")
    out = ("--output", tmp_path / "out")
    code, said = command(fast, slow, "--gate", *out)
    assert code == 4 and "Use grouping=sequential executor=sequential" in said.out and "slower" in said.out
    assert {p.name for p in out[1].iterdir()} == {f"comparison.{kind}" for kind in ("html", "md", "json")}
    assert command(fast, slow, *out)[0] == 0
    for arguments, says in (
        ((fast,), "is the only candidate"),
        ((fast, tmp_path / "nothing"), "there is no such file"),
        ((fast, other), "models.profile: embedded in "),
        ((fast, slow, "--output", fast / "result.json"), "--output: "),
    ):
        code, said = command(*arguments)
        assert code == 2 and said.err.startswith("clipbench: ") and says in said.err
    code, said = command(fast, other, "--allow-mismatch", *out)
    assert code == 0 and "does not match: models.profile: embedded in" in said.out


def test_help_names_what_there_is_and_imports_nothing():
    done = subprocess.run(
        [sys.executable, "compare.py", "--help"], cwd=PROJECT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0
    for word in ("--reference", "--allow-mismatch", "--gate", "multirun/", "Exit codes"):
        assert word in done.stdout
    code = (
        "import sys, contextlib, io; sys.argv = ['compare.py', '--help']\n"
        "from clipbench.commands import compare\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()): compare.main()\n"
        "sys.exit(', '.join({'numpy', 'scipy', 'jinja2', 'rich', 'torch'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
