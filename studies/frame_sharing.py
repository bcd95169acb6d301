"""How the frames reach the workers: what goes through the pipes, and how often the frames lie in memory."""

from __future__ import annotations

import os
import pickle
import re
from collections.abc import Iterable
from dataclasses import dataclass
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any

from clipbench.bench.clips.decoder_link import Decoders
from clipbench.bench.clips.decoding import open_clip
from clipbench.bench.clips.streaming import StreamedClip
from clipbench.bench.measuring.record import Pass
from clipbench.bench.measuring.runner import Runner
from clipbench.executors.base import now


@dataclass(frozen=True)
class Sharing:
    """One clip under way in `workers` processes; bytes.

    `clip` is the size of the decoded clip, `pipes` what went through all connections for it, both ways.
    `shared` is the proportional set size of the decoded clip summed over all processes, `private` what of it
    a worker has to itself. `worker_private` is each worker's private memory, idle and with the clip open.
    """

    workers: int
    clip: int
    pipes: int
    shared: int
    private: int
    worker_private: dict[str, tuple[int, int]]


class Counted:
    """A link to a worker process that counts what passes."""

    def __init__(self, link: Any) -> None:
        self.link, self.bytes = link, 0

    def send(self, message: Any) -> None:
        data = ForkingPickler.dumps(message)
        self.bytes += len(data)
        self.link.connection.send_bytes(data)

    def recv(self) -> Any:
        data = self.link.connection.recv_bytes()
        self.bytes += len(data)
        return pickle.loads(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.link, name)


def sharing(run: Runner, path: Path) -> Sharing:
    """Look at one pass of a started run with worker processes over the clip at `path`.

    Memory is read when all but the last analyzer are done: every worker has the clip open, and has read all
    the frames that it will read.
    """
    workers = run.executor.pids()
    counted = []
    for worker in run.executor.supervisor.workers:
        worker.link = Counted(worker.link)
        counted.append(worker.link)
    run.executor.supervisor.crew.relink()
    idle = {worker: private(pid) for worker, pid in workers.items()}
    start_s = now()
    with Decoders() as decoders, open_clip(path, run.tasks, decoders, run.plan.threads) as clip:
        keep_chunks(run, clip)
        for done, _ in enumerate(run.executor.run(clip), 1):
            if done == len(run.tasks) - 1:
                piece = clip.chunk(0, next(task.needs for task in run.tasks if task.frames))
                assert piece is not None
                memory = piece.share().memory_name
                size = Path("/dev/shm", memory).stat().st_size
                views = [mapping(pid, memory) for pid in workers.values()]
                own = mapping(os.getpid(), memory)
                busy = {worker: private(pid) for worker, pid in workers.items()}
    # The record numbers clips as the executor does.
    run.record.passes.append(Pass(clip.info, True, start_s, start_s))
    return Sharing(
        workers=len(workers),
        clip=size,
        pipes=sum(link.bytes for link in counted),
        shared=sum(view["Pss"] for view in [*views, own]),
        private=max(view["Private_Clean"] + view["Private_Dirty"] for view in views),
        worker_private={worker: (idle[worker], busy[worker]) for worker in workers},
    )


def keep_chunks(run: Runner, clip: StreamedClip) -> None:
    """Let the clip and the workers keep what has been read, so that it can be looked at."""
    supervisor = run.executor.supervisor
    forget, clip.release = supervisor.forget, lambda until: None
    supervisor.forget = lambda number, piece="": None if piece else forget(number)


def private(pid: int) -> int:
    """Bytes that no other process shares with `pid`."""
    sizes = totals(Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    return sizes["Private_Clean"] + sizes["Private_Dirty"]


def mapping(pid: int, name: str) -> dict[str, int]:
    """The sizes that /proc/PID/smaps (proc(5)) has for the shared memory called `name`, in bytes."""
    lines, inside = [], False
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            inside = line.endswith(f"/{name.lstrip('/')}")
        elif inside:
            lines.append(line)
    return totals(lines)


def totals(lines: Iterable[str]) -> dict[str, int]:
    """Name → bytes, summed over lines such as "Pss:    12 kB"."""
    sizes = dict.fromkeys(("Rss", "Pss", "Private_Clean", "Private_Dirty"), 0)
    for line in lines:
        name, _, rest = line.partition(":")
        if name in sizes:
            sizes[name] += int(rest.split()[0]) * 1024
    return sizes
