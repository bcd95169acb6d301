"""The cores that other work on this machine took from a run: what tells a busy machine from slower code."""

from __future__ import annotations

import os
import re
import resource
import time
from pathlib import Path

STAT = Path("/proc/stat")
#: A guest's time is in `user` already.
NOT_BUSY = ("idle", "iowait", "guest", "guest_nice")

#: Others that take more than this share of the cores make times that say little.
BUSY = 0.1


class Uncounted(Exception):
    """The cores' times cannot be had; the message says why."""


class OtherWork:
    """Counts from its making. A run's own work is that of this process and of the children it has ended.

    Where the workers are no children of this process (`children` false), what they do cannot be told from
    what others do.
    """

    def __init__(self, children: bool = True) -> None:
        self.reason = "" if children else "the workers are no children of this process: their time is unknown"
        self.began_s, self.everybody_s, self.own_s = time.monotonic(), self._everybody_s(), own_seconds()

    def cores(self) -> float | None:
        """Cores, of those that this process may use, that others have kept busy since; a mean over time.

        Time that a hypervisor gave to other machines counts as theirs. None where it cannot be told; `reason`
        says why.
        """
        everybody_s = self._everybody_s()
        if self.reason:
            return None
        others_s = (everybody_s - self.everybody_s) - (own_seconds() - self.own_s)
        return round(max(0.0, others_s / (time.monotonic() - self.began_s)), 3)

    def _everybody_s(self) -> float:
        try:
            return busy_seconds()
        except Uncounted as error:
            self.reason = self.reason or str(error)
            return 0.0


def is_busy(others: float | None, cores: int) -> bool:
    """Whether `others`, the cores that other work took of `cores`, were many; not where it is not known."""
    return others is not None and others > BUSY * cores


def busy_seconds() -> float:
    """CPU seconds that everybody has used so far of the cores that this process may use.

    Raises Uncounted.
    """
    import psutil

    times = psutil.cpu_times(percpu=True)
    return sum(
        sum(seconds for what, seconds in times[n]._asdict().items() if what not in NOT_BUSY)
        for n in places(len(times))
    )


def places(count: int) -> list[int]:
    """Which of the `count` cores whose times there are, in their order, this process may use.

    An offline core has no line in /proc/stat, so that the names count, not the places. In a container lxcfs
    may show only the container's cores, named from 0, while the affinity has the host's numbers: then they
    are all of them. Raises Uncounted where neither explains what there is.
    """
    if not hasattr(os, "sched_getaffinity"):
        return list(range(count))
    allowed = os.sched_getaffinity(0)
    named = [int(n) for n in re.findall(r"^cpu(\d+) ", STAT.read_text(), re.MULTILINE)]
    if len(named) == count and allowed.issubset(named):
        return [named.index(n) for n in sorted(allowed)]
    if len(named) == count == len(allowed):
        return list(range(count))
    raise Uncounted(
        f"{STAT} has {len(named)} cores, and not all of the {len(allowed)} that this process may use"
    )


def own_seconds() -> float:
    """CPU seconds that this process and the children that it has waited for have used so far."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)
