"""A process that was asked to end and spins in a library, where its own handler never runs, is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from clipbench.bench import invocation

#: Waits for good in C, for a lock that it has itself, as a library does that was refused memory.
STUCK = """
import ctypes, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
signal.set_wakeup_fd(int(sys.argv[1]), warn_on_full_buffer=False)
mutex = ctypes.create_string_buffer(128)
c = ctypes.CDLL(None)
print("stuck", flush=True)
c.pthread_mutex_lock(mutex)
c.pthread_mutex_lock(mutex)
"""


@pytest.fixture
def stuck():
    heard, alarm = os.pipe()
    os.set_blocking(alarm, False)
    process = subprocess.Popen(
        [sys.executable, "-c", STUCK, str(alarm)], pass_fds=(alarm,), stdout=subprocess.PIPE
    )
    os.close(alarm)
    process.stdout.readline()
    yield process, heard
    process.kill()
    process.communicate()
    os.close(heard)


def sampler(pid: int, heard: int, grace_s: float) -> subprocess.Popen:
    words = (str(pid), "0.05", str(heard), str(grace_s))
    made = subprocess.Popen(
        invocation.python("clipbench.bench.probes.sampler_process", *words),
        env=invocation.environment(), pass_fds=(heard,), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    made.stdout.readline()
    return made


def test_it_is_killed_when_its_time_is_over(stuck):
    process, heard = stuck
    made = sampler(process.pid, heard, 0.5)
    try:
        time.sleep(1.0)
        assert process.poll() is None  # nobody has asked it yet
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == -signal.SIGKILL
    finally:
        made.communicate()


def test_it_has_its_time(stuck):
    process, heard = stuck
    made = sampler(process.pid, heard, 3600)
    try:
        process.send_signal(signal.SIGTERM)
        time.sleep(1.0)
        assert process.poll() is None
    finally:
        made.communicate()
