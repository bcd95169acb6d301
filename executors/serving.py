"""The worker's end of the line: what a worker does with the commands of its executor."""

from __future__ import annotations

import ctypes
import logging
import multiprocessing
import os
import signal
import sys
from typing import TYPE_CHECKING, assert_never

from clipbench.analyzers.base import Segment
from clipbench.executors import devices, faults, protocol
from clipbench.executors.base import Outcome, Phase, Span
from clipbench.executors.chunks import OpenPieces
from clipbench.executors.held_signals import leave_to_parent
from clipbench.executors.packed_segments import PackedSegments
from clipbench.executors.protocol import WorkerConnection, WorkerSpec
from clipbench.executors.steps import Fed
from clipbench.executors.streams import make_forgiving

if TYPE_CHECKING:
    from clipbench.executors.worker import Worker

log = logging.getLogger(__name__)

#: What libraries read for their number of threads when they are first imported.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


class Reporter:
    """An observer that tells the other end."""

    def __init__(self, connection: WorkerConnection) -> None:
        self.connection = connection

    def began(self, worker: str, analyzer: str, phase: Phase) -> None:
        self.connection.send(protocol.Began(analyzer, phase))

    def ended(self, span: Span) -> None:
        self.connection.send(protocol.Ended(span))


def serve_process(connection: WorkerConnection, spec: WorkerSpec) -> None:
    """A worker process from its first line: settle in before anything heavy is imported, then serve."""
    leave_to_parent()
    die_with_parent()
    make_forgiving()
    worker = spec.worker
    os.environ |= dict.fromkeys(THREAD_VARIABLES, str(worker.threads)) | devices.visible(
        worker.device, spec.visible
    )
    if worker.cpus and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, worker.cpus)
    if spec.dies_at_start():
        faults.strike("no_start")
    if not serve(connection, spec, devices.alone(worker.device)):
        os._exit(1)  # what libraries do at an orderly exit may hang on a GPU that is lost


def die_with_parent() -> None:
    """Ask Linux to kill this process when the one that started it ends, however it ends."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
        parent = multiprocessing.parent_process()
        if parent is not None and os.getppid() != parent.pid:
            os._exit(1)  # it ended before we asked


def serve(connection: WorkerConnection, spec: WorkerSpec, device: str, shared: bool = False) -> bool:
    """Do what comes over `connection` until it says exit or ends. Runs in a process or in a thread.

    `device` is the worker's, as PyTorch calls it here. A worker that has lost its GPU ends, and False is
    returned, unless the process is `shared` with others: a new worker in it would have lost the GPU too.
    """
    from clipbench.executors.worker import Worker

    connection.send(protocol.Ready(os.getpid()))
    serving = Serving(connection, Worker(spec, device, Reporter(connection)), shared)
    try:
        while serving.do(connection.recv()):
            pass
    except (EOFError, BrokenPipeError, ConnectionResetError) as error:
        log.debug("%s: the executor has ended: %r", spec.worker.name, error)
    finally:
        serving.close()
        connection.close()
    return not serving.dying()


class Serving:
    """A worker between two commands, with the pieces of clips that it has open and what was found in them."""

    def __init__(self, connection: WorkerConnection, worker: Worker, shared: bool) -> None:
        self.connection, self.worker, self.shared = connection, worker, shared
        self.read_here = {name for task in worker.spec.worker.tasks for name in task.upstream}
        self.clips: dict[int, tuple[OpenPieces, dict[str, list[Segment]]]] = {}

    def dying(self) -> bool:
        """Whether the worker has lost its GPU, and with that has to end."""
        return bool(self.worker.lost_gpu) and not self.shared

    def do(self, command: protocol.Command) -> bool:
        """Carry out one command; returns whether to go on."""
        match command:
            case protocol.Exit():
                self.worker.unload()
                self.connection.send(protocol.Cleaned(self.worker.cleanup_failures))
                return False
            case protocol.Load(task):
                self.worker.wake((task,))
                if self.dying():
                    self.connection.send(protocol.Dying(self.worker.lost_gpu))
                    return False
                self.connection.send(protocol.Loaded(task.analyzer, self.worker.cleanup_failures))
            case protocol.Analyze():
                answer = self.analyze(command)
                if self.dying():  # said first, so that it is given nothing more to do
                    self.connection.send(protocol.Dying(self.worker.lost_gpu))
                if isinstance(answer, Fed):
                    self.connection.send(protocol.FedChunk(command.clip, answer))
                else:
                    self.connection.send(protocol.Done(command.clip, answer))
                return not self.dying()
            case protocol.Forget(clip, piece):
                self.forget(clip, piece)
            case protocol.Unload():
                self.worker.unload()
                self.connection.send(protocol.Cleaned(self.worker.cleanup_failures))
            case protocol.Offload():
                self.worker.offload()
                self.connection.send(protocol.Cleaned(self.worker.cleanup_failures))
            case _:
                assert_never(command)
        return True

    def analyze(self, job: protocol.Analyze) -> Outcome | Fed:
        """Take one step of an analyzer, with pieces opened once, and earlier results kept.

        Of what it finds here, a worker keeps what others of its analyzers read.
        """
        pieces, results = self.clips.setdefault(job.clip, (OpenPieces(), {}))
        piece = pieces.get(job.piece, lambda: job.handle)
        results.update({name: list(segments) for name, segments in job.results.items()})
        self.worker.clip = job.clip
        upstream = {name: results[name] for name in job.task.upstream if name in results}
        answer = self.worker.take(job.task, job.step, piece, upstream)
        if isinstance(answer, Outcome) and answer.status == "ok":
            if job.task.analyzer in self.read_here:
                results[job.task.analyzer] = list(answer.segments)
            answer.segments = PackedSegments(answer.segments)
        return answer

    def forget(self, clip: int, piece: str = "") -> None:
        """Let go of a piece of a clip, or of all that there is of it."""
        if clip not in self.clips:
            return
        if piece:
            self.clips[clip][0].forget(piece)
        else:
            self.clips.pop(clip)[0].close()

    def close(self) -> None:
        """Let go of all clips."""
        for clip in list(self.clips):
            self.forget(clip)
