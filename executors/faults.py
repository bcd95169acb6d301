"""Planted faults: what an analyzer does to its worker on purpose, to test that executors contain it."""

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


#: Kinds that raise an exception; that only another thread can end; and that only another process survives.
RAISED = frozenset({"raise", "oom", "no_load"})
HUNG = frozenset({"hang"})
DEADLY = frozenset({"segfault", "exit", "sigkill", "no_start"})
#: Costs only time, and needs no containing: to see a gate fail.
HARMLESS = frozenset({"slow"})
CONTAINABLE = RAISED | HUNG | DEADLY
KINDS = CONTAINABLE | HARMLESS


def strike(kind: str, seconds: float = 0.5) -> None:
    """Do to this process what `kind` says. Only slow returns, after `seconds`."""
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
