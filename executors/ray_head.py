"""The head of a Ray cluster that this process started: whether it is there, and leaving it when it is not."""

from __future__ import annotations

import atexit
import os
from typing import Any

#: The processes without which a cluster is none, as Ray calls them.
HEAD = ("gcs_server", "raylet")


def processes() -> dict[str, int]:
    """The head's processes by name; none in a cluster that somebody else started."""
    import ray

    node: Any = getattr(ray._private.worker, "_global_node", None)
    started: dict[str, list[Any]] = getattr(node, "all_processes", None) or {}
    return {name: each.process.pid for name in HEAD for each in started.get(name, [])}


def dead(head: dict[str, int]) -> str:
    """The first of the head's processes that has ended, or ""."""
    return next((name for name, pid in head.items() if not runs(pid)), "")


def runs(pid: int) -> bool:
    """Whether a child is there and no zombie. It is not waited for: that is Ray's to do."""
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    except ChildProcessError:
        return os.path.exists(f"/proc/{pid}")


def leave() -> None:
    """Have this process end without a word to the head, for which Ray would wait, and then end it."""
    import ray

    atexit.unregister(ray.shutdown)
