"""One process, and in it a thread per group: one CUDA context, and models that are shared.

What an analyzer raises is contained, and a hang too: its thread is left behind and another takes its place.
A crash of the process is not.
"""

from __future__ import annotations

import multiprocessing
import threading
from multiprocessing.connection import Connection

from clipbench.analyzers import threads
from clipbench.executors import devices
from clipbench.executors.connected import Connected
from clipbench.executors.faults import HUNG, RAISED
from clipbench.executors.protocol import Command, Link, Report, WorkerConnection, WorkerSpec
from clipbench.executors.serving import serve


def work(connection: WorkerConnection, spec: WorkerSpec) -> None:
    """A worker thread: one CUDA context for all of them, a stream for each."""
    device = devices.among_all(spec.worker.device, spec.visible)
    with devices.own_stream(device):
        serve(connection, spec, device, shared=True)


class Threads(Connected):
    """The groups of the plan, each a thread of this process."""

    name = "threads"
    contains = RAISED | HUNG
    one_process = True

    def open(self, spec: WorkerSpec) -> Link:
        ours, theirs = multiprocessing.Pipe()
        # A daemon, so that one that hangs does not keep the process.
        thread = threading.Thread(target=work, args=(theirs, spec), name=spec.worker.name, daemon=True)
        thread.start()
        return ThreadLink(ours, thread)

    def close(self) -> None:
        super().close()
        threads.limit(None)  # the workers' budget is the whole process's, which now is the caller's again


class ThreadLink:
    """A worker thread at the other end of a pipe. Threads cannot be killed: one that hangs is left behind."""

    def __init__(self, connection: Connection[Command, Report], thread: threading.Thread) -> None:
        self.connection, self.thread = connection, thread
        self.send, self.recv = connection.send, connection.recv
        self.poll, self.fileno = connection.poll, connection.fileno

    def kill(self, grace_s: float = 0.0) -> None:
        if grace_s:
            self.thread.join(grace_s)
        self.connection.close()

    def died_of(self) -> str:
        return "the worker's thread ended with an error"
