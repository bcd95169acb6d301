"""Starting executors in tests, and what they may not leave behind."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

import psutil
import pytest

from clipbench.bench.clips.decoder_link import Decoders
from clipbench.bench.clips.decoding import open_clip
from clipbench.bench.clips.shared_memory import MEMORY_PREFIX
from clipbench.executors import registry as executors
from tests.support import ray_cluster
from tests.support.clip_views import ArrayClip
from tests.support.fake_plans import Notes

#: Every executor that runs something.
NAMES = executors.running()


def usable(cases: list) -> list:
    """Parameters for names, or for tuples that begin with one; skipped where a package is not installed."""
    cases = [case if isinstance(case, tuple) else (case,) for case in cases]
    return [pytest.param(*case, marks=skipped(case[0])) for case in cases]


def skipped(name: str) -> list:
    """Marks that skip a test of an executor whose packages are not installed."""
    packages = ", ".join(executors.lacking(name))
    return [pytest.mark.skip(reason=f"{packages} is not installed")] if packages else []


@contextlib.contextmanager
def running(name: str, made):
    """The executor `name`, started on a plan; afterwards nothing of it may be left.

    Ray joins the cluster of the tests: see tests/support/ray_cluster.py.
    """
    made = ray_cluster.joining(made)
    before = processes()
    executor = executors.create(name, observer=Notes())
    try:
        executor.start(made)
        yield executor
    finally:
        executor.close()
    deadline = time.monotonic() + 10
    while processes() - before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert processes() - before == set()
    assert shared_memory() == set()


@contextlib.contextmanager
def opened(path: Path, made, chunk_s: float | None = None):
    """The clip at `path` as the executor of a plan gets it, decoded in a process of its own."""
    with Decoders() as decoders, open_clip(path, made.tasks(), decoders, 1, chunk_s) as clip:
        yield clip


def processes() -> set[int]:
    """The children of this process, but for Ray's cluster, and the tracker that multiprocessing keeps."""
    kept = ray_cluster.processes()
    return {
        child.pid
        for child in psutil.Process().children(recursive=True)
        if child.pid not in kept
        and child.status() != psutil.STATUS_ZOMBIE
        and "resource_tracker" not in " ".join(child.cmdline())
    }


def shared_memory(pid: int | None = None) -> set[str]:
    """The shared memory of a process, by default of this one."""
    return {p.name for p in Path("/dev/shm").glob(f"{MEMORY_PREFIX}-{pid or os.getpid()}-*")}


def outcomes(executor, seconds: float = 1.0):
    return {o.analyzer: o for o in executor.run(ArrayClip(duration_s=seconds))}
