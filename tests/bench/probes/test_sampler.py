"""The sampler: sees CPU and memory of each process, says its cost, ends by itself, and takes nothing down."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import psutil

from clipbench.bench.probes import procfs
from clipbench.bench.probes.process_sampler import ProcessSampler
from clipbench.bench.probes.sampler import Sampler
from clipbench.bench.runs.measurement import NotMeasured
from clipbench.bench.runs.telemetry import GpusTelemetry, Telemetry

CHILD = "import time; b = bytearray(100_000_000); print(flush=True); time.sleep(30)"
BUSY = f"""
import subprocess, sys, time
block = bytearray(200_000_000)
child = subprocess.Popen([sys.executable, "-c", {CHILD!r}])
print(child.pid, flush=True)
end = time.monotonic() + 2
while time.monotonic() < end: pass
child.kill()
"""
#: Two processes that share 200 MB, as workers share decoded frames.
SHARING = """
import os, time
from multiprocessing import shared_memory
shared = shared_memory.SharedMemory(create=True, size=200_000_000)
shared.buf[:] = b"1" * len(shared.buf)
child = os.fork()
total = sum(shared.buf[::4096])
if child:
    print("ready", flush=True)
    input()
    os.kill(child, 9)
    shared.unlink()
    os._exit(0)
