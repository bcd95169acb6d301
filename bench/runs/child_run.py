"""A run in a child process: how it is started, waited for and ended, and what came of it."""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Literal

from clipbench.bench import invocation
from clipbench.bench.errors import Exit, InputError
from clipbench.bench.runs import storage
from clipbench.executors.held_signals import held

#: Seconds for a child to end its run and write what there is, as `run.py` promises to after SIGTERM.
GRACE_S = 5.0

#: Asks Linux to kill this process when its parent, whose number is the first argument, ends; then runs the
#: rest of the arguments in its place. A `preexec_fn` could ask too, but with one Python runs callbacks around
#: the fork, and an interrupt that is raised in one of these is lost.
DIE_WITH_PARENT = """
import ctypes, os, signal, sys
pr_set_pdeathsig = 1
ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
if os.getppid() != int(sys.argv[1]):
    os._exit(1)  # it ended before we asked
os.execv(sys.argv[2], sys.argv[2:])
"""

#: Exit codes of runs that measured and wrote down what they did; what they exited with is their verdict.
MEASURED = (Exit.OK, Exit.TARGET_MISSED, Exit.SLOWER, Exit.NOTHING_VALID)

#: The command `clipbench`, as a process of its own.
COMMAND = invocation.python("clipbench")


@dataclass(frozen=True)
class Program:
    """A command, to which arguments are added, its environment variables, and the folder that it works in."""

    command: Sequence[str]
    variables: Mapping[str, str]
    folder: Path | None = None


def own_program() -> Program:
    """The command `clipbench` of the code that this process runs."""
    return Program(COMMAND, invocation.environment())


@dataclass(frozen=True)
class ChildRun:
    """A finished child run: it measured something (`done`) or not, and what it is shown by.

    `value` is the figure called `metric`. `code` is the exit code; negative is the signal that ended the
    child, None means that it ran out of time. `reason` says why it failed, or why it is done but not well.
    """

    state: Literal["done", "failed"]
    reason: str
    code: int | None
    seconds: float
    metric: str | None = None
    value: float | None = None


def run_child(
    arguments: Sequence[str],
    folder: Path,
    timeout_s: float,
    metrics: Sequence[str],
    limit: str = "",
    program: Program | None = None,
) -> ChildRun:
    """Run `clipbench` with `arguments` into `folder` and wait for it; its output goes to log.txt there.

    It is shown by the first of `metrics` that it measured, and has failed if it measured none. `limit` names
    the time limit in messages, and `program` is another `clipbench` than that of this process. An exception
    that interrupts the wait ends the child first. No process of the child is left afterwards.
    """
    shutil.rmtree(folder, ignore_errors=True)  # left by a run that was interrupted
    folder.mkdir(parents=True)
    began = time.monotonic()
    code = run_logged(program or own_program(), arguments, folder / "log.txt", timeout_s)
    seconds = round(time.monotonic() - began, 2)
    found = outcome(folder, code, seconds, metrics, limit or f"{timeout_s:g} s")
    # The folder is another one in every round, and equal reasons are to be equal.
    return replace(found, reason=found.reason.replace(f"{folder}/", ""))


def run_logged(
    program: Program, arguments: Sequence[str], log_path: Path, timeout_s: float = math.inf
) -> int | None:
    """Run a program, and wait for it; its output goes to the file at `log_path`.

    Returns its exit code, or None where it took longer than it may. No process of it is left afterwards, also
    not after an exception.
    """
    log = child = None
    try:
        with held():
            log = log_path.open("wb")
            child = start(program, arguments, log)
        return wait(child, timeout_s)
    finally:
        if child is not None:
            end(child)
        if log is not None:
            log.close()


def start(program: Program, arguments: Sequence[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
    """A process of the program with these arguments, which writes what it prints to `log`."""
    return subprocess.Popen(
        dying_with_us([*program.command, *arguments]),
        env=dict(program.variables),
        cwd=program.folder,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # Ctrl-C is for the sweep, which tells the child
    )


def dying_with_us(command: Sequence[str]) -> list[str]:
    """`command`, run so that Linux kills it when this process ends, however it does."""
    if sys.platform != "linux":
        return list(command)
    return [sys.executable, "-I", "-S", "-c", DIE_WITH_PARENT, str(os.getpid()), *command]


def wait(child: subprocess.Popen[bytes], timeout_s: float) -> int | None:
    """The child's exit code, or None where it takes longer than it may."""
    try:
        return child.wait(timeout_s)
    except subprocess.TimeoutExpired:
        return None


def end(child: subprocess.Popen[bytes]) -> None:
    """End the child and what it started: by SIGTERM, and after the grace by SIGKILL.

    One that a driver keeps even from being killed is left: the system ends it when the driver lets go.
    """
    if child.poll() is None:
        child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(GRACE_S)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(GRACE_S)


def outcome(folder: Path, code: int | None, seconds: float, metrics: Sequence[str], limit: str) -> ChildRun:
    """What came of a run that exited with `code` after `seconds` and left `folder`.

    A run whose analyzers all failed is over soon: it is not fast, it failed.
    """

    def failed(reason: str) -> ChildRun:
        return ChildRun("failed", reason, code, seconds)

    if code is None:
        return failed(f"it took longer than {limit}")
    if code < 0:
        return failed(f"it was ended by {signal.Signals(-code).name}")
    if code not in MEASURED:
        return failed(f"exit code {code}: {last_line(folder / 'log.txt')}")
    try:
        result = storage.read_result(folder)
    except InputError as error:
        return failed(f"exit code {code}: {error}")
    if not any(analyzer.status == "ok" for analyzer in result.analyzers.values()):
        return failed("no analyzer succeeded")
    for metric in result.metrics:
        if metric.name in metrics and metric.value is not None:
            reason = result.verdict_reason if code else ""
            return ChildRun("done", reason, code, seconds, metric.name, metric.value)
    return failed(f"nothing was measured: {result.verdict_reason}")


def last_line(log: Path, most: int = 300) -> str:
    """The line of a log that says what went wrong: ours, or else the last; `most` printable characters."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    ours = [line for line in lines if line.startswith("clipbench: ")]
    line = ours[-1].removeprefix("clipbench: ") if ours else lines[-1] if lines else "it said nothing"
    return "".join(c for c in line if c.isprintable())[:most]
