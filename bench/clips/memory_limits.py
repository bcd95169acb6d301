"""How much memory a clip may take: what is free on the machine, in its container, and in /dev/shm."""

from __future__ import annotations

import os
from pathlib import Path

import psutil

from clipbench.bench.errors import InputError

SHARED = Path("/dev/shm")
#: Where Linux says how much memory a container may use and does use (cgroup v2, then v1).
CGROUPS = (
    (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")),
    (
        Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
        Path("/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ),
)


def available() -> dict[str, int]:
    """Bytes that are left, by where: of the machine's memory, of the container's limit, of /dev/shm."""
    left = {"the memory that is free": psutil.virtual_memory().available}
    for limit, used in CGROUPS:
        try:
            left["the limit of the container"] = max(0, int(limit.read_text()) - int(used.read_text()))
            break
        except (OSError, ValueError):  # no such cgroup, or "max": no limit
            continue
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
