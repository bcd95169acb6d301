"""Planted faults: what an analyzer may do to its worker, on purpose, for tests and for the curious."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """`kind` strikes when `analyzer` is analyzed; `no_load` when it is loaded, `no_start` before that.

    `seconds` is how much longer the analyzer takes where `kind` is slow.
    """

    kind: str
    analyzer: str
    seconds: float = 0.5


#: Kinds that an exception tells of, that need a second thread of control, and that need another process.
RAISED = frozenset({"raise", "oom", "no_load"})
HUNG = frozenset({"hang"})
DEADLY = frozenset({"segfault", "exit", "sigkill", "no_start"})
#: Costs nothing but time, and needs no containing: for seeing a gate go red.
HARMLESS = frozenset({"slow"})
CONTAINABLE = RAISED | HUNG | DEADLY
KINDS = CONTAINABLE | HARMLESS


def strike(kind: str, seconds: float = 0.5) -> None:
    """Do what `kind` says to this process; returns from slow, after `seconds`, and from no other."""
    match kind:
        case "slow":
            time.sleep(seconds)
        case "raise" | "no_load":
            raise RuntimeError("planted fault")
        case "oom":
            raise MemoryError("planted fault")
        case "hang":
            while True:
                time.sleep(3600)
        case "segfault":
            ctypes.string_at(0)
        case "exit" | "no_start":
            os._exit(7)
        case "sigkill":
            os.kill(os.getpid(), signal.SIGKILL)
