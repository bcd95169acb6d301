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
from clipbench.executors.faults import HUNG, RAISED
from clipbench.executors.remote import Remote, Spec, serve
from clipbench.executors.scheduled import Scheduled

#: Seconds that a thread has for ending by itself.
GRACE_S = 2.0


def work(connection: Connection, spec: Spec) -> None:
    """A worker thread: one CUDA context for all of them, a stream for each."""
    device = devices.among_all(spec.group.device, spec.plan.visible)
    with devices.own_stream(device):
        serve(connection, spec, device, shared=True)


class Threads(Scheduled):
    """The groups of the plan, each a thread of this process."""

    name = "threads"
    contains = RAISED | HUNG

    def open(self, spec: Spec) -> Remote:
        ours, theirs = multiprocessing.Pipe()
        # A daemon, so that one that hangs does not keep the process.
        thread = threading.Thread(target=work, args=(theirs, spec), name=spec.group.name, daemon=True)
        remote = Remote(spec, ours, thread)
        thread.start()
        return remote

    def kill(self, remote: Remote) -> None:
        remote.connection.close()

    def end(self, remote: Remote) -> None:
        remote.body.join(GRACE_S)
        self.kill(remote)

    def close(self) -> None:
        super().close()
        threads.limit(None)  # the workers' budget is the whole process's, which now is the caller's again

    def died_of(self, remote: Remote) -> str:
        return "the worker's thread ended with an error"
