"""The project's folder, and running `python run.py` in it."""

from __future__ import annotations

import atexit
import functools
import json
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def run(
    *arguments: str, limit_file_bytes: int | None = None, **variables: str
) -> subprocess.CompletedProcess:
    """`python run.py` with these arguments and environment variables, in the project's folder."""

    def limit() -> None:
        if limit_file_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit_file_bytes, limit_file_bytes))

    return subprocess.run(
        [sys.executable, "run.py", *arguments],
        cwd=PROJECT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        preexec_fn=limit,
        timeout=300,  # seconds in which a run ends on a machine with much else to do
    )


def run_forked(
    *arguments: str, command: str = "run", cwd: Path = PROJECT, **variables: str
) -> subprocess.CompletedProcess:
    """What `run` does, in half of the time: in a process forked after the imports (forked_runs.py).

    `command` is the file to run, without its .py. Where a test is about what a process does before it has
    imported everything, or about variables that Python reads when it starts, it is for `run` to start one.
    """
    told = {"command": command, "arguments": arguments, "folder": str(cwd)}
    server = forking()
    assert server.stdin and server.stdout
    too_long = threading.Timer(300, os.killpg, (server.pid, signal.SIGKILL))
    too_long.start()
    try:
        print(json.dumps(told | {"environment": {**os.environ, **variables}}), file=server.stdin, flush=True)
        return subprocess.CompletedProcess(f"{command}.py", *json.loads(server.stdout.readline()))
    finally:
        too_long.cancel()


@functools.cache
def forking() -> subprocess.Popen:
    """The process that forks for `run_forked`, as long as this one lives."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("CLIPBENCH_PL")}
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.support.forked_runs"],
        cwd=PROJECT,
        env=variables,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    atexit.register(server.communicate)
    return server


def run_each(*lists: Sequence[str]) -> list[subprocess.CompletedProcess]:
    """`run_forked` with each of these lists."""
    return [run_forked(*arguments) for arguments in lists]


def refused(done: subprocess.CompletedProcess) -> str:
    """The one line that `done` was refused with."""
    lines = done.stderr.strip().splitlines()
    assert done.returncode == 2, done.stderr
    assert len(lines) == 1 and lines[0].startswith("clipbench: "), done.stderr
    return lines[0]
