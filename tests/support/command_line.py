"""The project's folder, and running `python run.py` in it."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
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


def run_each(*lists: Sequence[str]) -> list[subprocess.CompletedProcess]:
    """`python run.py` with each of these lists, in processes forked from one: forked_runs.py."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.forked_runs"],
        cwd=PROJECT,
        input=json.dumps([list(arguments) for arguments in lists]),
        stdout=subprocess.PIPE,
        text=True,
        timeout=120 + 5 * len(lists),
        check=True,
    )
    return [subprocess.CompletedProcess("run.py", *each) for each in json.loads(done.stdout)]


def refused(done: subprocess.CompletedProcess) -> str:
    """The one line that `done` was refused with."""
    lines = done.stderr.strip().splitlines()
    assert done.returncode == 2, done.stderr
    assert len(lines) == 1 and lines[0].startswith("clipbench: "), done.stderr
    return lines[0]
