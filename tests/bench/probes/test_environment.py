"""The environment of a run: whose version and whose commit it records."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import clipbench
from clipbench.bench import locations
from clipbench.bench.probes import environment


@pytest.fixture
def found_at(monkeypatch):
    """Let the package be imported from another folder."""

    def move(folder: Path) -> None:
        monkeypatch.setattr(locations, "IMPORT_PATH", folder)
        monkeypatch.setattr(environment, "PACKAGE", folder / "clipbench")
        locations.checkout.cache_clear()

    yield move
    locations.checkout.cache_clear()


def repository(folder: Path) -> str:
    """Make a repository with one commit in `folder`; returns the commit."""
    folder.mkdir(parents=True, exist_ok=True)
    git = ("git", "-c", "user.name=user", "-c", "user.email=user@example.com")
    for words in (("init", "--quiet"), ("commit", "--quiet", "--allow-empty", "--message", "first")):
        subprocess.run([*git, *words], cwd=folder, check=True, capture_output=True)
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_the_version_is_clipbenchs_own():
    assert environment.describe().clipbench == clipbench.__version__


def test_a_checkout_has_its_own_commit(tmp_path, found_at):
    commit = repository(tmp_path)
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "clipbench"\n')
    found_at(tmp_path)
    here = environment.describe()
    assert (here.git_commit, here.git_dirty) == (commit, True)


def test_a_repository_around_an_installation_is_not_asked(tmp_path, found_at):
    repository(tmp_path)
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "of-the-user"\n')
    found_at(tmp_path)
    here = environment.describe()
    assert (here.git_commit, here.git_dirty) == (None, None)


def test_a_repository_around_a_copy_of_the_checkout_is_not_asked(tmp_path, found_at):
    repository(tmp_path)
    copy = tmp_path / "vendor" / "clipbench"
    copy.mkdir(parents=True)
    (copy / "pyproject.toml").write_text('[project]\nname = "clipbench"\n')
    found_at(copy)
    here = environment.describe()
    assert (here.git_commit, here.git_dirty) == (None, None)


def test_an_installation_has_the_commit_that_it_was_built_from(tmp_path, found_at):
    repository(tmp_path)
    (tmp_path / "clipbench").mkdir()
    (tmp_path / "clipbench" / "built_from.json").write_text('{"git_commit": "abc", "git_dirty": false}')
    found_at(tmp_path)
    here = environment.describe()
    assert (here.git_commit, here.git_dirty) == ("abc", False)
