"""The head of a Ray cluster that this process started: whether it is there, and leaving it when it is not."""

from __future__ import annotations

import atexit
import contextlib
import os

#: The processes without which a cluster is none, as Ray calls them.
HEAD = ("gcs_server", "raylet")


def processes() -> dict[str, int]:
    """The head's processes by name, as soon as they are there; none where somebody else started them."""
    import psutil

    found = {}
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):
            if (name := child.name()) in HEAD:
                found[name] = child.pid
    return found


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
