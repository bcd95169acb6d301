"""CPU, memory and descendants of a process from Linux's /proc, read with as few system calls as possible.

psutil finds descendants by reading every process of the machine, about a millisecond for a hundred of them.
Here only the files of the watched processes are read, in some microseconds each.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import NamedTuple

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Usage(NamedTuple):
    """One process now: its CPU seconds so far, resident bytes, and when it started (CLOCK_BOOTTIME)."""

    name: str
    busy_s: float
    rss_bytes: int
    started_s: float


def read(path: str) -> bytes:
    """A small file's content; b"" if the process has ended or its file may not be read."""
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return b""
    try:
        return os.read(file, 4096)
    except OSError:
        return b""
    finally:
        os.close(file)


def usage(pid: int) -> Usage | None:
    """The usage of `pid` by /proc/PID/stat (proc(5)), or None if there is no such process."""
    before, _, after = read(f"/proc/{pid}/stat").rpartition(b")")
    if not after:
        return None
    fields = after.split()  # from the third field on, the state
    return Usage(
        name=before.partition(b"(")[2].decode(errors="replace"),
        busy_s=(int(fields[11]) + int(fields[12])) / TICKS_PER_S,
        rss_bytes=int(fields[21]) * PAGE_BYTES,
        started_s=int(fields[19]) / TICKS_PER_S,
    )


def children(pid: int, every_thread: bool) -> Iterable[int]:
    """The processes that `pid` started from its main thread, or from any of its threads."""
    try:
        threads = os.listdir(f"/proc/{pid}/task") if every_thread else [pid]
    except OSError:
        return
    for thread in threads:
        yield from map(int, read(f"/proc/{pid}/task/{thread}/children").split())


def tree(pid: int, every_thread: bool = True, known: Iterable[int] = ()) -> list[int]:
    """`pid`, the processes in `known`, and all their descendants; each once, parents first."""
    found = dict.fromkeys([pid, *known])
    waiting = list(found)
    while waiting:
        for child in children(waiting.pop(), every_thread):
            if child not in found:
                found[child] = None
                waiting.append(child)
    return list(found)


def pss_bytes(pid: int) -> int | None:
    """The proportional set size: each resident page divided by the processes that share it.

    None if the kernel has no smaps_rollup or denies reading it. The kernel walks the process's page tables
    for it, which takes milliseconds for a process of some gigabytes.
    """
    for line in read(f"/proc/{pid}/smaps_rollup").splitlines():
        if line.startswith(b"Pss:"):
            return int(line.split()[1]) * 1024
    return None
