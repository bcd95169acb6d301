"""Workers that are spawned processes: what spawn_pool and gpu_pinned have in common."""

from __future__ import annotations

import multiprocessing
import signal
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from clipbench.executors import machine_limits
from clipbench.executors.connected import Connected
from clipbench.executors.faults import CONTAINABLE
from clipbench.executors.held_signals import held
from clipbench.executors.protocol import Command, Link, Report, WorkerSpec
from clipbench.executors.serving import serve_process
from clipbench.executors.supervision import GRACE_S


class Processes(Connected):
    """The base of executors whose workers are spawned processes."""

    contains = CONTAINABLE

    def open(self, spec: WorkerSpec) -> Link:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(
            target=serve_process, args=(theirs, spec), name=spec.worker.name, daemon=True
        )
        with held():
            process.start()
        theirs.close()
        return ProcessLink(ours, process)


class ProcessLink:
    """A worker process at the other end of a pipe."""

    def __init__(self, connection: Connection[Command, Report], process: SpawnProcess) -> None:
        self.connection, self.process = connection, process
        self.send, self.recv = connection.send, connection.recv
        self.poll, self.fileno = connection.poll, connection.fileno
        self.oom_kills = machine_limits.oom_kills()

    def kill(self, grace_s: float = 0.0) -> None:
        if grace_s:
            self.process.join(grace_s)
        self.process.kill()
        self.process.join(GRACE_S)  # one that a driver keeps from being killed ends when that lets go
        self.connection.close()

    def died_of(self) -> str:
        self.process.join(GRACE_S)
        said = describe_exit(self.process.exitcode)
        if self.process.exitcode == -signal.SIGKILL and machine_limits.oom_kills() > self.oom_kills:
            said += f": {machine_limits.too_little_memory()}"
        return said


def describe_exit(code: int | None) -> str:
    """How a worker process ended, in words: its exit code, or the signal if that is negative."""
    if code is None:
        return "the worker closed its connection"
    if code < 0:
        return f"the worker was ended by {signal.Signals(-code).name}{machine_limits.hint()}"
    return f"the worker exited with code {code}{machine_limits.hint()}"
