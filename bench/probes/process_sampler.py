"""Sampling of CPU and memory of a process and all its descendants."""

from __future__ import annotations

import time

from clipbench.bench.probes import procfs
from clipbench.bench.runs.telemetry import Mark, ProcessMemory, ProcessSeries

#: Reading proportional set sizes makes the kernel walk page tables; it may take this share of one core,
PSS_SHARE = 0.001
#: and is done at most once in this time.
PSS_EVERY_S = 1.0


class ProcessSampler:
    """The CPU and memory of the process `pid` and its descendants, except `without`, sample by sample.

    The series have one value per sample: `cpu_percent` of one core since the sample before, and `rss_bytes`,
    both summed over the processes; `pss_bytes`, in which a shared page counts once in all, or None if it was
    not read, because reading it is costly. Times are on CLOCK_MONOTONIC.
    """

    def __init__(self, pid: int, without: int | None = None) -> None:
        self.pid, self.without, self.known = pid, without, procfs.tree(pid)
        self.times_s: list[float] = []
        self.cpu_percent: list[float] = []
        self.rss_bytes: list[int] = []
        self.pss_bytes: list[int | None] = []
        self.processes: dict[int, ProcessSeries] = {}
        self._pss_due_s = 0.0
        self._busy_s: dict[int, float] = {}
        self._last_s = time.monotonic()
        self._last_boot_s = time.clock_gettime(time.CLOCK_BOOTTIME)
        self._read()

    def _read(self) -> dict[int, tuple[procfs.Usage, float]]:
        """Process id → usage, and the CPU seconds used since the last call.

        They are 0 for a process that was running at the last call but is new to us.
        """
        found = {}
        for pid in self.known:
            now = procfs.usage(pid)
            if now is not None and pid != self.without:
                # The start is cut to whole ticks.
                new = now.started_s + 1 / procfs.TICKS_PER_S >= self._last_boot_s
                unseen = 0.0 if new else now.busy_s
                found[pid] = now, max(0.0, now.busy_s - self._busy_s.get(pid, unseen))
        self._busy_s = {pid: now.busy_s for pid, (now, _) in found.items()}
        return found

    def sample(self, every_thread: bool) -> bool:
        """Add one sample. Returns False if the watched process has ended.

        `every_thread` also looks for children that other threads than the main one started, which costs more.
        """
        self.known = procfs.tree(self.pid, every_thread, () if every_thread else self.known)
        t, boot = time.monotonic(), time.clock_gettime(time.CLOCK_BOOTTIME)
        found = self._read()
        if self.pid not in found:
            return False
        cpu = {pid: round(100 * busy / (t - self._last_s), 1) for pid, (_, busy) in found.items()}
        number = len(self.times_s)
        for pid, (now, _) in found.items():
            row = self.processes.setdefault(pid, ProcessSeries(now.name, number, [], []))
            missed = number - row.first - len(row.rss_bytes)
            row.cpu_percent += [*[None] * missed, cpu[pid]]
            row.rss_bytes += [*[None] * missed, now.rss_bytes]
        self.times_s.append(t)
        self.cpu_percent.append(round(sum(cpu.values()), 1))
        self.rss_bytes.append(sum(now.rss_bytes for now, _ in found.values()))
        resident = [pid for pid, (now, _) in found.items() if now.rss_bytes]  # zombies have no pages
        self.pss_bytes.append(self._pss(t, resident))
        self._last_s, self._last_boot_s = t, boot
        return True

    def _pss(self, t: float, resident: list[int]) -> int | None:
        """The sum of the proportional set sizes; None if reading them is not due, or one cannot be read."""
        if t < self._pss_due_s:
            return None
        began = time.process_time()
        sizes = [procfs.pss_bytes(pid) for pid in resident]
        self._pss_due_s = t + max(PSS_EVERY_S, (time.process_time() - began) / PSS_SHARE)
        readable = [size for size in sizes if size is not None]
        return sum(readable) if len(readable) == len(sizes) else None

    def mark(self) -> Mark:
        """Time and memory of each process now, without CPU: the time since the last sample is too short."""
        self.known = procfs.tree(self.pid)
        memory = {
            str(pid): ProcessMemory(now.name, now.rss_bytes, procfs.pss_bytes(pid))
            for pid in self.known
            if pid != self.without and (now := procfs.usage(pid)) is not None
        }
        return Mark(time.monotonic(), memory)
