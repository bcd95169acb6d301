"""The sampler's own process: `python -m clipbench.bench.probes.sampler_process PID SECONDS`.

It samples one process and all its descendants, and imports nothing of what it measures. A line on its
standard input is a mark: everything is sampled at once, and the line is echoed. When its standard input
closes, which also happens when the process that started it is killed, it prints the telemetry and ends.

`… PID SECONDS DESCRIPTOR GRACE` has it see to it, too, that the process ends when it was asked to: the
descriptor can be read when a signal has come, and GRACE seconds later the process is killed. One that spins
in a library never comes to its own handler.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import select
import signal
import sys
import time
from collections.abc import Sequence

from clipbench.bench.probes.gpu_sampler import GpuSampler
from clipbench.bench.probes.process_sampler import ProcessSampler
from clipbench.bench.runs.serialization import to_json
from clipbench.bench.runs.telemetry import Mark, SamplerCost, Telemetry

#: Every so many samples, GPU figures that cost more are read, and children are looked for that other threads
#: than the main one started.
SLOW_EVERY = 5


class Asked:
    """Whether a process was asked to end, and since when."""

    def __init__(self, pid: int, descriptor: int | None, grace_s: float) -> None:
        self.pid, self.grace_s, self.since_s = pid, grace_s, math.inf
        self.descriptors = [] if descriptor is None else [descriptor]

    def hear(self, readable: Sequence[int]) -> None:
        """Take note of a signal."""
        if self.descriptors and self.descriptors[0] in readable:
            if os.read(self.descriptors[0], 64):
                self.since_s = min(self.since_s, time.monotonic())
            else:
                self.descriptors = []

    def enforce(self) -> None:
        """Kill the process where it has not ended in time."""
        if time.monotonic() - self.since_s > self.grace_s:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


def watch(pid: int, interval_s: float, alarm: int | None = None, grace_s: float = math.inf) -> Telemetry:
    """The telemetry of `pid` and its descendants until standard input closes; times on CLOCK_MONOTONIC.

    Prints "ready" once the first sample of the GPUs has been taken.
    """
    gpus = GpuSampler()
    gpus.sample(slow=True)
    processes = ProcessSampler(pid, without=os.getpid())
    marks: dict[str, Mark] = {}
    asked = Asked(pid, alarm, grace_s)
    start_cpu_s, began = time.process_time(), time.monotonic()
    print("ready", flush=True)
    number, due = 0, time.monotonic() + interval_s
    while True:
        readable = select.select([0, *asked.descriptors], [], [], max(0.0, due - time.monotonic()))[0]
        asked.hear(readable)
        asked.enforce()
        if 0 in readable:
            line = os.read(0, 4096)
            gpus.sample(slow=True)
            if not line:
                break
            label = line.decode().strip()
            marks[label] = processes.mark()
            print(label, flush=True)
            continue
        if readable:
            continue
        number += 1
        due = time.monotonic() + interval_s
        slow = number % SLOW_EVERY == 0
        gpus.sample(slow)
        if not processes.sample(every_thread=slow):
            break
    gpu = gpus.close()
    cpu_percent = 100 * (time.process_time() - start_cpu_s) / (time.monotonic() - began)
    return Telemetry(
        times_s=processes.times_s,
        cpu_percent=processes.cpu_percent,
        rss_bytes=processes.rss_bytes,
        pss_bytes=processes.pss_bytes,
        processes={str(one): series for one, series in processes.processes.items()},
        marks=marks,
        gpu=gpu,
        sampler=SamplerCost(
            interval_s=interval_s,
            cpu_percent=round(cpu_percent, 2),
            start_cpu_s=round(start_cpu_s, 3),
            gpu_cpu_s=round(gpus.cpu_s, 3),
        ),
    )


if __name__ == "__main__":
    alarm, grace_s = (int(sys.argv[3]), float(sys.argv[4])) if len(sys.argv) > 3 else (None, math.inf)
    print(json.dumps(to_json(watch(int(sys.argv[1]), float(sys.argv[2]), alarm, grace_s))))
