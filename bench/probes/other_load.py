"""Other load: the cores that other work took from a run, which tells a busy machine from slow code."""

from __future__ import annotations

import re
import resource
import time
from pathlib import Path

from clipbench.analyzers.threads import core_numbers

STAT = Path("/proc/stat")
#: A guest's time is included in `user`.
NOT_BUSY = ("idle", "iowait", "guest", "guest_nice")

#: If other work takes more than this share of the cores, the run's times mean little.
BUSY = 0.1


class Uncounted(Exception):
    """The times of the cores cannot be read. The message says why."""


class OtherWork:
    """Counts other work from its creation on: all but that of this process and the children it waited for.

    If the workers are not children of this process (`children` is False), their work cannot be told from that
    of others.
    """

    def __init__(self, children: bool = True) -> None:
        self.reason = (
            "" if children else "the workers are not children of this process: their time is unknown"
        )
        self.began_s, self.everybody_s, self.own_s = time.monotonic(), self._everybody_s(), own_seconds()

    def cores(self) -> float | None:
        """How many of the cores that this process may use others have kept busy, as a mean over time.

        Time that a hypervisor gave to other machines counts as theirs. None if unknown; `reason` says why.
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
    """Whether other work took many of the `cores`; False if `others`, the number it took, is unknown."""
    return others is not None and others > BUSY * cores


def busy_seconds() -> float:
    """CPU seconds used so far, by everybody, of the cores that this process may use. Raises Uncounted."""
    import psutil

    times = psutil.cpu_times(percpu=True)
    return sum(
        sum(seconds for what, seconds in times[n]._asdict().items() if what not in NOT_BUSY)
        for n in places(len(times))
    )


def places(count: int) -> list[int]:
    """The places, in a list of `count` cores' times, of the cores that this process may use.

    An offline core has no line in /proc/stat, so the names count, not the places. In a container, lxcfs may
    show only the container's cores, named from 0, while the affinity has the host's numbers: then they are
    all allowed. Raises Uncounted if neither explains the list.
    """
    allowed = set(core_numbers())
    if not allowed:
        return list(range(count))
    named = [int(n) for n in re.findall(r"^cpu(\d+) ", STAT.read_text(), re.MULTILINE)]
    if len(named) == count and allowed.issubset(named):
        return [named.index(n) for n in sorted(allowed)]
    if len(named) == count == len(allowed):
        return list(range(count))
    raise Uncounted(
        f"{STAT} has {len(named)} cores, and not all of the {len(allowed)} that this process may use"
    )


def own_seconds() -> float:
    """CPU seconds used so far by this process and the children that it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)
