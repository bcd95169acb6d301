"""Workers that are spawned processes: what spawn_pool and gpu_pinned have in common."""

from __future__ import annotations

import multiprocessing
import signal

from clipbench.executors.faults import CONTAINABLE
from clipbench.executors.remote import Remote, Spec, serve_process
from clipbench.executors.scheduled import Scheduled

#: Seconds that a worker has for exiting by itself.
GRACE_S = 2.0


class Processes(Scheduled):
    """Opens and ends worker processes."""

    contains = CONTAINABLE

    def open(self, spec: Spec) -> Remote:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(
            target=serve_process, args=(theirs, spec), name=spec.group.name, daemon=True
        )
        remote = Remote(spec, ours, process)
        process.start()
        theirs.close()
        return remote

    def kill(self, remote: Remote) -> None:
        remote.body.kill()
        remote.body.join()
        remote.connection.close()

    def end(self, remote: Remote) -> None:
        # What it still has to say fills the pipe, and it waits until somebody hears it.
        while remote.body.is_alive() and remote.connection.poll(GRACE_S):
            try:
                self._hear(remote, remote.connection.recv())
            except (EOFError, OSError):
                break
        remote.body.join(GRACE_S)
        self.kill(remote)

    def died_of(self, remote: Remote) -> str:
        remote.body.join(GRACE_S)
        code = remote.body.exitcode
        if code is None:
            return "the worker closed its connection"
        if code < 0:
            return f"the worker was ended by {signal.Signals(-code).name}"
        return f"the worker exited with code {code}"
