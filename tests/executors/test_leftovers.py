"""What a killed run has left is removed by the next, and nothing else is."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from clipbench.bench.clips.shared_memory import allocate, free
from clipbench.executors import leftovers
from clipbench.executors.leftovers import OwnFolder


@pytest.fixture
def dead() -> int:
    """The number of a process that has ended."""
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


def test_memory_and_folders_of_a_process_that_is_gone_are_removed_and_told(dead, tmp_path):
    (tmp_path / f"clipbench-{dead}-0a1b2c3d").write_bytes(b"\1" * 3_000_000)
    (tmp_path / f"clipbench-{dead}-0a1b2c3e" / "r").mkdir(parents=True)
    told = leftovers.remove([tmp_path])
    assert told == (
        f"removed what a run that was killed had left (process {dead}): "
        "3 MB of shared memory, 1 temporary folder"
    )
    assert list(tmp_path.iterdir()) == [] and leftovers.remove([tmp_path]) == ""


def test_what_lives_is_left_alone(dead, tmp_path):
    mine = tmp_path / f"clipbench-{os.getpid()}-0a1b2c3d"
    other, foreign = tmp_path / "clipbench-notes", tmp_path / f"clipbench-{dead}-text.txt"
    for path in (mine, other, foreign):
        path.write_text("a")
    (tmp_path / f"clipbench-{dead}-0a1b2c3d").symlink_to(mine)
    held = tmp_path / f"clipbench-{dead}-0a1b2c3f"  # its owner is in another container
    held.write_text("a")
    with held.open() as file:
        leftovers.hold(file.fileno())
        before = sorted(tmp_path.iterdir())
        assert leftovers.remove([tmp_path]) == ""
        assert sorted(tmp_path.iterdir()) == before
    assert f"process {dead}" in leftovers.remove([tmp_path])


def test_our_own_memory_and_folders_are_held(tmp_path):
    memory, folder = allocate(4096), OwnFolder(str(tmp_path))
    try:
        assert folder.path.stat().st_mode & 0o777 == 0o700
        for path in (leftovers.SHARED / memory.name, folder.path):
            assert leftovers.owner_of(path) is None
            assert leftovers.NAME.fullmatch(path.name)
    finally:
        free(memory)
        folder.close()
    assert not folder.path.exists()


def test_a_process_counts_as_the_owner_while_it_runs(tmp_path):
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    path = tmp_path / f"clipbench-{child.pid}-0a1b2c3d"
    path.write_text("a")
    assert leftovers.runs_since(child.pid, path)
    child.communicate(b"\n")
    assert not leftovers.runs_since(child.pid, path)
