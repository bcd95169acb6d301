"""How much memory a clip may take: what is free on the machine, in its container, and in /dev/shm."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import psutil

from clipbench.bench.errors import InputError
from clipbench.executors.machine_limits import own_cgroups

SHARED = Path("/dev/shm")
#: Where cgroup v1 says how much memory a container may use and does use; of v2 it depends on the group.
CGROUPS = (
    (
        Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
        Path("/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ),
)


def available() -> dict[str, int]:
    """Bytes that are left, by where: of the machine's memory, of the container's limit, of /dev/shm."""
    left = {"the memory that is free": psutil.virtual_memory().available}
    groups = [(group / "memory.max", group / "memory.current") for group in own_cgroups()]
    for limit, used in (*groups, *CGROUPS):
        with contextlib.suppress(OSError, ValueError):  # no such cgroup, or "max": no limit
            free = max(0, int(limit.read_text()) - int(used.read_text()))
            left["the limit of the container"] = min(free, left.get("the limit of the container", free))
    if SHARED.is_dir():
        status = os.statvfs(SHARED)
        left["/dev/shm"] = status.f_bavail * status.f_frsize
    return left


def check(needed: int, whole: int, chunk_s: float | None) -> None:
    """Raise InputError if a clip needs more bytes than there are.

    `whole` is the part that is for analyzers which read the whole clip at once.
    """
    where, left = min(available().items(), key=lambda each: each[1])
    if needed <= left:
        return
    if whole > needed / 2:
        fix = "leave out the analyzers that read the whole clip at once (plan=true names them)"
    else:
        fix = f"decode it in shorter chunks: clip.chunk_s={(chunk_s or 20) / 4:g}"
    if where == "/dev/shm":
        fix += "; in a container, raise its --shm-size"
    raise InputError(
        f"the frames need {needed / 1e6:.0f} MB of shared memory, and {where} is {left / 1e6:.0f} MB; {fix}"
    )
