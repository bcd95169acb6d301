"""The head of a Ray cluster that this process started: whether it is there, and leaving it when it is not."""

from __future__ import annotations

import atexit
import contextlib
import os
from collections.abc import Iterator

#: The processes without which a cluster is none, as Ray calls them.
HEAD = ("gcs_server", "raylet")
#: What Ray calls in them before they are what they will be.
ENDS_WITH_US = "set_kill_on_parent_death_linux"


@contextlib.contextmanager
def apart() -> Iterator[None]:
    """Have what Ray starts meanwhile be in sessions of its own: a signal to our group is for us alone.

    If the head ends of it while Ray connects, Ray aborts this process. There is no setting for a session, but
    between fork and exec, Ray has its processes call a function, after which they end with us.
    """
    from ray._private import utils

    ends_with_us = getattr(utils, ENDS_WITH_US, None)
    if ends_with_us is None:  # a Ray of another version
        yield
        return

    def alone() -> None:
        os.setsid()
        ends_with_us()

    setattr(utils, ENDS_WITH_US, alone)
    try:
        yield
    finally:
        setattr(utils, ENDS_WITH_US, ends_with_us)


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
