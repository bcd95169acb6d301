"""Sampling of CPU, memory and GPUs while a run goes on, from a process of its own, with its own cost.

The sampler watches one process and all its descendants. It is `python -m probes.sampler PID SECONDS`,
so that it imports nothing of what it measures, and it ends when its standard input closes: also when the
process that started it is killed. It is in a session of its own, so that Ctrl-C does not reach it and an
interrupted run keeps its telemetry. A line on its standard input is a mark: everything is sampled at once,
and the line is sent back.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from typing import Any

from clipbench.bench import invocation
from clipbench.bench.probes import procfs

INTERVAL_S = 0.2
#: GPU figures that cost more to read, and children that were started from another than the main thread, are
#: looked at once in so many samples.
SLOW_EVERY = 5
#: Reading the proportional set sizes makes the kernel walk page tables; it may take this share of one core.
PSS_SHARE = 0.001
PSS_EVERY_S = 1.0


class Sampler:
    """A context in which the process `pid` and its descendants are sampled every `interval_s` seconds.

    It is entered when the first sample of the GPUs has been taken, so that what is started inside can be
    told from what was there before. Nothing here raises: a sampler that fails leaves a reason.
    """

    def __init__(self, pid: int, interval_s: float = INTERVAL_S) -> None:
        self.pid, self.interval_s = pid, interval_s
        #: After the context: what `watch` returns, or {"reason"}.
        self.series: dict[str, Any] = {"reason": "the sampler was not run"}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Sampler:
        try:
            self._process = subprocess.Popen(
                invocation.python("clipbench.bench.probes.sampler", str(self.pid), str(self.interval_s)),
                env=invocation.environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            self.series = {"reason": f"the sampler could not be started: {error}"}
        else:
            self._await_answer(timeout_s=20)  # a driver that is not kept loaded takes seconds to answer
        return self

    def mark(self, label: str) -> None:
        """Sample now, everything, and keep it under `label` (one line, used once) in series["marks"]."""
        if self._process is None:
            return
        try:
            self._process.stdin.write(f"{label}\n".encode())
            self._process.stdin.flush()
        except OSError:
            return  # the sampler is gone; leaving the context says why
        self._await_answer(timeout_s=5)

    def _await_answer(self, timeout_s: float) -> None:
        if select.select([self._process.stdout], [], [], timeout_s)[0]:
            self._process.stdout.readline()

    def __exit__(self, *_: object) -> None:
        if self._process is None:
            return
        out = err = b""
        try:
            out, err = self._process.communicate(timeout=4)  # all of a run must end within 5 s
            self.series = json.loads(out.splitlines()[-1])
        except (subprocess.TimeoutExpired, ValueError, IndexError):
            self._process.kill()
            self._process.wait()
            self.series = {"reason": f"the sampler failed: {err.decode()[-200:].strip() or 'no answer'}"}


class Processes:
    """The CPU and memory of a process and its descendants but `without`, sample by sample."""

    def __init__(self, pid: int, without: int | None = None) -> None:
        self.pid, self.without, self.known = pid, without, procfs.tree(pid)
        self.times_s: list[float] = []
        self.cpu_percent: list[float] = []
        self.rss_bytes: list[int] = []
        self.pss_bytes: list[int | None] = []
        self.pss_due_s = 0.0
        self.processes: dict[int, dict[str, Any]] = {}
        self.busy_s: dict[int, float] = {}
        self.last_s = time.monotonic()
        self.last_boot_s = time.clock_gettime(time.CLOCK_BOOTTIME)
        self._read()

    def _read(self) -> dict[int, tuple[procfs.Usage, float]]:
        """pid → usage, and the CPU seconds used since the last call (0 if it was there but not known)."""
        found = {}
        for pid in self.known:
            now = procfs.usage(pid)
            if now is not None and pid != self.without:
                new = now.started_s + 1 / procfs.TICKS_PER_S >= self.last_boot_s  # it is cut to whole ticks
                unseen = 0.0 if new else now.busy_s
                found[pid] = now, max(0.0, now.busy_s - self.busy_s.get(pid, unseen))
        self.busy_s = {pid: now.busy_s for pid, (now, _) in found.items()}
        return found

    def sample(self, every_thread: bool) -> bool:
        """Add one sample; False where the watched process is gone."""
        self.known = procfs.tree(self.pid, every_thread, () if every_thread else self.known)
        t, boot = time.monotonic(), time.clock_gettime(time.CLOCK_BOOTTIME)
        found = self._read()
        if self.pid not in found:
            return False
        cpu = {pid: round(100 * busy / (t - self.last_s), 1) for pid, (_, busy) in found.items()}
        number = len(self.times_s)
        for pid, (now, _) in found.items():
            row = self.processes.setdefault(
                pid, {"name": now.name, "first": number, "cpu_percent": [], "rss_bytes": []}
            )
            gap = [None] * (number - row["first"] - len(row["rss_bytes"]))
            row["cpu_percent"] += [*gap, cpu[pid]]
            row["rss_bytes"] += [*gap, now.rss_bytes]
        self.times_s.append(t)
        self.cpu_percent.append(round(sum(cpu.values()), 1))
        self.rss_bytes.append(sum(now.rss_bytes for now, _ in found.values()))
        resident = [pid for pid, (now, _) in found.items() if now.rss_bytes]  # the dead have no pages
        self.pss_bytes.append(self._pss(t, resident))
        self.last_s, self.last_boot_s = t, boot
        return True

    def _pss(self, t: float, resident: list[int]) -> int | None:
        """The sum of the proportional set sizes, where reading them is due and all of them can be read."""
        if t < self.pss_due_s:
            return None
        began = time.process_time()
        sizes = [procfs.pss_bytes(pid) for pid in resident]
        self.pss_due_s = t + max(PSS_EVERY_S, (time.process_time() - began) / PSS_SHARE)
        return None if None in sizes else sum(sizes)

    def mark(self) -> dict[str, Any]:
        """Time and memory of each process now. No CPU: the time since the last sample is too short for it."""
        self.known = procfs.tree(self.pid)
        rows = {
            pid: {"name": now.name, "rss_bytes": now.rss_bytes, "pss_bytes": procfs.pss_bytes(pid)}
            for pid in self.known
            if pid != self.without and (now := procfs.usage(pid)) is not None
        }
        return {"time_s": time.monotonic(), "processes": rows}

    def series(self) -> dict[str, Any]:
        """What was sampled, as `watch` returns it."""
        names = ("times_s", "cpu_percent", "rss_bytes", "pss_bytes", "processes")
        return {name: getattr(self, name) for name in names}


def watch(pid: int, interval_s: float) -> dict[str, Any]:
    """Sample `pid` and its descendants until standard input closes. Returns

    - `times_s` on CLOCK_MONOTONIC; `cpu_percent` of one core since the sample before, and `rss_bytes`, both
      summed over the processes (resident pages that processes share count once for each); `pss_bytes`, in
      which a shared page counts once in all, null where it was not read: it is costly;
    - `processes`: pid → {name, first, cpu_percent, rss_bytes}, with values for the samples from number
      `first` on, null where it was not found;
    - `marks`: label → {time_s, processes: pid → {name, rss_bytes, pss_bytes}};
    - `gpu`: what clipbench.bench.probes.gpu_sampler.GpuSampler.close gives, or {reason};
    - `sampler`: {interval_s, cpu_percent, start_cpu_s, gpu_cpu_s}: its own cost, in percent of one core while
      it sampled; in seconds what it took to start, before which no run starts; and what NVML had of both.
    """
    from clipbench.bench.probes.gpu_sampler import GpuSampler

    gpus = GpuSampler()
    gpus.sample(slow=True)
    processes, marks = Processes(pid, without=os.getpid()), {}
    start_cpu_s, began = time.process_time(), time.monotonic()
    print("ready", flush=True)
    number, due = 0, time.monotonic() + interval_s
    while True:
        if select.select([0], [], [], max(0.0, due - time.monotonic()))[0]:
            line = os.read(0, 4096)
            gpus.sample(slow=True)
            if not line:
                break
            label = line.decode().strip()
            marks[label] = processes.mark()
            print(label, flush=True)
            continue
        number += 1
        due = time.monotonic() + interval_s
        slow = number % SLOW_EVERY == 0
        gpus.sample(slow)
        if not processes.sample(every_thread=slow):
            break
    gpu = gpus.close()
    cost = {
        "interval_s": interval_s,
        "cpu_percent": round(100 * (time.process_time() - start_cpu_s) / (time.monotonic() - began), 2),
        "start_cpu_s": round(start_cpu_s, 3),
        "gpu_cpu_s": round(gpus.cpu_s, 3),
    }
    return {**processes.series(), "marks": marks, "gpu": gpu, "sampler": cost}


def shifted(series: Any, origin_s: float) -> Any:
    """`series` with every time in it (`times_s`, `time_s`) counted from `origin_s`."""
    if isinstance(series, list) and series and isinstance(series[0], dict):
        return [shifted(item, origin_s) for item in series]
    if not isinstance(series, dict):
        return series
    return {
        key: [round(t - origin_s, 3) for t in value]
        if key == "times_s"
        else round(value - origin_s, 3)
        if key == "time_s"
        else shifted(value, origin_s)
        for key, value in series.items()
    }


if __name__ == "__main__":
    print(json.dumps(watch(int(sys.argv[1]), float(sys.argv[2]))))
