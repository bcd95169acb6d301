"""A worker at the other end of a connection: what it does there, and how its executor speaks to it.

To the worker go tuples ("load", task), ("analyze", job), ("forget", clip), ("unload",), ("offload",),
("wake", tasks) and ("exit",). From it come ("ready", pid), ("began", analyzer, phase), ("ended", span),
("loaded", analyzer), ("done", clip, outcome), ("cleaned",) or ("awake",), and ("dying", reason) from one that
is about to end.
"""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from clipbench.analyzers.base import Segment
from clipbench.executors import devices, faults
from clipbench.executors.base import Group, Handle, Outcome, Phase, Plan, Span, Task, now


@dataclass(frozen=True)
class Job:
    """One analyzer on one clip: the clip's handle, and those results that this worker has not seen yet."""

    clip: int
    handle: Handle
    task: Task
    results: Mapping[str, list[Segment]]


@dataclass(frozen=True)
class Spec:
    """What a worker is made of. `attempt` counts how often it was started before."""

    group: Group
    plan: Plan
    attempt: int = 0


class Teller:
    """An observer that tells the other end."""

    def __init__(self, connection: Connection) -> None:
        self.send = connection.send

    def began(self, worker: str, analyzer: str, phase: Phase) -> None:
        self.send(("began", analyzer, phase))

    def ended(self, span: Span) -> None:
        self.send(("ended", span))


def serve_process(connection: Connection, spec: Spec) -> None:
    """A worker process from its first line: settle in before anything heavy is imported, then serve."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the executor's to handle
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    die_with_parent()
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[variable] = str(spec.plan.threads)
    os.environ |= devices.visible(spec.group.device)
    if spec.group.cpus and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, spec.group.cpus)
    dies = any(f.kind == "no_start" and f.analyzer in names(spec.group) for f in spec.plan.faults)
    if dies and spec.attempt == 0:
        faults.strike("no_start")
    if not serve(connection, spec, devices.alone(spec.group.device)):
        os._exit(1)  # what libraries do at an orderly exit may hang on a GPU that is lost


def names(group: Group) -> set[str]:
    """The analyzers of a group."""
    return {task.analyzer for task in group.tasks}


def die_with_parent() -> None:
    """Ask Linux to kill this process when the one that started it ends, however it ends."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
        parent = multiprocessing.parent_process()
        if parent is not None and os.getppid() != parent.pid:
            os._exit(1)  # it ended before we asked


def serve(connection: Connection, spec: Spec, device: str, shared: bool = False) -> bool:
    """Do what comes over `connection` until it says exit or ends. Runs in a process or in a thread.

    `device` is the group's, as PyTorch calls it here. A worker that has lost its GPU ends, and False is
    returned, unless the process is `shared` with others: a new worker in it would have lost the GPU too.
    """
    from clipbench.executors.worker import Worker

    connection.send(("ready", os.getpid()))
    worker = Worker(spec.group.name, device, spec.plan, Teller(connection), spec.group.device)
    clips: dict[int, tuple[Any, dict[str, list[Segment]]]] = {}
    try:
        while True:
            match connection.recv():
                case ("exit",):
                    worker.unload()
                    return True
                case ("load", task):
                    worker.load(task)
                    if worker.lost_gpu and not shared:
                        connection.send(("dying", worker.lost_gpu))
                        return False
                    connection.send(("loaded", task.analyzer))
                case ("analyze", job):
                    outcome = analyze(worker, clips, job)
                    if worker.lost_gpu and not shared:  # said first, so that it is given nothing more to do
                        connection.send(("dying", worker.lost_gpu))
                    connection.send(("done", job.clip, outcome))
                    if worker.lost_gpu and not shared:
                        return False
                case ("forget", clip):
                    if clip in clips:
                        clips.pop(clip)[0].close()
                case ("unload",):
                    worker.unload()
                    connection.send(("cleaned",))
                case ("offload",):
                    worker.offload()
                    connection.send(("cleaned",))
                case ("wake", tasks):
                    worker.wake(tasks)
                    connection.send(("awake",))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass  # the executor is gone, and with it whoever could be told
    finally:
        for view, _ in clips.values():
            view.close()
        connection.close()
    return True


def analyze(worker: Any, clips: dict[int, tuple[Any, dict]], job: Job) -> Outcome:
    """One job, with the clip opened once and the results of earlier jobs on it at hand."""
    if job.clip not in clips:
        clips[job.clip] = (job.handle.open(), {})
    view, results = clips[job.clip]
    results.update(job.results)
    worker.clip = job.clip
    upstream = {name: results[name] for name in job.task.upstream if name in results}
    outcome = worker.analyze(job.task, view, upstream)
    if outcome.status == "ok":
        results[job.task.analyzer] = outcome.segments
    return outcome


@dataclass
class Remote:
    """A worker as its executor sees it. `connection` is its end of the line; `body` what can be ended.

    `busy` is what it is at: ("load", analyzer), ("analyze", (clip, analyzer)) or None, since `since_s`;
    `useful` says whether it has finished anything, `dying` why it is about to end.
    """

    spec: Spec
    connection: Connection
    body: Any
    started_s: float = field(default_factory=now)
    pid: int | None = None
    to_load: list[str] = field(default_factory=list)
    loaded: set[str] = field(default_factory=set)
    busy: tuple[str, Any] | None = None
    since_s: float = 0.0
    cleaning: bool = False
    useful: bool = False
    dying: str = ""
    sent: dict[int, set[str]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The worker's name, which is its group's."""
        return self.spec.group.name

    def idle(self) -> bool:
        """Whether it can take a job now."""
        free = not self.to_load and self.busy is None and not self.cleaning and not self.dying
        return self.pid is not None and free

    def send(self, *message: Any) -> None:
        """Tell the worker; one that is gone is noticed when it is listened to."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError, OSError):
            self.connection.send(message)

    def load(self, tasks: tuple[Task, ...]) -> None:
        """Ask it to load these."""
        self.to_load = [task.analyzer for task in tasks]
        for task in tasks:
            self.send("load", task)

    def analyze(self, job: Job) -> None:
        """Give it a job."""
        self.busy, self.since_s = ("analyze", (job.clip, job.task.analyzer)), now()
        self.sent.setdefault(job.clip, set()).update({*job.results, job.task.analyzer})
        self.send("analyze", job)

    def forget(self, clip: int) -> None:
        """Tell it that a clip is finished."""
        if self.sent.pop(clip, None) is not None:
            self.send("forget", clip)