time.sleep(30)
"""


def python(code: str, **options) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, **options)


def sampler_of(pid: int) -> psutil.Process:
    """The sampler that the process `pid` has started."""
    [found] = [p for p in psutil.Process(pid).children() if any("sampler_process" in w for w in p.cmdline())]
    return found


def test_cpu_and_memory_of_each_process_and_of_all():
    with python(BUSY) as watched:
        child = int(watched.stdout.readline())
        with Sampler(watched.pid, interval_s=0.05) as sampler:
            watched.wait()
    series = sampler.telemetry
    assert isinstance(series, Telemetry)
    parent, kid = series.processes[str(watched.pid)], series.processes[str(child)]
    assert parent.name.startswith("python") and parent.first == 0
    assert max(parent.rss_bytes) > 200e6 > max(kid.rss_bytes) > 100e6
    assert max(series.rss_bytes) > 300e6
    assert sum(parent.cpu_percent) > 5 * sum(kid.cpu_percent[2:])
    assert max(series.cpu_percent) > 20
    assert series.times_s == sorted(series.times_s)
    for values in (series.cpu_percent, series.rss_bytes, series.pss_bytes):
        assert len(values) == len(series.times_s)
    number = len(parent.rss_bytes) // 2
    both = parent.rss_bytes[number] + kid.rss_bytes[number - kid.first]
    assert series.rss_bytes[number] == both
    assert series.sampler.cpu_percent > 0 and series.sampler.start_cpu_s > 0


def test_memory_that_processes_share_counts_once_in_the_proportional_set_size():
    with python(SHARING, stdin=subprocess.PIPE) as watched:
        assert watched.stdout.readline() == "ready\n"
        with Sampler(watched.pid, interval_s=0.05) as sampler:
            sampler.mark("loaded")
            time.sleep(0.2)
        watched.communicate("\n")
    marked = sampler.telemetry.marks["loaded"].processes.values()
    assert sum(p.rss_bytes for p in marked) > 400e6
    assert 200e6 < sum(p.pss_bytes for p in marked) < 300e6
    assert 200e6 < max(p for p in sampler.telemetry.pss_bytes if p is not None) < 300e6


def test_a_mark_is_taken_before_work_goes_on():
    with Sampler(os.getpid(), interval_s=60) as sampler:
        before = time.monotonic()
        sampler.mark("after cleanup")
        after = time.monotonic()
    mark = sampler.telemetry.marks["after cleanup"]
    assert before <= mark.time_s <= after
    assert mark.processes[str(os.getpid())].rss_bytes > 10e6
    assert sampler.telemetry.times_s == []


def test_a_process_that_starts_between_samples_counts_with_all_it_used():
    processes = ProcessSampler(os.getpid())
    began = time.monotonic()
    busy = python("import time\nwhile time.process_time() < 0.3: pass\nprint(flush=True); time.sleep(30)")
    busy.stdout.readline()
    processes.sample(every_thread=False)
    busy.kill()
    busy.communicate()
    row = processes.processes[busy.pid]
    assert row.cpu_percent[0] / 100 * (processes.times_s[0] - began) >= 0.28


def test_a_process_started_by_another_thread_is_found_by_the_slow_samples():
    processes = ProcessSampler(os.getpid())
    children: list[subprocess.Popen] = []
    release = threading.Event()

    def start() -> None:
        children.append(python(CHILD))
        children[0].stdout.readline()
        release.wait()

    thread = threading.Thread(target=start)
    thread.start()
    while not children:
        time.sleep(0.01)
    try:
        processes.sample(every_thread=True)
        assert children[0].pid in processes.processes
        processes.sample(every_thread=False)
        assert len(processes.processes[children[0].pid].rss_bytes) == 2, "a quick sample lost it"
    finally:
        children[0].kill()
        release.set()
        thread.join()
        children[0].communicate()


def test_the_files_read_say_what_psutil_says():
    process = psutil.Process()
    usage = procfs.usage(os.getpid())
    times = process.cpu_times()
    assert abs(usage.busy_s - times.user - times.system) < 0.1
    assert abs(usage.rss_bytes - process.memory_info().rss) < 5e6
    assert usage.name == process.name()
    assert procfs.tree(os.getpid())[0] == os.getpid()
    assert procfs.usage(2**22 + 1) is None and procfs.pss_bytes(2**22 + 1) is None


def test_the_sampler_does_not_count_itself():
    with Sampler(os.getpid(), interval_s=0.05) as sampler:
        alone = sampler_of(os.getpid()).pid
        time.sleep(0.5)
    assert not psutil.pid_exists(alone)
    assert str(alone) not in sampler.telemetry.processes
    assert max(sampler.telemetry.rss_bytes) < 1.2 * psutil.Process().memory_info().rss


def test_gpus_are_a_reason_or_devices():
    with Sampler(os.getpid(), interval_s=0.05) as sampler:
        pass
    gpu = sampler.telemetry.gpu
    assert gpu.reason if isinstance(gpu, NotMeasured) else isinstance(gpu, GpusTelemetry)


def test_a_sampler_that_dies_is_a_reason_not_a_crash():
    with Sampler(os.getpid()) as sampler:
        process = sampler_of(os.getpid())
        process.kill()
        psutil.wait_procs([process])
        sampler.mark("nobody listens")
    assert isinstance(sampler.telemetry, NotMeasured) and sampler.telemetry.reason


def test_a_sampler_that_cannot_be_started_is_a_reason(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with Sampler(os.getpid()) as sampler:
        sampler.mark("nobody listens")
    assert "could not be started" in sampler.telemetry.reason


def test_ctrl_c_does_not_reach_the_sampler():
    """As a terminal does it: the signal goes to the whole process group."""
    code = "import os, signal, time; from clipbench.bench.probes.sampler import Sampler\n"
    # What a shell starts in the background ignores SIGINT, and so would all that the tests start there.
    code += "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    code += "with Sampler(os.getpid(), 0.05) as s:\n"
    # Naps, since a signal that comes just before a sleep begins does not end it.
    code += "    try:\n        print('ready', flush=True)\n        for _ in range(600): time.sleep(0.1)\n"
    code += "    except KeyboardInterrupt: pass\n"
    code += "print(getattr(s.telemetry, 'reason', 'kept'), flush=True)"
    owner = python(code, start_new_session=True)
    owner.stdout.readline()
    try:
        os.killpg(owner.pid, signal.SIGINT)
        assert owner.communicate(timeout=10)[0] == "kept\n"
    finally:
        owner.kill()
        owner.communicate()


def test_the_sampler_ends_when_its_owner_is_killed():
    code = "import os, time; from clipbench.bench.probes.sampler import Sampler\n"
    code += "with Sampler(os.getpid()) as s: print(flush=True); time.sleep(60)"
    owner = python(code)
    owner.stdout.readline()
    sampler_pid = sampler_of(owner.pid).pid
    owner.kill()
    owner.communicate()
    deadline = time.monotonic() + 10
    while psutil.pid_exists(sampler_pid) and psutil.Process(sampler_pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "the sampler outlived its owner"
        time.sleep(0.05)
