"""A real server of MLflow on this machine, with a SQLite store, for as long as a test needs it."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

#: The command of docs/exporting.md.
COMMAND = "mlflow server --backend-store-uri sqlite:///mlflow.db --host 127.0.0.1 --port 5000"
#: The client alone (mlflow-skinny) has no server.
IS_INSTALLED = all(importlib.util.find_spec(name) is not None for name in ("mlflow", "flask"))
NOT_INSTALLED = "a server of MLflow (pip install mlflow)"
#: Nothing is reported to MLflow's makers, and no process beside the server waits for jobs.
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
#: Seconds in which a server starts on a machine with much else to do.
STARTS_S = 400


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The tracking URI of a server whose store and artifacts are in `folder`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = shlex.split(COMMAND.replace("5000", str(port)))
    with (folder / "server.txt").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", *words, "--workers", "1"],
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **QUIET},
            start_new_session=True,
        )
        try:
            wait_for(f"http://127.0.0.1:{port}", server, folder / "server.txt")
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def wait_for(uri: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the server answers; raises RuntimeError with what it printed where it does not."""
    until = time.monotonic() + STARTS_S
    while time.monotonic() < until and server.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{uri}/health", timeout=5):
            return
        time.sleep(0.2)
    raise RuntimeError(f"the server did not start: {log.read_text(errors='replace')[-2000:]}")
