"""Runs of the command line that a study watches: how each ended, what it said, and what it has left."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from clipbench.bench.clips.shared_memory import MEMORY_PREFIX
from tests.support.command_line import PROJECT


@dataclass(frozen=True)
class Ended:
    """A run that is over: its exit code (None where it had to be killed), stderr, seconds, and leavings."""

    code: int | None
    err: str
    seconds: float
    left: list[str]


def watched(command: Sequence[str], limit_s: float, extra: Mapping[str, str] | None = None) -> Ended:
    """Run a command from the project's folder, for `limit_s` at most, with `extra` environment variables."""
    mark, began = uuid.uuid4().hex, time.monotonic()
    with tempfile.TemporaryDirectory(prefix="cb") as temporary:  # a short path: Ray has sockets in it
        run = subprocess.Popen(
            command,
            cwd=PROJECT,
            env={**os.environ, **(extra or {}), "CLIPBENCH_MARK": mark, "TMPDIR": temporary},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            _, err = run.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            for process in marked(mark):
                process.kill()
            _, err = run.communicate()
            return Ended(None, err, limit_s, [])
        except KeyboardInterrupt:
            run.kill()
            raise
        seconds = time.monotonic() - began
        return Ended(run.returncode, err, seconds, leavings(mark, run.pid, Path(temporary)))


def marked(mark: str) -> list[psutil.Process]:
    """The processes that a run started, whatever session or group they are in: they inherit its mark."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("CLIPBENCH_MARK") == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def leavings(mark: str, pid: int, temporary: Path) -> list[str]:
    """What is still there of a run a moment after its end."""
    deadline = time.monotonic() + 10
    while marked(mark) and time.monotonic() < deadline:
        time.sleep(0.1)
    left = [f"process left: {process.name()} {process.pid}" for process in marked(mark)]
    left += [f"shared memory left: {p.name}" for p in Path("/dev/shm").glob(f"{MEMORY_PREFIX}-{pid}-*")]
    return left + [f"temporary file left: {p.name}" for p in temporary.iterdir()]
