"""Limits of the machine: each is told in one line that names it, and nothing is left."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from clipbench.executors import machine_limits
from tests.support.command_line import PROJECT
from tests.support.executors import shared_memory
from tests.support.fake_plans import FOLDER
from tests.support.video_files import numbered_frames, write_clip


@pytest.fixture
def clip(tmp_path) -> Path:
    return write_clip(tmp_path / "clip.mp4", numbered_frames(15, 64, 64))


def limited(clip: Path, folder: Path, kind: int, most: int, *more: str) -> subprocess.Popen:
    """A run of a cheap analyzer under a limit of the system, which has ended; its pid is known."""
    run = subprocess.Popen(
        [
            sys.executable, "run.py", "only=[wild_whole]", f"clip.path={clip}", "executor=gpu_pinned",
            "scenario.repeats=1", f"hydra.run.dir={folder}", *more,
        ],
        cwd=PROJECT, env={**os.environ, "CLIPBENCH_PLUGINS": str(FOLDER / "wild.py")},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: resource.setrlimit(kind, (most, most)),
    )  # fmt: skip
    run.out, run.err = run.communicate(timeout=120)
    return run


@pytest.mark.parametrize("most", [6, 10, 14, 18, 22])
def test_few_descriptors(most, clip, tmp_path):
    run = limited(clip, tmp_path / "o", resource.RLIMIT_NOFILE, most)
    assert shared_memory(run.pid) == set()
    if run.returncode == 0:  # they were enough
        assert (tmp_path / "o" / "result.json").exists()
        return
    assert run.returncode == 2 and "Traceback" not in run.err
    (line,) = run.err.strip().splitlines()
    assert line.startswith("clipbench: ") and f"the limit is {most} (ulimit -n)" in line


@pytest.mark.parametrize("most", [2_000, 6_000])
def test_a_disk_for_a_few_bytes(most, clip, tmp_path):
    run = limited(clip, tmp_path / "o", resource.RLIMIT_FSIZE, most)
    assert run.returncode == 2 and "Traceback" not in run.err
    (line,) = run.err.strip().splitlines()
    assert "ulimit -f" in line or "cannot be written to (File too large)" in line


def chained(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


#: What is raised, and words of the line.
RAISED = [
    (OSError(errno.EMFILE, "Too many open files"), "(ulimit -n)"),
    (OSError(errno.ENFILE, "Too many open files in system"), "(ulimit -n)"),
    (BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), "no more processes or threads"),
    (RuntimeError("can't start new thread"), "no more processes or threads"),
    (MemoryError(), "too little"),
    (OSError(errno.ENOMEM, "Cannot allocate memory"), "too little"),
    (ImportError("libx.so: failed to map segment from shared object"), "too little"),
    (OSError(errno.ENOSPC, "No space left on device"), "no space is left for the output folder"),
    (OSError(errno.ENOSPC, "No space left on device", "/a/b"), "no space is left for /a/b"),
    (chained(RuntimeError("x"), OSError(errno.EMFILE, "Too many open files")), "(ulimit -n)"),
]


@pytest.mark.parametrize(("error", "words"), RAISED)
def test_the_line_names_the_limit(error, words):
    assert words in machine_limits.explain(error) and "\n" not in machine_limits.explain(error)


@pytest.mark.parametrize(
    "error", [RuntimeError("a bug"), OSError(errno.ENOENT, "No such file"), ImportError("x")]
)
def test_what_is_no_limit_stays_a_crash(error):
    assert machine_limits.explain(error) == ""


def test_the_least_limit_of_all_groups_counts(tmp_path, monkeypatch):
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "a" / "memory.max").write_text("5000\n")
    (inner / "memory.max").write_text("max\n")
    (inner / "memory.events").write_text("low 0\noom 3\noom_kill 2\n")
    monkeypatch.setattr(machine_limits, "own_cgroups", lambda: [inner, tmp_path / "a", tmp_path])
    assert machine_limits.of_cgroup("memory.max") == 5000
    assert machine_limits.of_cgroup("pids.max") is None
    assert machine_limits.oom_kills() == 2
