"""`tools/set_up.py`, which `make` runs: which Python it refuses, and what it does about a failed set-up."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tools import set_up


@pytest.mark.parametrize("version", [(3, 9, 1), (3, 10, 13), (3, 14, 0)])
def test_a_python_that_will_not_do_is_refused_with_the_versions_that_will(version):
    reason = set_up.refusal(version)
    assert "requires Python 3.11 or newer, before 3.14" in reason
    assert f"is {'.'.join(map(str, version))}." in reason and "make run PYTHON=python3.11" in reason


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 12, 7), (3, 13, 1)])
def test_a_supported_python_is_not_refused(version):
    assert set_up.refusal(version) == ""


def test_the_script_is_refused_before_it_makes_anything(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(set_up, "PROJECT", str(tmp_path))
    (tmp_path / "pyproject.toml").write_text('requires-python = ">=3.98,<3.99"\n')
    assert set_up.main() == 2
    assert "requires Python 3.98" in capsys.readouterr().err
    assert not (tmp_path / ".venv").exists()


def half_made(folder):
    """What a set-up leaves that was ended while it was installing."""
    set_up.make_environment(str(folder))
    (folder / "left_behind").touch()


def without_pip(folder):
    """What it leaves when it is ended while it is making the environment, by an earlier version of it too."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (folder / "left_behind").touch()


@pytest.mark.slow
@pytest.mark.parametrize("leave", [half_made, without_pip])
def test_a_set_up_that_was_not_finished_is_made_again(leave, tmp_path):
    folder = tmp_path / "environment"
    leave(folder)
    python = set_up.make_environment(str(folder))
    set_up.finish(str(folder))
    assert not (folder / "left_behind").exists()
    assert set_up.usable(python)


@pytest.mark.slow
def test_a_finished_environment_is_kept(tmp_path):
    folder = tmp_path / "environment"
    set_up.make_environment(str(folder))
    set_up.finish(str(folder))
    (folder / "library").touch()
    set_up.make_environment(str(folder))
    assert (folder / "library").exists()
    assert not (folder / set_up.READY).exists(), "what is being changed is not ready"
