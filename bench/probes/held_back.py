"""What holds a whole run back: a machine that sleeps, a container's limit, a processor that gets too hot."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path

from clipbench.bench.runs.results import HeldBack
from clipbench.executors.machine_limits import own_cgroups

CPUS = Path("/sys/devices/system/cpu")
#: Where cgroup v1 says for how long its limit held this process back, in nanoseconds.
OLDER_CGROUP = Path("/sys/fs/cgroup/cpu/cpu.stat")


@dataclass(frozen=True)
class Counters:
    """What the system has counted since it was started; None for what it does not count."""

    suspended_s: float | None
    throttled_s: float | None
    too_hot: int | None

    @classmethod
    def now(cls) -> Counters:
        """The counters as they stand."""
        return cls(suspended_seconds(), throttled_seconds(), times_too_hot())


class Watch:
    """Watches from its creation on."""

    def __init__(self) -> None:
        self.before, self.began_s = Counters.now(), time.monotonic()

    def found(self) -> HeldBack:
        """What has held the run back so far."""
        now, seconds = Counters.now(), time.monotonic() - self.began_s
        throttled_s = difference(self.before.throttled_s, now.throttled_s)
        hot = difference(self.before.too_hot, now.too_hot)
        return HeldBack(
            suspended_s=difference(self.before.suspended_s, now.suspended_s),
            throttled_cores=None if throttled_s is None else round(throttled_s / max(seconds, 1e-9), 3),
            too_hot=None if hot is None else int(hot),
        )


def difference(before: float | None, now: float | None) -> float | None:
    """What was counted in between; None where one of both is not known."""
    return None if before is None or now is None else round(max(0.0, now - before), 3)


def suspended_seconds() -> float | None:
    """How long the machine has been asleep: CLOCK_MONOTONIC, by which passes are timed, stood still."""
    if not hasattr(time, "CLOCK_BOOTTIME"):
        return None
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)


def throttled_seconds() -> float | None:
    """Seconds, added up over cores, for which a container's limit of CPU time kept work from running."""
    for folder in own_cgroups():
        if (found := counted(folder / "cpu.stat", "throttled_usec")) is not None:
            return found / 1e6
    older = counted(OLDER_CGROUP, "throttled_time")
    return None if older is None else older / 1e9


def counted(file: Path, name: str) -> int | None:
    """The number that stands after `name` in a file; None where there is none."""
    with contextlib.suppress(OSError, ValueError):
        for line in file.read_text().splitlines():
            key, _, value = line.partition(" ")
            if key == name:
                return int(value)
    return None


def times_too_hot() -> int | None:
    """How often cores were slowed down because they were too hot; None where the processor does not say."""
    found = []
    for file in CPUS.glob("cpu*/thermal_throttle/core_throttle_count"):
        with contextlib.suppress(OSError, ValueError):
            found.append(int(file.read_text()))
    return sum(found) if found else None
