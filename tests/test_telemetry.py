"""The sampler: sees memory and CPU of a process and its children, says its cost, ends by itself."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from bench.telemetry import Sampler

BUSY = """
import subprocess, sys, time
block = bytearray(200_000_000)
child = subprocess.Popen([sys.executable, "-c", "import time; b = bytearray(100_000_000); time.sleep(30)"])
end = time.monotonic() + 2
while time.monotonic() < end: pass
child.kill()
"""


def test_memory_and_cpu_of_a_process_and_its_children():
    watched = subprocess.Popen([sys.executable, "-c", BUSY])
    with Sampler(watched.pid, interval_s=0.05) as sampler:
        watched.wait()
    series = sampler.series
    assert max(series["rss_bytes"]) > 300e6
    assert max(series["cpu_percent"]) > 20
    assert series["times_s"] == sorted(series["times_s"])
    assert len(series["times_s"]) == len(series["rss_bytes"]) == len(series["cpu_percent"])
    assert series["sampler"]["cpu_percent"] > 0


def test_the_sampler_does_not_count_itself():
    with Sampler(os.getpid(), interval_s=0.05) as sampler:
        alone = sampler._process.pid
        time.sleep(0.5)
    import psutil

    assert not psutil.pid_exists(alone)
    assert max(sampler.series["rss_bytes"]) < 1.2 * psutil.Process().memory_info().rss


def test_a_sampler_that_dies_is_a_reason_not_a_crash():
    with Sampler(os.getpid()) as sampler:
        sampler._process.kill()
    assert sampler.series["reason"]


def test_the_sampler_ends_when_its_owner_is_killed():
    code = "import os, time; from bench.telemetry import Sampler\n"
    code += "with Sampler(os.getpid()) as s: print(s._process.pid, flush=True); time.sleep(60)"
    owner = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    sampler_pid = int(owner.stdout.readline())
    owner.kill()
    owner.wait()
    deadline = time.monotonic() + 10
    import psutil

    while psutil.pid_exists(sampler_pid) and psutil.Process(sampler_pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "the sampler outlived its owner"
        time.sleep(0.05)
