"""Sampling of CPU and memory while a run goes on, from a process of its own, with its own cost.

The sampler watches one process and all its descendants. It is `python -m bench.telemetry PID SECONDS`,
so that it imports nothing of what it measures, and it ends when its standard input closes: also when the
process that started it is killed.
"""

from __future__ import annotations

import json
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

INTERVAL_S = 0.2


class Sampler:
    """A context in which the process `pid` and its children are sampled every `interval_s` seconds."""

    def __init__(self, pid: int, interval_s: float = INTERVAL_S) -> None:
        self.pid, self.interval_s = pid, interval_s
        #: After the context: {times_s, cpu_percent, rss_bytes, sampler: {...}}, or {"reason"}.
        self.series: dict[str, Any] = {"reason": "the sampler was not run"}

    def __enter__(self) -> Sampler:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.telemetry", str(self.pid), str(self.interval_s)],
            cwd=Path(__file__).resolve().parent.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        return self

    def __exit__(self, *_: object) -> None:
        try:
            out, err = self._process.communicate(timeout=10)
            self.series = json.loads(out)
        except (subprocess.TimeoutExpired, ValueError):
            self._process.kill()
            self.series = {"reason": f"the sampler failed: {err.decode()[-200:] if err else 'no answer'}"}


def watch(pid: int, interval_s: float) -> dict[str, Any]:
    """Sample `pid` and its descendants until standard input closes.

    CPU in percent of one core, summed over the processes; memory as the sum of their resident sets, which
    counts shared pages once per process; times on CLOCK_MONOTONIC in seconds.
    """
    import psutil

    me = psutil.Process()
    began = time.monotonic()
    series: dict[str, list[float]] = {"times_s": [], "cpu_percent": [], "rss_bytes": []}
    busy_before: dict[int, float] = {}
    last = None
    while True:
        cpu, rss = 0.0, 0
        t = time.monotonic()
        try:
            watched = psutil.Process(pid)
            processes = [watched, *(c for c in watched.children(recursive=True) if c.pid != me.pid)]
        except psutil.NoSuchProcess:
            break
        for process in processes:
            try:
                times, memory = process.cpu_times(), process.memory_info()
            except psutil.Error:
                continue  # gone between listing and reading
            busy = times.user + times.system
            cpu += busy - busy_before.get(process.pid, busy)
            busy_before[process.pid] = busy
            rss += memory.rss
        if last is not None:
            series["times_s"].append(t)
            series["cpu_percent"].append(round(100 * cpu / (t - last), 1))
            series["rss_bytes"].append(rss)
        last = t
        if select.select([sys.stdin], [], [], interval_s)[0]:
            break
    own = me.cpu_times()
    cost = 100 * (own.user + own.system) / max(time.monotonic() - began, 1e-9)
    return {**series, "sampler": {"interval_s": interval_s, "cpu_percent": round(cost, 2)}}


if __name__ == "__main__":
    print(json.dumps(watch(int(sys.argv[1]), float(sys.argv[2]))))
