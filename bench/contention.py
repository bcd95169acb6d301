"""The cores that other work on this machine took from a run: what tells a busy machine from slower code."""

from __future__ import annotations

import os
import resource
import time


class OtherWork:
    """Counts from its making. A run's own work is that of this process and of the children it has ended."""

    def __init__(self) -> None:
        self.began_s, self.everybody_s, self.own_s = time.monotonic(), busy_seconds(), own_seconds()

    def cores(self) -> float:
        """Cores, of those that this process may use, that others have kept busy since; a mean over time.

        Time that a hypervisor gave to other machines counts as theirs.
        """
        others = (busy_seconds() - self.everybody_s) - (own_seconds() - self.own_s)
        return round(max(0.0, others / (time.monotonic() - self.began_s)), 3)


def busy_seconds() -> float:
    """CPU seconds that everybody has used so far of the cores that this process may use."""
    import psutil

    cores = psutil.cpu_times(percpu=True)
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(len(cores))
    idle = ("idle", "iowait", "guest", "guest_nice")  # a guest's time is in `user` already
    return sum(sum(v for k, v in cores[n]._asdict().items() if k not in idle) for n in allowed)


def own_seconds() -> float:
    """CPU seconds that this process and the children that it has waited for have used so far."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)
